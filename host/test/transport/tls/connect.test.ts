import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { Endpoint, Frame, JsonObject } from "../../../src/contract/index.ts";
import { firstConnection } from "../../../src/transport/tls/connect.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { Cable } from "../support/cable.ts";
import { crooked } from "../support/crooked.ts";
import { call, PATIENT, shareStreet } from "../support/shared-street.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };

/** An address that takes connections and says nothing: a lost network looks the same. */
async function hole(t: TestContext): Promise<{ endpoint: Endpoint; sockets: Set<Socket>; tries: () => number }> {
  const sockets = new Set<Socket>();
  let tries = 0;
  const server = createServer((socket) => {
    tries += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resume();
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: { transport: "https", host: "127.0.0.1", port }, sockets, tries: () => tries };
}

describe("several addresses of one node (network.md §4 Dial)", async () => {
  const { street, anna, ben } = await shareStreet((one) =>
    one.neighbours({ anna: { ...PATIENT.anna, ...FEATURES }, ben: FEATURES }),
  );
  anna.offer();
  anna.offer({ name: "ext.demo.count", stream_schema: { type: "object" } }, async function* ({ frames }) {
    let n = 0;
    for await (const _frame of frames ?? []) yield { event: "token", data: { n: (n += 1) } };
    return { n };
  });

  it("a request goes to the second 150 ms after the first has swallowed everything, and is sent once", async (t) => {
    const { endpoint: dead, tries } = await hole(t);
    const live = await Cable.between(t, () => anna.endpoint);
    const ask = (): Promise<unknown> => ben.link.call(call(anna, [dead, live.endpoint], { timeoutMs: 10_000 }));
    const ended = anna.bus.recentCalls(100).length;
    const several = Promise.all([ask(), ask(), ask()]);
    await until("the first is tried", () => tries() > 0);
    street.clock.advance(149);
    assert.equal(live.connections, 0, "the first has a start of 150 ms");
    street.clock.advance(1);
    await several;
    assert.equal(anna.bus.recentCalls(100).length, ended + 3);
    await ask();
    assert.equal(tries(), 1, "what is open is used, by all who look for the way at the same time too");
  });

  it("a caller who goes away is not kept by any of them", async (t) => {
    const holes = [await hole(t), await hole(t)];
    const away = new AbortController();
    const endpoints = holes.map(({ endpoint }) => endpoint);
    const asked = ben.link.call(call({ nodeId: anna.nodeId }, endpoints, { signal: away.signal }));
    await until("the first is tried", () => holes[0] !== undefined && holes[0].tries() > 0);
    away.abort();
    await assert.rejects(asked, refused("timeout"));
  });

  it("a session comes about at the second", async (t) => {
    const { endpoint: dead, tries } = await hole(t);
    await street.meet(ben, anna);
    const replied = ben.link.call(call(anna, [dead, anna.endpoint], { idempotent: true }));
    await until("the first is tried", () => tries() > 0);
    street.clock.advance(150);
    await replied;
    assert.equal(ben.link.sessions.live(anna.nodeId)?.established.role, "initiator");
  });

  it("a WebSocket comes about at the second", async (t) => {
    const { endpoint: dead, tries } = await hole(t);
    async function* two(): AsyncGenerator<Frame, void, void> {
      yield { event: "word", data: {} };
      yield { event: "word", data: {} };
    }
    const frames = ben.link.stream(
      call(anna, [dead, anna.endpoint], { capability: "ext.demo.count", stream: true, frames: two() }),
    );
    const summary = (async (): Promise<JsonObject> => {
      for (;;) {
        const step = await frames.next();
        if (step.done === true) return step.value;
      }
    })();
    await until("the first is tried", () => tries() > 0);
    street.clock.advance(150);
    assert.deepEqual({ ...(await summary) }, { n: 2 });
  });

  it("the winner has shown the node's key, and the losers are closed", async (t) => {
    const { endpoint: dead, sockets } = await hole(t);
    const stranger = await crooked(t, anna, { tls: ben.tls });
    const dialled = firstConnection(street.clock, [dead, stranger.endpoint, anna.endpoint], { to: anna.nodeId });
    await until("the first is tried", () => sockets.size > 0);
    street.clock.advance(150);
    const { endpoint, socket } = await dialled;
    assert.deepEqual(endpoint, anna.endpoint);
    socket.destroy();
    assert.deepEqual(stranger.asked, []);
    await until("the loser is closed", () => sockets.size === 0);
    const strangers = firstConnection(street.clock, [stranger.endpoint, { ...dead, port: 1 }], { to: anna.nodeId });
    await assert.rejects(strangers, refused("invalid_signature", "tls_mismatch"), "that says more than that nobody is there");
  });
});

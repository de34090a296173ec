import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import type { Handler } from "../../src/contract/index.ts";
import { tick } from "../bus/make.ts";
import { refused } from "../identity/people.ts";
import { asText, everything, letter, plug, post, refusalOf } from "./support/letters.ts";
import { call } from "./support/shared-street.ts";
import { Street, type House } from "./support/street.ts";

const FRAMES = { type: "object" } as const;

/** A handler that works until it is told to stop, and the signals of its calls. */
function endless(): { handler: Handler; signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  const handler: Handler = (_call, { signal }) => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  };
  return { handler, signals };
}

function revoke(by: House, whom: House): Promise<unknown> {
  return by.community.revoke({ target: whom.nodeId, reason: "lost" });
}

/** Runs when `house` hears of the next event, after its own doors did. */
function atNextEvent(house: House, look: () => void): void {
  const stop = house.community.onEvent(() => {
    stop();
    look();
  });
}

describe("a revoked neighbour's connections (04 E-10)", () => {
  it("carry the refusal of what was running and are closed; its handlers hear of it at once", async (t) => {
    const [anna, ben] = await new Street(t).neighbours();
    const { handler, signals } = endless();
    anna.offer({ name: "ext.demo.endless" }, handler);
    const socket = await plug(anna);
    const heard = everything(socket);
    socket.write(asText(letter(ben.signer, anna, { capability: "ext.demo.endless" })));
    while (signals.length === 0) await tick();
    let atOnce: boolean | undefined;
    atNextEvent(anna, () => (atOnce = signals[0]?.aborted));
    await revoke(anna, ben);
    assert.equal(atOnce, true, "told in the turn of the event");
    const answer = await heard;
    assert.match(answer, /^HTTP\/1\.1 403 /);
    assert.match(answer, /"error":"revoked"/);
    assert.match(answer, /x-hearthnet-signature: /);
    assert.equal(anna.bus.inFlight(), 0);
  });

  it("end a stream with a signed error frame", async (t) => {
    const [anna, ben] = await new Street(t).neighbours();
    anna.offer({ name: "ext.demo.tokens", stream_schema: FRAMES }, async function* (_call, { signal }) {
      yield { event: "token", data: {} };
      await once(signal, "abort");
      return {};
    });
    const socket = await plug(anna);
    const heard = everything(socket);
    const one = letter(ben.signer, anna, { capability: "ext.demo.tokens" });
    one.headers["accept"] = "text/event-stream";
    socket.write(asText(one));
    await once(socket, "data");
    await revoke(anna, ben);
    const text = await heard;
    assert.match(text, /event: error\ndata: \{.*"error":"revoked".*"_sig"/);
  });

  it("are cut after half a second when the reader takes nothing", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    let produced = 0;
    const signals: AbortSignal[] = [];
    anna.offer({ name: "ext.demo.flood", stream_schema: FRAMES }, async function* (_call, { signal }) {
      signals.push(signal);
      for (;;) {
        yield { event: "chunk", data: { text: "x".repeat(100_000) } };
        produced += 1;
      }
    });
    const socket = await plug(anna);
    socket.pause();
    const one = letter(ben.signer, anna, { capability: "ext.demo.flood" });
    one.headers["accept"] = "text/event-stream";
    socket.write(asText(one));
    for (let before = -1; produced !== before || produced === 0;) {
      before = produced;
      for (let i = 0; i < 50; i++) await tick();
    }
    await revoke(anna, ben);
    assert.equal(signals[0]?.aborted, true, "the handler does not wait for the reader");
    street.clock.advance(500);
    const heard = everything(socket);
    socket.resume();
    const text = await heard;
    assert.ok(!text.includes("event: error"), "the connection did not wait for the reader");
    while (anna.bus.inFlight() > 0) await tick();
  });

  it("are closed when idle, whatever was said on them, and nobody else's are", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    const carl = await street.house("Carl");
    await street.welcome(anna, carl);
    anna.offer();
    const [hers, his] = [await plug(anna), await plug(anna)];
    for (const [socket, house] of [
      [hers, carl],
      [his, ben],
    ] as const) {
      socket.write(asText(letter(house.signer, anna)));
      await once(socket, "data");
    }
    const closed = once(his, "close");
    await revoke(anna, ben);
    await closed;
    assert.equal(refusalOf(await post(anna, letter(ben.signer, anna)), anna, { from: ben.nodeId }), "403 revoked");
    hers.write(asText(letter(carl.signer, anna)));
    assert.match(String((await once(hers, "data"))[0]), /^HTTP\/1\.1 200 /);
    hers.destroy();
  });

  it("are closed too where the news comes with the log, even when the revoked node brings it itself", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    const carl = await street.house("Carl");
    await street.welcome(anna, carl);
    await carl.community.syncWith(anna.address(), carl.link);
    assert.equal(carl.community.standing(ben.nodeId).kind, "member");
    const { handler, signals } = endless();
    carl.offer({ name: "ext.demo.endless" }, handler);
    const running = post(carl, letter(ben.signer, carl, { capability: "ext.demo.endless" }));
    while (signals.length === 0) await tick();
    await revoke(anna, ben);
    assert.equal(signals[0]?.aborted, false, "Carl does not know yet");
    const { events } = await anna.community.exchange({ community_id: anna.communityId(), events: [] }, carl.nodeId);
    const bringing = letter(ben.signer, carl, {
      path: "/sync/v1/events",
      capability: "sys.sync.events",
      body: { community_id: anna.communityId(), events: events as never },
    });
    assert.equal(refusalOf(await post(carl, bringing), carl, { from: ben.nodeId }), "403 revoked");
    assert.equal(refusalOf(await running, carl, { from: ben.nodeId }), "403 revoked");
  });
});

describe("calls to a revoked neighbour (04 E-10)", () => {
  it("that run are given up with their connections, later ones are not sent", async (t) => {
    const [anna, ben] = await new Street(t).neighbours();
    const { handler, signals } = endless();
    ben.offer({ name: "ext.demo.endless" }, handler);
    ben.offer({ name: "ext.demo.tokens", stream_schema: FRAMES }, async function* (_call, { signal }) {
      signals.push(signal);
      yield { event: "token", data: {} };
      await once(signal, "abort");
      return {};
    });
    const unary = anna.link.call(call(ben, [ben.endpoint], { capability: "ext.demo.endless" }));
    const stream = anna.link.stream(call(ben, [ben.endpoint], { capability: "ext.demo.tokens", stream: true }));
    await stream.next();
    while (signals.length < 2) await tick();
    const both = [assert.rejects(unary, refused("revoked")), assert.rejects(stream.next(), refused("revoked"))];
    await revoke(anna, ben);
    await Promise.all(both);
    while (!signals.every(({ aborted }) => aborted)) await tick();
    const known = ben.bus.recentCalls(10).length;
    await assert.rejects(anna.link.call(call(ben, [ben.endpoint])), refused("revoked"));
    await assert.rejects(anna.link.stream(call(ben, [ben.endpoint], { stream: true })).next(), refused("revoked"));
    await assert.rejects(anna.link.syncHeads(ben.address()), refused("revoked"));
    assert.equal(ben.bus.recentCalls(10).length, known, "nothing reached it");
  });
});

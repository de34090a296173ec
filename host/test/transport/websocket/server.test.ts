import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DispatchedCall, Frame, JsonObject } from "../../../src/contract/index.ts";
import { verifyTyped, StreamDigest } from "../../../src/identity/index.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { shareStreet } from "../support/shared-street.ts";
import { first, line, type Line } from "../support/sockets.ts";
import { Street, type HouseOptions, type Scope } from "../support/street.ts";

const RATES: HouseOptions = { listener: { rates: { softPerCapability: 1000, hardPerCapability: 5000, perAddress: 1000 } } };
const STREAMS = { name: "ext.demo.talk", stream_schema: {}, idempotent: true };
const NOON = Date.UTC(2026, 6, 1, 12);

async function* parrot({ frames }: DispatchedCall): AsyncGenerator<Frame, JsonObject, void> {
  yield { event: "ready", data: {} };
  for await (const { event, data } of frames ?? []) yield { event: "said", data: { event, data } };
  return {};
}

/** What a refused upgrade says. */
async function refusal(
  opening: Promise<unknown>,
): Promise<{ status: number; headers: Record<string, string>; body: JsonObject }> {
  try {
    await opening;
  } catch (error) {
    return error as Awaited<ReturnType<typeof refusal>>;
  }
  throw new Error("the upgrade was not refused");
}

async function ending(held: Line): Promise<[code: number, error: unknown]> {
  const code = await held.closed;
  return [code, held.frames.at(-1)?.data["error"]];
}

describe("a WebSocket's upgrade (02 §8)", async () => {
  const { anna, ben } = await shareStreet(async (street) => street.neighbours({ anna: RATES }));
  anna.offer(STREAMS, parrot);
  anna.offer({ name: "ext.demo.once" });

  it("is answered with the subprotocol and without compression", async (t) => {
    const { socket } = await line(t, anna);
    assert.equal(socket.protocol, "hearthnet-bus.v2");
    assert.equal(socket.extensions, "");
  });

  it("under another subprotocol is 426 and names the right one; elsewhere 404", async (t) => {
    const other = await refusal(line(t, anna, { protocol: "mqtt" }));
    assert.equal(other.status, 426);
    assert.equal(other.headers["sec-websocket-protocol"], "hearthnet-bus.v2");
    assert.equal((await refusal(line(t, anna, { path: "/sync/v1/events" }))).status, 404);
  });

  it("for a capability that answers in one piece is 400", async (t) => {
    const answer = await refusal(line(t, anna, { headers: { "x-hearthnet-capability": "ext.demo.once" } }));
    assert.deepEqual([answer.status, answer.body["reason"]], [400, "not_streaming"]);
  });

  it("with a query, or a header twice, is 400 (T-5)", async (t) => {
    assert.equal((await refusal(line(t, anna, { path: "/bus/v1/call?a=1" }))).status, 400);
    const twice = { "x-hearthnet-from": [ben.nodeId, anna.nodeId] as never };
    assert.equal((await refusal(line(t, anna, { headers: twice }))).status, 400);
  });

  it("is 503 with a time to wait for the ninth of an address that has said nothing, until one of them has (T-15)", async (t) => {
    const open = await Promise.all(Array.from({ length: 8 }, () => line(t, anna)));
    const answer = await refusal(line(t, anna));
    assert.deepEqual([answer.status, answer.body["reason"], answer.headers["retry-after"]], [503, "sockets_full", "1"]);
    open[0]?.say(first(ben.signer, anna));
    await until("the first is let in", () => open[0]?.frames.length === 1);
    await line(t, anna);
    for (const { socket } of open) socket.terminate();
  });
});

describe("a WebSocket's first message (T-15)", async () => {
  const { street, anna, ben } = await shareStreet(async (made) => made.neighbours({ anna: RATES }));
  anna.offer(STREAMS, parrot);
  const say = async (t: Scope, message: unknown, headers: Record<string, string> = {}): Promise<Line> => {
    const held = await line(t, anna, { headers });
    held.say(message);
    return held;
  };
  const genuine = (o: Parameters<typeof first>[2] = {}): ReturnType<typeof first> =>
    first(ben.signer, anna, { at: street.clock.now(), ...o });

  it("lets the call begin", async (t) => {
    const held = await say(t, genuine());
    await until("the first frame is there", () => held.frames.length === 1);
    assert.deepEqual(held.frames[0], { event: "ready", data: {}, seq: 1 });
  });

  it("that does not come within 5 s closes with 4408", async (t) => {
    const held = await line(t, anna);
    street.clock.advance(4999);
    await tick();
    assert.equal(held.code, undefined);
    street.clock.advance(1);
    assert.deepEqual(await ending(held), [4408, undefined]);
  });

  it("passes the same steps as a request: what is wrong with it is said in signed words, then it is closed", async (t) => {
    const stranger = (await street.house("Eve")).signer;
    const expected: [string, unknown, [number, string]][] = [
      ["another signature", { ...genuine(), signature: genuine().signature }, [4401, "invalid_signature"]],
      ["another recipient", genuine({ to: ben.nodeId }), [4401, "invalid_signature"]],
      ["another time", genuine({ at: NOON - 3_600_000 }), [4401, "expired"]],
      ["a stranger", first(stranger, anna, { at: street.clock.now() }), [4403, "unauthorized"]],
      ["an unknown capability", genuine({ capability: "ext.demo.nothing" }), [1000, "not_found"]],
      ["a token that is none", { ...genuine(), token: "hntoken://v1/a.b.c" }, [4400, "bad_request"]],
    ];
    for (const [what, message, [code, error]] of expected) {
      const held = await say(t, message);
      assert.deepEqual(await ending(held), [code, error], what);
      const { data } = held.frames.at(-1) ?? { data: {} };
      const { _sig, ...terminal } = data as JsonObject & {
        _sig: { frames: number; digest: string; timestamp: string; signature: string };
      };
      const { envelope } = message as ReturnType<typeof first>;
      const stream = {
        request_id: envelope.request_id,
        from: anna.nodeId,
        to: envelope.from,
        timestamp: _sig.timestamp,
        frames: 0,
        digest: new StreamDigest().digest(),
        terminal: { event: "error", data: terminal },
      };
      assert.ok(verifyTyped("stream", stream, { by: anna.nodeId, signature: _sig.signature }), what);
    }
  });

  it("counts once, be it sent on a WebSocket or as a request (T-2)", async (t) => {
    const message = genuine();
    const one = await say(t, message);
    await until("the call runs", () => one.frames.length === 1);
    assert.deepEqual(await ending(await say(t, message)), [4401, "invalid_signature"]);
  });

  it("that is no message of the protocol closes with 4400", async (t) => {
    const { envelope, signature } = genuine();
    const rubbish: unknown[] = [
      "{",
      "[]",
      { type: "hello" },
      { type: "ack", upto: 1 },
      { type: "call", envelope },
      { type: "call", envelope: { ...envelope, extra: 1 }, signature },
      { type: "call", envelope: { ...envelope, body: [] }, signature },
      { type: "call", envelope: { ...envelope, from: "ed25519:short" }, signature },
      new Uint8Array([1, 2, 3]),
      `{"type":"call","type":"call"}`,
    ];
    for (const message of rubbish) assert.equal((await ending(await say(t, message)))[0], 4400, JSON.stringify(message));
    const typed = await say(t, { type: "hello", envelope, signature });
    await typed.closed;
    assert.equal(typed.frames.at(-1)?.data["reason"], "message_malformed");
  });

  it("is held to the capability's limit", async (t) => {
    const body = { params: {}, input: { text: "x".repeat(1_060_000) } };
    assert.equal((await ending(await say(t, genuine({ body }))))[0], 4400);
    const huge = await line(t, anna);
    huge.say("x".repeat(3_000_000));
    assert.equal((await ending(huge))[0], 4400);
  });

  it("must agree with what the upgrade's headers say", async (t) => {
    const message = genuine();
    const { from, request_id, timestamp } = message.envelope;
    const good = { "x-hearthnet-from": from, "x-hearthnet-request-id": request_id, "x-hearthnet-timestamp": timestamp };
    const bad = await say(t, message, { ...good, "x-hearthnet-request-id": "OTHER-REQUEST-1" });
    assert.deepEqual(await ending(bad), [4400, "bad_request"]);
    const fine = await say(t, message, good);
    await until("the call runs", () => fine.frames.length === 1);
  });

  it("may come with signed headers, which then count once as well", async (t) => {
    const sign = (message: ReturnType<typeof first>): string => ben.signer.signRequest({ ...message.envelope, body: {} });
    const message = genuine();
    const fine = await say(t, message, { "x-hearthnet-signature": sign(message) });
    await until("the call runs", () => fine.frames.length === 1);
    const other = genuine();
    assert.deepEqual(await ending(await say(t, other, { "x-hearthnet-signature": sign(message) })), [4401, "invalid_signature"]);
  });

  it("with a bad signature counts against its address as a request does (T-12)", async (t) => {
    const own = await street.house("Nina");
    own.offer({ ...STREAMS, trust_required: "unknown" }, parrot);
    const eve = (await street.house("Mallory")).signer;
    for (let n = 0; n < 20; n += 1) {
      const held = await line(t, own);
      held.say({ ...first(eve, own, { at: street.clock.now() }), signature: first(eve, own).signature });
      await held.closed;
    }
    await assert.rejects(line(t, own), "the address is blocked");
  });
});

describe("frames over a WebSocket (02 §8 flow control)", async () => {
  const { street, anna, ben } = await shareStreet(async (made) => made.neighbours({ anna: RATES }));
  let made = 0;
  anna.offer(STREAMS, parrot);
  anna.offer({ ...STREAMS, name: "ext.demo.many" }, async function* () {
    for (made = 1; made <= 40; made += 1) yield { event: "piece", data: { made } };
    return { made: 40 };
  });
  anna.offer({ ...STREAMS, name: "ext.demo.silent", timeout_seconds: 600 }, async function* (_call, { signal }) {
    yield { event: "ready", data: {} };
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    return {};
  });
  anna.offer({ ...STREAMS, name: "ext.demo.tools" }, async function* ({ frames }) {
    yield { event: "tool_call", data: { id: "tc_1", name: "clock", arguments: {} } };
    yield { event: "tool_call", data: { id: "tc_2", name: "clock", arguments: {} } };
    for await (const frame of frames ?? []) {
      yield { event: "heard", data: { ...frame } };
      if (frame.data["tool_call_id"] === "tc_2") break;
    }
    return {};
  });
  const start = async (t: Scope, capability: string, o: Parameters<typeof line>[2] = {}): Promise<Line> => {
    const held = await line(t, anna, o);
    held.say(first(ben.signer, anna, { capability, at: street.clock.now() }));
    await until("the call has begun", () => held.frames.length > 0);
    return held;
  };

  it("are numbered from 1, and 16 may wait for an acknowledgement", async (t) => {
    const held = await start(t, "ext.demo.many");
    await until("the window is full", () => held.frames.length === 16);
    await tick();
    assert.equal(held.frames.length, 16);
    assert.deepEqual(
      held.frames.map(({ seq }) => seq),
      Array.from({ length: 16 }, (_, n) => n + 1),
    );
    assert.ok(made <= 17, "the handler waits too");
    held.say({ type: "ack", upto: 8 });
    await until("eight more are there", () => held.frames.length === 24);
    held.say({ type: "ack", upto: 24 });
    // The last frame needs no place in the window.
    assert.deepEqual(await ending(held), [1000, undefined]);
    assert.deepEqual([held.frames.length, held.frames.at(-1)?.event], [41, "done"]);
  });

  it("that nobody acknowledges for 5 s end with a timeout and 4408", async (t) => {
    const held = await start(t, "ext.demo.many");
    await until("the window is full", () => held.frames.length === 16);
    street.clock.advance(4999);
    await tick();
    assert.equal(held.code, undefined);
    street.clock.advance(1);
    assert.deepEqual(await ending(held), [4408, "timeout"]);
    assert.equal(held.frames.at(-1)?.data["reason"], "acks_missing");
    await until("the place is free again", () => anna.bus.inFlight() === 0);
  });

  it("acknowledged beyond what was sent, or backwards, are refused with 4400", async (t) => {
    for (const acks of [[17], [8, 7]]) {
      const held = await start(t, "ext.demo.many");
      await until("the window is full", () => held.frames.length === 16);
      for (const upto of acks) held.say({ type: "ack", upto });
      assert.deepEqual(await ending(held), [4400, "bad_request"]);
    }
  });

  it("of the client are acknowledged as the handler takes them, every eight (T-17)", async (t) => {
    const held = await start(t, "ext.demo.talk");
    for (let seq = 1; seq <= 16; seq += 1) held.say({ type: "frame", event: "piece", data: { seq }, seq });
    await until("eight were taken", () => held.frames.some(({ event }) => event === "ack"));
    assert.deepEqual(held.frames.find(({ event }) => event === "ack")?.data, { upto: 8 });
    await until("the server's window is full", () => held.frames.length >= 16);
  });

  it("of the client beyond its window, out of order or after its last are refused with 4400 (T-17)", async (t) => {
    const frame = (seq: number, event = "piece"): object => ({ type: "frame", event, data: {}, seq });
    const wrong: object[][] = [
      [frame(2)],
      [frame(0)],
      [frame(1), frame(1)],
      [frame(1), frame(3)],
      [frame(1, "done"), frame(2)],
      Array.from({ length: 17 }, (_, n) => frame(n + 1)),
      [{ type: "frame", event: "Bad Name", data: {}, seq: 1 }],
      [{ type: "frame", event: "piece", data: [], seq: 1 }],
      [{ type: "call" }],
      [{ type: "nothing" }],
    ];
    for (const messages of wrong) {
      const held = await start(t, "ext.demo.silent");
      for (const message of messages) held.say(message);
      assert.deepEqual(await ending(held), [4400, "bad_request"], JSON.stringify(messages));
    }
    const binary = await start(t, "ext.demo.silent");
    binary.say(Uint8Array.of(1));
    assert.deepEqual(await ending(binary), [4400, "bad_request"]);
    const long = await start(t, "ext.demo.silent");
    long.say({ type: "frame", event: "piece", data: { text: "x".repeat(1_100_000) }, seq: 1 });
    assert.equal((await ending(long))[0], 4400, "T-1: one message is 1 MiB at most");
    await until("no handler works on", () => anna.bus.inFlight() === 0);
  });

  it("results of tools are taken for what the handler has asked, once (T-17)", async (t) => {
    const result = (id: string): object => ({ type: "tool_result", tool_call_id: id, body: { at: "noon" } });
    const held = await start(t, "ext.demo.tools");
    await until("both were asked for", () => held.frames.length === 2);
    held.say(result("tc_1"));
    await until("the handler has it", () => held.frames.length === 3);
    assert.deepEqual(held.frames[2]?.data, { event: "tool_result", data: { tool_call_id: "tc_1", body: { at: "noon" } } });
    held.say(result("tc_1"));
    assert.deepEqual(await ending(held), [4400, "bad_request"], "answered already");
    const other = await start(t, "ext.demo.tools");
    other.say(result("tc_9"));
    assert.deepEqual(await ending(other), [4400, "bad_request"], "never asked");
    const last = await start(t, "ext.demo.tools");
    await until("both were asked for", () => last.frames.length === 2);
    last.say(result("tc_2"));
    assert.deepEqual(await ending(last), [1000, undefined]);
  });

  it("cancel ends the handler within 200 ms and says so (02 §10)", async (t) => {
    const held = await start(t, "ext.demo.silent");
    held.say({ type: "cancel" });
    assert.deepEqual(await ending(held), [1000, undefined]);
    assert.equal(held.frames.at(-1)?.event, "done");
    assert.equal(held.frames.at(-1)?.data["stop_reason"], "cancelled");
    await until("the place is free again", () => anna.bus.inFlight() === 0);
  });

  it("a client that goes away takes its call along", async (t) => {
    const held = await start(t, "ext.demo.silent");
    held.socket.terminate();
    await until("the place is free again", () => anna.bus.inFlight() === 0);
  });

  it("is pinged every 30 s and dropped when two pings stay without answer", async (t) => {
    const held = await start(t, "ext.demo.silent", { autoPong: false });
    let pings = 0;
    held.socket.on("ping", () => (pings += 1));
    for (const ping of [1, 2]) {
      street.clock.advance(30_000);
      await until("a ping is there", () => pings === ping);
    }
    street.clock.advance(30_000);
    assert.equal(await held.closed, 1006);
    await until("the place is free again", () => anna.bus.inFlight() === 0);
  });

  it("closes with 1000 after 120 s without a message, however many pings were answered", async (t) => {
    const held = await start(t, "ext.demo.silent");
    let pings = 0;
    held.socket.on("ping", () => (pings += 1));
    for (const ping of [1, 2, 3]) {
      street.clock.advance(30_000);
      await until("a ping is there", () => pings === ping);
    }
    street.clock.advance(29_999);
    await tick();
    assert.equal(held.code, undefined);
    street.clock.advance(1);
    assert.deepEqual(await ending(held), [1000, "timeout"]);
  });
});

describe("a revoked neighbour's WebSocket (04 E-10)", () => {
  it("hears so and is closed with 4403, at the latest half a second after the event", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    const aborted: unknown[] = [];
    anna.offer(STREAMS, async function* (_call, cancellation) {
      cancellation.onAbort(() => aborted.push(cancellation.reason));
      yield { event: "ready", data: {} };
      await new Promise((resolve) => cancellation.onAbort(() => resolve(undefined)));
      return {};
    });
    const held = await line(t, anna);
    held.say(first(ben.signer, anna));
    await until("the call has begun", () => held.frames.length === 1);
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.equal(aborted.length, 1, "the handler is told in the turn of the event");
    assert.deepEqual(await ending(held), [4403, "revoked"]);
    const deaf = await line(t, anna);
    deaf.say(first(ben.signer, anna));
    assert.deepEqual(await ending(deaf), [4403, "revoked"]);
  });

  it("that reads nothing is cut after half a second", async (t) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    anna.offer(STREAMS, async function* () {
      for (;;) yield { event: "piece", data: { text: "x".repeat(900_000) } };
    });
    const deaf = await line(t, anna);
    deaf.say(first(ben.signer, anna));
    await until("frames come", () => deaf.frames.length > 0);
    deaf.socket.pause();
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    street.clock.advance(500);
    deaf.socket.resume();
    assert.equal(await deaf.closed, 1006, "no word of it came through what waited before");
    await until("no handler works on", () => anna.bus.inFlight() === 0);
  });
});

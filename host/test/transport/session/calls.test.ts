import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Frame, Handler, JsonObject } from "../../../src/contract/index.ts";
import { tick } from "../../bus/make.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { PATIENT, shareStreet } from "../support/shared-street.ts";
import type { House, Street } from "../support/street.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const FRAMES = { type: "object" } as const;
const neighbours = (street: Street): Promise<[House, House]> =>
  street.neighbours({ anna: { ...PATIENT.anna, ...FEATURES }, ben: FEATURES });

/** All frames and the summary. */
async function read(frames: AsyncGenerator<Frame, JsonObject, void>): Promise<{ frames: Frame[]; summary: JsonObject }> {
  const heard: Frame[] = [];
  for (;;) {
    const step = await frames.next();
    if (step.done === true) return { frames: heard, summary: step.value };
    heard.push(step.value);
  }
}

/** What has left a house on its session with the other. */
function sent(here: House, there: House): { frames: number; records: number; seals: number } {
  return { ...(here.link.sessions.live(there.nodeId)?.sent ?? { frames: 0, records: 0, seals: 0 }) };
}

describe("calls on a peer session (network.md §1.4)", async () => {
  const { street, anna, ben } = await shareStreet(neighbours);

  it("go by a session where both manifests list it, both ways on one connection, and not by HTTP", async () => {
    anna.offer();
    ben.offer({ name: "ext.demo.back" });
    await street.meet(ben, anna);
    await street.meet(anna, ben);
    const there = await ben.bus.call(ben.ask({ capability: "ext.demo.echo", body: { params: {}, input: { n: 1 } } }));
    assert.deepEqual([{ ...there.output }, there.provider], [{ n: 1 }, anna.nodeId]);
    const session = ben.link.sessions.live(anna.nodeId);
    assert.equal(session?.established.role, "initiator");
    assert.equal(session?.established.suite, "gm256", "bound to TLS");
    const back = await anna.bus.call(anna.ask({ capability: "ext.demo.back", body: { params: {}, input: { n: 2 } } }));
    assert.deepEqual([{ ...back.output }, back.provider], [{ n: 2 }, ben.nodeId]);
    assert.equal(anna.link.sessions.live(ben.nodeId)?.established.sid, session?.established.sid);
    assert.equal(anna.link.sessions.sessions.length, 1);
  });

  it("answer with the codes of the bus, and leave nothing behind", async () => {
    anna.offer({ name: "ext.demo.strict", request_schema: { type: "object", required: ["missing"] } });
    await street.meet(ben, anna);
    await assert.rejects(ben.bus.call(ben.ask({ capability: "ext.demo.strict" })), refused("schema_mismatch"));
    assert.equal(anna.bus.inFlight() + ben.bus.inFlight(), 0);
    assert.equal(ben.link.sessions.live(anna.nodeId)?.openCalls, 0);
  });

  it("of class `with` run under a seal and are answered under one; idempotent ones do not wait for it (§1.6)", async () => {
    let caller: unknown;
    anna.offer({ name: "ext.demo.change", idempotent: false }, (call) => {
      caller = call.caller;
      return Promise.resolve({ output: { done: true }, meta: {} });
    });
    await street.meet(ben, anna);
    const before = [sent(ben, anna).seals, sent(anna, ben).seals];
    await ben.bus.call(ben.ask({ capability: "ext.demo.change" }));
    assert.deepEqual([sent(ben, anna).seals, sent(anna, ben).seals], [(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
    assert.deepEqual(caller, { kind: "member", node_id: ben.nodeId, community_id: anna.communityId(), level: "member" });
    await ben.bus.call(ben.ask({ capability: "ext.demo.echo" }));
    assert.equal(sent(ben, anna).seals, (before[0] ?? 0) + 1, "not yet");
    street.clock.advance(250);
    assert.equal(sent(ben, anna).seals, (before[0] ?? 0) + 2, "a quarter of a second later");
  });

  it("that become ready in one turn share a frame", async () => {
    await street.meet(ben, anna);
    const before = sent(ben, anna);
    await Promise.all(
      Array.from({ length: 4 }, () => ben.bus.call(ben.ask({ capability: "ext.demo.echo" })).catch(() => undefined)),
    );
    const after = sent(ben, anna);
    assert.ok(after.records - before.records >= 2, "several calls");
    assert.equal(after.frames - before.frames, 1, "one frame");
  });

  it("carry bodies and answers of megabytes, in pieces", async () => {
    anna.offer({ name: "ext.demo.large", idempotent: false });
    await street.meet(ben, anna);
    const text = "ü".repeat(400_000);
    const { output } = await ben.bus.call(ben.ask({ capability: "ext.demo.large", body: { params: {}, input: { text } } }));
    assert.equal(output["text"], text);
    const input = { text: "x".repeat(1_100_000) };
    const call = ben.bus.call(ben.ask({ capability: "ext.demo.large", body: { params: {}, input } }));
    await assert.rejects(call, refused("bad_request", "too_large"));
    assert.equal((await ben.bus.call(ben.ask({ capability: "ext.demo.echo" }))).provider, anna.nodeId, "the session lives on");
  });

  it("stream frames, large ones too, and a summary; a failure in the middle is its code", async () => {
    anna.offer({ name: "ext.demo.count", stream_schema: FRAMES }, async function* (call) {
      for (let n = 0; n < 20; n++) yield { event: "token", data: { n, text: "y".repeat(n === 7 ? 300_000 : 10) } };
      await tick();
      if (call.body.input["fails"] === true) throw new Error("in the middle");
      return { total: 20 };
    });
    await street.meet(ben, anna);
    const whole = await read(ben.bus.stream(ben.ask({ capability: "ext.demo.count" })));
    assert.deepEqual(
      whole.frames.map(({ data }) => data["n"]),
      Array.from({ length: 20 }, (_, n) => n),
    );
    assert.equal(whole.frames[7]?.data["text"], "y".repeat(300_000));
    assert.deepEqual({ ...whole.summary }, { total: 20 });
    const broken = ben.bus.stream(ben.ask({ capability: "ext.demo.count", body: { params: {}, input: { fails: true } } }));
    await assert.rejects(read(broken), refused("internal_error"));
  });

  it("are cancelled at the provider when nobody waits any more", async () => {
    const signals: AbortSignal[] = [];
    const endless: Handler = (_call, { signal }) => {
      signals.push(signal);
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
    };
    anna.offer({ name: "ext.demo.endless" }, endless);
    await street.meet(ben, anna);
    const away = new AbortController();
    const call = ben.bus.call(ben.ask({ capability: "ext.demo.endless", signal: away.signal }));
    await until("the handler runs", () => signals.length === 1);
    away.abort();
    await assert.rejects(call, refused("timeout"));
    await until("the handler hears of it", () => signals[0]?.aborted);
    await until("its place is free", () => anna.bus.inFlight() === 0);
    assert.equal(ben.link.sessions.live(anna.nodeId)?.openCalls, 0);
  });

  it("end at their deadline, which travels as what is left of it", async () => {
    const left: number[] = [];
    anna.offer({ name: "ext.demo.slow" }, (call, { signal }) => {
      left.push(call.deadline - street.clock.monotonic());
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
    });
    await street.meet(ben, anna);
    const call = assert.rejects(ben.bus.call(ben.ask({ capability: "ext.demo.slow", timeoutMs: 1500 })), refused("timeout"));
    await until("the handler runs", () => left.length === 1);
    assert.equal(left[0], 1500);
    street.clock.advance(1500);
    await call;
    await until("its place is free", () => anna.bus.inFlight() === 0);
  });
});

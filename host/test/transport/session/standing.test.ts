import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Handler } from "../../../src/contract/index.ts";
import { chooseSession, type Pair } from "../../../src/transport/session/standing.ts";
import { TYPE } from "../../../src/transport/session/record.ts";
import { tick } from "../../bus/make.ts";
import { refused } from "../../identity/people.ts";
import { until } from "../../support/until.ts";
import { Street, type House } from "../support/street.ts";
import { Hand } from "./hand.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const RATES = { listener: { rates: { softPerCapability: 1000, perAddress: 10_000 } } };

function endless(): { handler: Handler; signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  const handler: Handler = (_call, { signal }) => {
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  };
  return { handler, signals };
}

async function neighbours(t: TestContext): Promise<{ street: Street; anna: House; ben: House }> {
  const street = new Street(t);
  const [anna, ben] = await street.neighbours({ anna: { ...FEATURES, ...RATES }, ben: { ...FEATURES, ...RATES } });
  return { street, anna, ben };
}

describe("standing while a session lives (network.md §1.8)", () => {
  it("scenario 18: the revoked are cut off: handlers at once, CLOSE and 4403, and the call says why", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    const { handler, signals } = endless();
    anna.offer({ name: "ext.demo.endless" }, handler);
    await street.meet(ben, anna);
    const call = assert.rejects(ben.bus.call(ben.ask({ capability: "ext.demo.endless" })), refused("revoked"));
    await until("the handler runs", () => signals.length === 1);
    let atOnce: boolean | undefined;
    const stop = anna.community.onEvent(() => (atOnce ??= signals[0]?.aborted));
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    stop();
    assert.equal(atOnce, true, "told in the turn of the event");
    await call;
    street.clock.advance(500);
    await until("its place is free", () => anna.bus.inFlight() === 0);
    await until("Ben's end is closed", () => ben.link.sessions.sessions.length === 0);
    // 4403 has no other lane, until something that is signed says otherwise.
    await assert.rejects(ben.bus.call(ben.ask({ capability: "ext.demo.endless" })), refused("revoked"));
    assert.deepEqual(ben.link.sessions.path(anna.nodeId).kind, "barred");
    street.clock.advance(1000);
    await ben.link.fetchManifest(anna.endpoint, anna.nodeId);
    assert.deepEqual(ben.link.sessions.path(anna.nodeId).kind, "open");
  });

  it("scenario 18: with a full queue, too: nothing waits for a reader that reads nothing", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    let produced = 0;
    const signals: AbortSignal[] = [];
    anna.offer({ name: "ext.demo.flood", stream_schema: { type: "object" } }, async function* (_call, { signal }) {
      signals.push(signal);
      for (; !signal.aborted; produced++) yield { event: "chunk", data: { text: "x".repeat(50_000) } };
      return {};
    });
    const hand = await Hand.shake(anna, ben.signer);
    hand.webSocket.pause();
    for (let i = 0; i < 20; i++) hand.data(hand.call({ cap: "ext.demo.flood", st: true }));
    for (let before = -1; produced !== before || produced === 0;) {
      before = produced;
      for (let i = 0; i < 100; i++) await tick();
    }
    const session = anna.link.sessions.live(ben.nodeId);
    assert.ok((session?.heldBytes ?? Infinity) < 4 * 20 * 65_536, "the queue is bounded (scenario 8)");
    await anna.community.revoke({ target: ben.nodeId, reason: "lost" });
    assert.ok(signals.every(({ aborted }) => aborted));
    street.clock.advance(500);
    hand.webSocket.resume();
    await hand.closed;
    await until("every place is free", () => anna.bus.inFlight() === 0);
  });

  it("who falls in level meets it with the next record", async (t) => {
    const { street, anna } = await neighbours(t);
    const carl = await street.house("Carl", FEATURES);
    await street.welcome(anna, carl, "trusted");
    anna.offer({ name: "ext.demo.trusted", trust_required: "trusted" });
    const hand = await Hand.shake(anna, carl.signer);
    hand.data(hand.call({ cap: "ext.demo.trusted" }));
    await hand.next(TYPE.result);
    await anna.community.demote({ target: carl.nodeId, level: "member" });
    hand.data(hand.call({ cap: "ext.demo.trusted" }));
    const { value } = await hand.next(TYPE.error);
    assert.equal(value["error"], "unauthorized");
  });
});

describe("two sessions with one neighbour (network.md §1.8)", () => {
  const pair = (change: Partial<Pair> = {}): Pair => ({
    initiator: "b",
    peerBoot: "1",
    sid: "old",
    replaces: undefined,
    ...change,
  });
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

  it("are decided alike at both ends", () => {
    const fresh = { sid: "new" };
    for (const [expected, old, made] of [
      ["new", pair(), pair({ ...fresh, initiator: "a" })],
      ["old", pair({ initiator: "a" }), pair({ ...fresh, initiator: "b" })],
      ["new", pair({ initiator: "a" }), pair({ ...fresh, initiator: "b", replaces: "old" })],
      ["old", pair({ replaces: "new" }), pair(fresh)],
      ["new", pair(), pair(fresh)],
      ["contest", pair(), pair({ ...fresh, peerBoot: "2" })],
      ["contest", pair(), pair({ ...fresh, peerBoot: "2", replaces: "old" })],
    ] as const)
      assert.equal(chooseSession(old, made, compare), expected);
  });

  it("crossing dials leave one, and no call is lost", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    anna.offer({ name: "ext.demo.hers" });
    ben.offer({ name: "ext.demo.his" });
    await Promise.all([street.meet(ben, anna), street.meet(anna, ben)]);
    await Promise.all([
      ben.bus.call(ben.ask({ capability: "ext.demo.hers" })),
      anna.bus.call(anna.ask({ capability: "ext.demo.his" })),
    ]);
    await until("one is left", () => anna.link.sessions.sessions.length === 1 && ben.link.sessions.sessions.length === 1);
    const [hers, his] = [anna.link.sessions.live(ben.nodeId), ben.link.sessions.live(anna.nodeId)];
    assert.equal(hers?.established.sid, his?.established.sid);
    await ben.bus.call(ben.ask({ capability: "ext.demo.hers" }));
    await anna.bus.call(anna.ask({ capability: "ext.demo.his" }));
  });

  it("whoever hears that another is kept waits for that one, and dials when it does not come", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    ben.offer();
    await street.meet(anna, ben);
    const boot = "01J9Z3K8V4Q2N7M5C6B1A0XWYA";
    const giveWay = async (hand: Hand): Promise<void> => {
      await until("it is up", () => anna.link.sessions.live(ben.nodeId));
      hand.control(TYPE.goaway, 0, Buffer.from(JSON.stringify({ reason: "duplicate", last_id: 0, after_ms: 1000 })));
      await until("it was heard", () => anna.link.sessions.live(ben.nodeId) === undefined);
    };
    const call = (): Promise<unknown> => anna.bus.call(anna.ask({ capability: "ext.demo.echo" }));
    await giveWay(await Hand.shake(anna, ben.signer, { boot }));
    const byKept = call();
    const kept = await Hand.shake(anna, ben.signer, { boot });
    await kept.next(TYPE.call);
    assert.equal(ben.link.sessions.sessions.length, 0, "nobody was dialled");
    await giveWay(kept);
    await assert.rejects(Promise.race([byKept, tick().then(() => Promise.reject(new Error("still open")))]));
    const byDial = call();
    for (let turns = 0; turns < 20; turns += 1) await tick();
    assert.equal(ben.link.sessions.sessions.length, 0, "not yet");
    street.clock.advance(2000);
    await byDial;
    assert.equal(ben.link.sessions.sessions.length, 1);
  });

  it("scenario 17: a second process with the key is refused with 4411 while the first one answers, and the operator hears of it", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    anna.offer();
    await street.meet(ben, anna);
    await ben.bus.call(ben.ask({ capability: "ext.demo.echo" }));
    const copy = await Hand.shake(anna, ben.signer);
    assert.equal(await copy.closed, 4411);
    assert.deepEqual(anna.link.sessions.conflicts(), [{ node: ben.nodeId, own: false }]);
    await ben.bus.call(ben.ask({ capability: "ext.demo.echo" }));
    assert.equal(anna.link.sessions.sessions.length, 1);
  });

  it("scenario 17: the process that is refused tells its own operator, and does not call by another lane", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    anna.offer();
    const first = await Hand.shake(anna, ben.signer);
    first.webSocket.on("message", () => first.control(TYPE.pong, 0, Buffer.alloc(8)));
    await until("it is up", () => anna.link.sessions.live(ben.nodeId));
    await street.meet(ben, anna);
    const call = ben.bus.call(ben.ask({ capability: "ext.demo.echo" }));
    await assert.rejects(call, refused("partition", "session_over"));
    await until("Ben's own operator is told", () => ben.link.sessions.conflicts()[0]?.own);
    await assert.rejects(ben.bus.call(ben.ask({ capability: "ext.demo.echo" })), refused("partition", "key_conflict"));
  });

  it("a restart takes the place of a session that is silent for two seconds", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    const silent = await Hand.shake(anna, ben.signer);
    await until("it is up", () => anna.link.sessions.live(ben.nodeId));
    const restarted = await Hand.shake(anna, ben.signer);
    await until("the old one is asked", () => silent.heard.some(({ type }) => type === TYPE.ping));
    street.clock.advance(2000);
    assert.equal(await silent.closed, 1001);
    anna.offer();
    restarted.data(restarted.call());
    await restarted.next(TYPE.result);
    assert.deepEqual(anna.link.sessions.conflicts(), []);
  });

  it("the one that names the other as replaced takes its place, and what runs there may end", async (t) => {
    const { anna, ben } = await neighbours(t);
    const release = Promise.withResolvers<void>();
    anna.offer({ name: "ext.demo.wait" }, async () => {
      await release.promise;
      return { output: {}, meta: {} };
    });
    anna.offer();
    const boot = "01J9Z3K8V4Q2N7M5C6B1A0XWYA";
    const old = await Hand.shake(anna, ben.signer, { boot });
    old.data(old.call({ cap: "ext.demo.wait" }));
    await until("it runs", () => anna.bus.inFlight() === 1);
    const fresh = await Hand.shake(anna, ben.signer, { boot, replaces: old.established.sid });
    const { value } = await old.next(TYPE.goaway);
    assert.equal(value["reason"], "duplicate");
    release.resolve();
    await old.next(TYPE.result);
    assert.equal(await old.closed, 4410);
    fresh.data(fresh.call());
    await fresh.next(TYPE.result);
  });

  it("are made new by the side that has dialled, without losing a call", async (t) => {
    const { street, anna, ben } = await neighbours(t);
    const release = Promise.withResolvers<void>();
    anna.offer({ name: "ext.demo.wait" }, async () => {
      await release.promise;
      return { output: {}, meta: {} };
    });
    await street.meet(ben, anna);
    const call = ben.bus.call(ben.ask({ capability: "ext.demo.wait" }));
    await until("it runs", () => anna.bus.inFlight() === 1);
    const old = ben.link.sessions.live(anna.nodeId);
    assert.ok(old);
    ben.link.sessions.renew(old);
    const fresh = await until("another one is there", () => {
      const now = ben.link.sessions.live(anna.nodeId);
      return now !== old && now;
    });
    assert.equal(fresh.established.replaces, old.established.sid);
    release.resolve();
    assert.equal((await call).provider, anna.nodeId);
    await until("the old one is closed", () => ben.link.sessions.sessions.length === 1);
  });
});

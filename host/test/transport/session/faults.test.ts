import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { JsonObject, Reply } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { KIND } from "../../../src/transport/session/frame.ts";
import { encodeRecord, FOLLOWS, TYPE } from "../../../src/transport/session/record.ts";
import { StreamSum } from "../../../src/transport/session/pieces.ts";
import { tick } from "../../bus/make.ts";
import { until } from "../../support/until.ts";
import { shareStreet } from "../support/shared-street.ts";
import type { House, Street } from "../support/street.ts";
import { Hand } from "./hand.ts";

const FEATURES = { features: ["req-to", "resp-sig", "peer-session"] };
const RATES = {
  listener: { rates: { softPerCapability: 5000, softTotal: 5000, hardPerCapability: 9000, hardTotal: 9000, perAddress: 10_000 } },
};

const ran: string[] = [];

/** One street for all of them: its houses take seconds to build. */
async function settle(street: Street): Promise<[House, House]> {
  const [anna, ben] = await street.neighbours({ anna: { ...FEATURES, ...RATES }, ben: FEATURES });
  const note = (name: string) => (): Promise<Reply> => {
    ran.push(name);
    return Promise.resolve({ output: {}, meta: {} });
  };
  anna.offer({ name: "ext.demo.echo", max_concurrent: 300 }, note("echo"));
  anna.offer({ name: "ext.demo.change", idempotent: false }, note("change"));
  anna.offer({ name: "ext.demo.post" }, note("post"));
  return [anna, ben];
}

/** The call is answered with an error of this code. */
async function answered(hand: Hand, id: number): Promise<string> {
  const { value } = await hand.next(TYPE.error, id);
  const { error, reason = "" } = value as Record<string, string>;
  return `${error} ${reason}`.trim();
}

/** The session is closed with this code, and its farewell says why. */
async function closedWith(hand: Hand, code: number, reason: string): Promise<void> {
  assert.equal(await hand.closed, code);
  const farewell = hand.heard.find(({ type }) => type === TYPE.close);
  assert.equal((JSON.parse(String(farewell?.body)) as JsonObject)["reason"], reason);
}

describe("what a peer session takes and what it does not", async () => {
  const { street, anna, ben } = await shareStreet(settle);

  /** Ben's hand on a session with Anna. */
  async function meet(t: TestContext): Promise<Hand> {
    ran.length = 0;
    return again(t);
  }

  async function again(t: TestContext): Promise<Hand> {
    // No address may knock more often than twenty times a second.
    street.clock.advance(100);
    const hand = await Hand.shake(anna, ben.signer);
    t.after(async () => {
      hand.webSocket.close();
      const { sid } = hand.established;
      await until("the session is over", () => anna.link.sessions.sessions.every((one) => one.established.sid !== sid));
    });
    return hand;
  }

  it("scenario 20: a call of class `with` never runs without its seal, by idempotence or by the list of 02 §4", async (t) => {
    const hand = await meet(t);
    const [change, post] = [hand.nextId(), hand.nextId()];
    hand.data(hand.call({ cap: "ext.demo.change" }, change));
    hand.data(hand.call({ cap: "ext.demo.post" }, post));
    assert.equal(await answered(hand, change), "invalid_signature seal_missing");
    assert.equal(await answered(hand, post), "invalid_signature seal_missing");
    assert.deepEqual(ran, []);
    const sealed = hand.nextId();
    hand.sealed(hand.call({ cap: "ext.demo.change" }, sealed));
    await hand.next(TYPE.result, sealed);
    assert.deepEqual(ran, ["change"]);
  });

  it("a large one runs only when its sealed end is there", async (t) => {
    const hand = await meet(t);
    const large = (sealed: boolean): number => {
      const id = hand.nextId();
      const head = { cap: "ext.demo.change", ver: "1.0", rid: `LARGE-${id}-0001` };
      const body = Buffer.from(JSON.stringify({ params: {}, input: { text: "x".repeat(10) } }));
      const sum = new StreamSum();
      const piece = encodeRecord({ type: TYPE.bytes, id, body });
      sum.add([piece], body.byteLength);
      hand.data(encodeRecord({ type: TYPE.call, id, flags: FOLLOWS, body: JSON.stringify(head) }), piece);
      hand.say(KIND.data, [encodeRecord({ type: TYPE.end, id, body: JSON.stringify({ ...sum.end(), terminal: null }) })], {
        sealed,
      });
      return id;
    };
    assert.equal(await answered(hand, large(false)), "invalid_signature seal_missing");
    assert.deepEqual(ran, []);
    await hand.next(TYPE.result, large(true));
    assert.deepEqual(ran, ["change"]);
  });

  it("scenario 20: a seal that is forged, or that never comes, ends the session with 4412", async (t) => {
    const forged = await meet(t);
    forged.data(forged.call());
    forged.seals.add(Buffer.alloc(32));
    forged.say(KIND.ctrl, [forged.sealRecord()]);
    await closedWith(forged, 4412, "seal_missing");
    const late = await meet(t);
    const id = late.nextId();
    late.data(late.call({}, id));
    await late.next(TYPE.result, id);
    street.clock.advance(2250);
    await closedWith(late, 4412, "seal_missing");
  });

  it("who owes a seal for more than a second gets no more credit until it comes", async (t) => {
    const hand = await meet(t);
    hand.data(hand.call());
    await hand.next(TYPE.result);
    street.clock.advance(1300);
    const text = "x".repeat(60_000);
    for (let i = 0; i < 40; i++) hand.data(hand.call({ body: { params: {}, input: { text } } }));
    await until("all are answered", () => hand.heard.filter(({ type }) => type === TYPE.result).length === 40);
    assert.equal(
      hand.heard.some(({ type }) => type === TYPE.credit),
      false,
    );
    hand.say(KIND.ctrl, [hand.sealRecord()]);
    await hand.next(TYPE.credit);
  });

  it("the same request id runs once, on whichever session or lane it comes again (§1.7)", async (t) => {
    const hand = await meet(t);
    const rid = "ONCE-0000001";
    hand.sealed(hand.call({ cap: "ext.demo.change", rid }));
    await hand.next(TYPE.result);
    const second = hand.nextId();
    hand.sealed(hand.call({ cap: "ext.demo.change", rid }, second));
    assert.equal(await answered(hand, second), "invalid_signature replayed");
    hand.webSocket.close();
    await hand.closed;
    const other = await again(t);
    const third = other.nextId();
    other.sealed(other.call({ cap: "ext.demo.change", rid }, third));
    assert.equal(await answered(other, third), "invalid_signature replayed");
    assert.deepEqual(ran, ["change"]);
  });
  it("4402: an altered frame, a repeated one, one of another session; nothing of it runs", async (t) => {
    const hand = await meet(t);
    const payload = [hand.call()];
    const frame = hand.sealer.seal(KIND.data, { parts: payload, bytes: payload[0]?.byteLength ?? 0, sealed: false });
    const altered = Buffer.from(frame);
    altered[30] = (altered[30] ?? 0) ^ 1;
    hand.bytes(altered);
    await closedWith(hand, 4402, "frame_unproven");
    const other = await again(t);
    other.bytes(frame);
    await closedWith(other, 4402, "frame_unproven");
    assert.deepEqual(ran, []);
    const twice = await again(t);
    const call = twice.call();
    const genuine = twice.sealer.seal(KIND.data, { parts: [call], bytes: call.byteLength, sealed: false });
    twice.bytes(genuine);
    twice.bytes(genuine);
    await closedWith(twice, 4402, "frame_unproven");
    assert.deepEqual(ran, ["echo"]);
  });

  it("4402: a key that changes out of turn", async (t) => {
    const hand = await meet(t);
    hand.control(TYPE.rekey, 0, JSON.stringify({ gen: 1 }));
    hand.sealer.turn(0);
    hand.data(hand.call());
    await hand.next(TYPE.result);
    hand.control(TYPE.rekey, 0, JSON.stringify({ gen: 3 }));
    await closedWith(hand, 4402, "frame_unproven");
    const silent = await again(t);
    silent.sealer.turn(0);
    silent.data(silent.call());
    await closedWith(silent, 4402, "frame_unproven");
  });

  it("4400: text, a relay's frame, a used or foreign id, an answer to nothing, rubbish where JSON stands", async (t) => {
    for (const say of [
      (hand: Hand): void => hand.webSocket.send("{}"),
      (hand: Hand): void => hand.say(KIND.relay, [encodeRecord({ type: TYPE.ping, id: 0, body: Buffer.alloc(8) })]),
      (hand: Hand): void => hand.data(hand.call({}, 1), hand.call({}, 1)),
      (hand: Hand): void => hand.data(hand.call({}, 2)),
      (hand: Hand): void => hand.data(encodeRecord({ type: TYPE.result, id: 2, body: "{}" })),
      (hand: Hand): void => hand.data(encodeRecord({ type: TYPE.call, id: 1, body: "{" })),
      (hand: Hand): void => hand.data(encodeRecord({ type: TYPE.bytes, id: 5, body: "x" })),
      (hand: Hand): void => hand.control(TYPE.credit, 0, Buffer.alloc(3)),
      (hand: Hand): void => hand.control(TYPE.credit, 0, Buffer.of(0, 0, 0, 9)),
    ]) {
      const hand = await again(t);
      say(hand);
      await closedWith(hand, 4400, "frame_malformed");
    }
  });

  it("a call that is malformed in itself is refused alone", async (t) => {
    const hand = await meet(t);
    for (const change of [
      { cap: "No" },
      { ver: "1" },
      { rid: "x" },
      { dl: 0 },
      { tok: 7 },
      { tr: "?" },
      { st: 1 },
    ] as JsonObject[]) {
      const id = hand.nextId();
      hand.data(hand.call(change, id));
      assert.equal(await answered(hand, id), "bad_request call_malformed", JSON.stringify(change));
    }
    const id = hand.nextId();
    hand.data(hand.call({ body: null }, id));
    assert.equal(await answered(hand, id), "bad_request call_malformed");
    hand.data(hand.call());
    await hand.next(TYPE.result);
  });

  it("4409: more than there is credit for, which a reader gives back as it reads", async (t) => {
    const hand = await meet(t);
    ben.offer({ name: "ext.demo.feed", stream_schema: { type: "object" } });
    await street.meet(anna, ben);
    const frames = anna.bus.stream(anna.ask({ capability: "ext.demo.feed" }));
    const first = frames.next();
    const { record } = await hand.next(TYPE.call);
    const body = JSON.stringify({ event: "chunk", data: { text: "x".repeat(60_000) } });
    const event = encodeRecord({ type: TYPE.event, id: record.id, body });
    for (let i = 0; i < 4; i++) hand.data(event);
    assert.equal((await first).done, false);
    for (let i = 0; i < 2; i++) await frames.next();
    const { record: credit } = await hand.next(TYPE.credit, record.id);
    assert.equal(credit.body.readUInt32BE(0), 3 * body.length);
    for (let i = 0; i < 4; i++) hand.data(event);
    await closedWith(hand, 4409, "credit_overdrawn");
    await assert.rejects(
      async () => {
        for await (const _frame of frames);
      },
      { code: "partition" },
    );
  });

  it("events where no stream was asked for, and within a body, are 4400", async (t) => {
    const hand = await meet(t);
    const id = hand.nextId();
    const head = { cap: "ext.demo.echo", ver: "1.0", rid: "FLOOD-0001" };
    hand.data(encodeRecord({ type: TYPE.call, id, flags: FOLLOWS, body: JSON.stringify(head) }));
    hand.data(encodeRecord({ type: TYPE.event, id, body: Buffer.alloc(65_000) }));
    await closedWith(hand, 4400, "frame_malformed");
  });

  it("4429: control beyond 64 KiB a second", async (t) => {
    const hand = await meet(t);
    for (let i = 0; i < 200; i++)
      hand.say(
        KIND.ctrl,
        Array.from({ length: 50 }, () => encodeRecord({ type: TYPE.ping, id: 0, body: Buffer.alloc(8) })),
      );
    await closedWith(hand, 4429, "soft_limit");
  });

  it("256 calls at once are answered, the next is told that there is no place", async (t) => {
    const hand = await meet(t);
    const release: (() => void)[] = [];
    anna.offer(
      { name: "ext.demo.wait", max_concurrent: 512 },
      () => new Promise((resolve) => release.push(() => resolve({ output: {}, meta: {} }))),
    );
    for (let i = 0; i < 16; i++) hand.data(...Array.from({ length: 16 }, () => hand.call({ cap: "ext.demo.wait" })));
    await until("all of them run", () => release.length === 256);
    const id = hand.nextId();
    hand.data(hand.call({ cap: "ext.demo.wait" }, id));
    assert.equal(await answered(hand, id), "capacity_exceeded slots_full");
    for (const end of release) end();
    await until("all are answered", () => hand.heard.filter(({ type }) => type === TYPE.result).length === 256);
  });

  it("a cancelled call is not answered, and its place is free at once", async (t) => {
    const hand = await meet(t);
    let signal: AbortSignal | undefined;
    anna.offer({ name: "ext.demo.hold" }, (_call, cancellation) => {
      ({ signal } = cancellation);
      return new Promise((_, reject) => cancellation.onAbort(() => reject(new HnError("timeout"))));
    });
    const id = hand.nextId();
    hand.data(hand.call({ cap: "ext.demo.hold" }, id));
    await until("it runs", () => signal);
    hand.control(TYPE.cancel, id, Buffer.of(0, 1));
    await until("it is told", () => signal?.aborted);
    await until("its place is free", () => anna.bus.inFlight() === 0);
    hand.data(hand.call());
    await hand.next(TYPE.result);
    assert.equal(
      hand.heard.some((record) => record.id === id),
      false,
    );
  });

  it("after GOAWAY there are no new calls, and the session ends in good order", async (t) => {
    const hand = await meet(t);
    const session = await until("the session is up", () => anna.link.sessions.live(ben.nodeId));
    session.drain("idle");
    const { value } = await hand.next(TYPE.goaway);
    assert.deepEqual([value["reason"], value["last_id"]], ["idle", 0]);
    assert.equal(await hand.closed, 1000);
    await tick();
    assert.deepEqual(anna.link.sessions.sessions, []);
  });
});

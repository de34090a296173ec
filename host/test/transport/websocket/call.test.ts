import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DispatchedCall, Frame, JsonObject } from "../../../src/contract/index.ts";
import { HnError } from "../../../src/foundation/index.ts";
import { until } from "../../support/until.ts";
import { call, shareStreet } from "../support/shared-street.ts";

const RATES = { listener: { rates: { softPerCapability: 1000, perAddress: 1000 } } };
const STREAMS = { name: "ext.demo.talk", stream_schema: {}, idempotent: true };
const TALK = { capability: "ext.demo.talk", stream: true };

/** Gives back every frame of its caller, and the number of them. */
async function* parrot({ frames }: DispatchedCall): AsyncGenerator<Frame, JsonObject, void> {
  yield { event: "ready", data: {} };
  let count = 0;
  for await (const { event, data } of frames ?? []) {
    count += 1;
    yield { event: "said", data: { event, data } };
  }
  return { count };
}

async function* many(count: number, o: { onTaken?: (n: number) => void } = {}): AsyncGenerator<Frame, void, void> {
  for (let n = 1; n <= count; n += 1) {
    o.onTaken?.(n);
    yield { event: "piece", data: { n } };
  }
}

async function drain(frames: AsyncGenerator<Frame, JsonObject, void>): Promise<{ frames: Frame[]; summary: JsonObject }> {
  const seen: Frame[] = [];
  for (;;) {
    const step = await frames.next();
    if (step.done === true) return { frames: seen, summary: step.value };
    seen.push(step.value);
  }
}

describe("a call whose caller sends frames (02 T-13, T-17)", async () => {
  const { anna, ben } = await shareStreet(async (street) => street.neighbours({ anna: RATES }));
  const stream = (o: Parameters<typeof call>[2] = {}): AsyncGenerator<Frame, JsonObject, void> =>
    ben.link.stream(call(anna, [anna.endpoint], { ...TALK, ...o }));

  it("goes over a WebSocket, both ways, more frames than any window holds", async (t) => {
    const offer = anna.offer(STREAMS, parrot);
    t.after(() => offer.withdraw());
    const answer = await drain(stream({ frames: many(100) }));
    assert.equal(answer.frames.length, 101);
    assert.equal(answer.summary["count"], 100);
    assert.equal(JSON.stringify(answer.frames[100]), '{"event":"said","data":{"event":"piece","data":{"n":100}}}');
    await until("the place is free again", () => anna.bus.inFlight() === 0);
  });

  it("brings bytes as bytes where the offer says so", async (t) => {
    const seen: unknown[] = [];
    const offer = anna.offer(
      STREAMS,
      async function* ({ frames }) {
        yield { event: "ready", data: {} };
        for await (const { data } of frames ?? []) seen.push(data["piece_b64"]);
        return {};
      },
      { binary: ["/piece/piece_b64"] },
    );
    t.after(() => offer.withdraw());
    async function* bytes(): AsyncGenerator<Frame, void, void> {
      yield { event: "piece", data: { piece_b64: Uint8Array.of(1, 2, 3) as never } };
    }
    await drain(stream({ frames: bytes() }));
    assert.deepEqual(seen, [Uint8Array.of(1, 2, 3)]);
  });

  it("sends no further than 16 frames ahead of what the handler has read", async (t) => {
    const read = Promise.withResolvers<void>();
    const offer = anna.offer(STREAMS, async function* ({ frames }) {
      yield { event: "ready", data: {} };
      await read.promise;
      let count = 0;
      for await (const _ of frames ?? []) count += 1;
      return { count };
    });
    t.after(() => offer.withdraw());
    let taken = 0;
    const frames = stream({ frames: many(200, { onTaken: (n) => (taken = n) }) });
    assert.equal((await frames.next()).done, false);
    await until("the window is used", () => taken >= 17);
    await new Promise((resolve) => setImmediate(resolve));
    // The one that was asked for of the source waits for its place.
    assert.equal(taken, 17);
    read.resolve();
    const end = await frames.next();
    assert.equal(end.done === true && end.value["count"], 200);
  });

  it("breaks off with what its source throws, and the handler hears of it", async (t) => {
    const ended: unknown[] = [];
    const offer = anna.offer(STREAMS, async function* (call, cancellation) {
      cancellation.onAbort(() => ended.push(cancellation.reason));
      return yield* parrot(call);
    });
    t.after(() => offer.withdraw());
    async function* broken(): AsyncGenerator<Frame, void, void> {
      yield { event: "piece", data: {} };
      throw new HnError("not_found", { message: "The file is gone." });
    }
    await assert.rejects(drain(stream({ frames: broken() })), { code: "not_found", message: "The file is gone." });
    await until("the handler is told", () => ended.length === 1);
  });

  it("is cancelled when its caller leaves the loop (02 §10)", async (t) => {
    const ended = Promise.withResolvers<void>();
    const offer = anna.offer(STREAMS, async function* (_call, cancellation) {
      cancellation.onAbort(() => ended.resolve());
      yield { event: "ready", data: {} };
      await ended.promise;
      return {};
    });
    t.after(() => offer.withdraw());
    for await (const _ of stream({ frames: many(0) })) break;
    await ended.promise;
    await until("the place is free again", () => anna.bus.inFlight() === 0);
  });

  it("says what the handler refuses with, as any other call", async (t) => {
    const offer = anna.offer(STREAMS, async function* () {
      yield { event: "ready", data: {} };
      throw new HnError("capacity_exceeded", { message: "The shelf is full.", retryAfterMs: 700 });
    });
    t.after(() => offer.withdraw());
    await assert.rejects(drain(stream({ frames: many(1) })), { code: "capacity_exceeded", retryAfterMs: 700 });
  });

  it("is not started where the capability answers in one piece", async (t) => {
    const offer = anna.offer({ name: "ext.demo.once" });
    t.after(() => offer.withdraw());
    await assert.rejects(drain(stream({ capability: "ext.demo.once", frames: many(1) })), { code: "bad_request" });
  });

  it("goes through the bus to a neighbour, and to nobody else once a frame was taken (03 B-8)", async (t) => {
    const offer = anna.offer(STREAMS, parrot);
    t.after(() => offer.withdraw());
    ben.bus.peerSeen({ ...(await ben.link.fetchManifest(anna.endpoint, anna.nodeId)), endpoints: [anna.endpoint] });
    const answer = await drain(ben.bus.stream(ben.ask({ capability: "ext.demo.talk", frames: many(20) })));
    assert.equal(answer.summary["count"], 20);
  });

  it("fits the answer's signature over every frame, acknowledgements included (T-14)", async (t) => {
    const offer = anna.offer({ ...STREAMS, name: "ext.demo.post" }, parrot);
    t.after(() => offer.withdraw());
    // `*.post` must be signed from whomever it comes; the reader throws where it is not.
    assert.equal((await drain(stream({ capability: "ext.demo.post", frames: many(40) }))).summary["count"], 40);
  });
});

describe("frames of a caller where there is no WebSocket (02 §8)", async () => {
  const { anna, ben } = await shareStreet(async (street) => street.neighbours({ anna: RATES }));

  it("may be left out when they are optional: server-sent events do", async (t) => {
    const offer = anna.offer(STREAMS, async function* ({ frames }) {
      yield { event: "ready", data: { follows: frames !== undefined } };
      return {};
    });
    t.after(() => offer.withdraw());
    // Eight that say nothing take every place of this address: the ninth is told to come by another way.
    const { line } = await import("../support/sockets.ts");
    for (let n = 0; n < 8; n += 1) await line(t, anna);
    const ask = { ...TALK, frames: many(1) };
    await assert.rejects(drain(ben.link.stream(call(anna, [anna.endpoint], ask))), { code: "partition" });
    const answer = await drain(ben.link.stream(call(anna, [anna.endpoint], { ...ask, framesOptional: true })));
    assert.equal(JSON.stringify(answer.frames[0]), '{"event":"ready","data":{"follows":false}}');
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError } from "../../../src/foundation/index.ts";
import { ask, B, C, D, fakeLink, makeBus, manifest, member, offer, refused, tick } from "../make.ts";

const most = (n: number): Uint8Array => new Uint8Array(n).fill(255);
const half = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i === 0 ? 128 : 0));

interface Seen {
  to: string;
  at: number;
  timeoutMs: number;
}

function failing(random: (n: number) => Uint8Array): ReturnType<typeof makeBus> & { asked: Seen[] } {
  const asked: Seen[] = [];
  const made = makeBus({
    random,
    link: () =>
      fakeLink({
        call: (call) => {
          asked.push({ to: call.to, at: made.clock.monotonic(), timeoutMs: call.timeoutMs });
          return Promise.reject(new HnError("partition"));
        },
      }),
  });
  for (const node of [B, C, D]) made.bus.peerSeen(manifest(node, [{}]));
  return { ...made, asked };
}

describe("further attempts (03 B-8, 02 T-11)", () => {
  test("wait 250 ms × 2ⁿ with full jitter", async () => {
    const { bus, clock, asked } = failing(half);
    const call = bus.call(ask());
    const from = clock.monotonic();
    let over = false;
    void call.catch(() => (over = true));
    await tick();
    for (let ms = 0; ms < 1000 && !over; ms++) {
      clock.advance(1);
      await tick();
    }
    await assert.rejects(call, refused("partition"));
    assert.deepEqual(
      asked.map(({ at }) => at - from),
      [0, 125, 125 + 250],
    );
  });

  test("never wait longer than half of what is left, and count as part of the caller's time", async () => {
    const { bus, clock, asked } = failing(most);
    const call = bus.call(ask({ timeoutMs: 100 }));
    let over = false;
    void call.catch(() => (over = true));
    await tick();
    for (let ms = 0; ms < 200 && !over; ms++) {
      clock.advance(1);
      await tick();
    }
    await assert.rejects(call, refused("partition"));
    assert.deepEqual(
      asked.map(({ timeoutMs }) => Math.round(timeoutMs)),
      [100, 50, 25],
    );
  });

  test("nothing is waited for where nobody else is left", async () => {
    const { bus, asked } = failing(most);
    for (const node of [C, D]) bus.peerGone(node);
    await assert.rejects(bus.call(ask()), refused("partition"));
    assert.equal(asked.length, 1);
  });

  test("a caller who leaves during the wait is gone at once", async () => {
    const { bus, asked } = failing(most);
    const stop = new AbortController();
    const call = bus.call(ask({ signal: stop.signal }));
    await tick();
    stop.abort();
    await assert.rejects(call, refused("timeout"));
    assert.equal(asked.length, 1);
    assert.equal(bus.inFlight(), 0);
  });

  test("nothing is waited for when our own place was full: it cost no neighbour anything", async () => {
    const made = makeBus({ random: most, link: () => fakeLink({ call: () => Promise.resolve({ output: {}, meta: {} }) }) });
    // Of four places one caller holds three; the fourth is free, so the choice falls on this node and its share ends it.
    made.bus.offer(offer({ max_concurrent: 4 }, () => new Promise(() => {})));
    made.bus.peerSeen(manifest(B, [{}]));
    const caller = member("member", C);
    for (let i = 0; i < 3; i++) void made.bus.call(ask({ caller })).catch(() => undefined);
    assert.equal((await made.bus.call(ask({ caller }))).provider, B);
  });

  test("end with the first provider's time where the caller names none (03 §9)", async () => {
    const asked: number[] = [];
    const { bus, clock } = makeBus({
      link: () =>
        fakeLink({
          call: ({ timeoutMs }) => {
            asked.push(timeoutMs);
            return new Promise((_, reject) => clock.setTimeout(() => reject(new HnError("timeout")), timeoutMs));
          },
        }),
    });
    bus.peerSeen(manifest(B, [{ idempotent: true, timeout_seconds: 10 }]));
    bus.peerSeen(manifest(C, [{ idempotent: true, timeout_seconds: 30 }]));
    const call = assert.rejects(bus.call(ask()), refused("timeout"));
    await tick();
    clock.advance(10_000);
    await call;
    assert.deepEqual(asked, [10_000]);
    const longer = assert.rejects(bus.call(ask({ timeoutMs: 25_000 })), refused("timeout"));
    await tick();
    for (let i = 0; i < 25; i++) {
      clock.advance(1000);
      await tick();
    }
    await longer;
    assert.equal(
      asked.slice(1).reduce((sum, ms) => sum + ms, 0),
      25_000,
      "who names more gets it, for all attempts together",
    );
  });

  test("of a trace each request has an id of its own, also on this node (B-14)", async () => {
    const { bus } = makeBus();
    const ids: string[] = [];
    bus.offer(
      offer({}, (call) => {
        ids.push(call.requestId);
        return Promise.resolve({ output: {}, meta: {} });
      }),
    );
    for (let i = 0; i < 3; i++) await bus.call(ask({ traceId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT" }));
    assert.equal(new Set(ids).size, 3);
  });
});

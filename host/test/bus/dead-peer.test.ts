import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HnError, type ManualClock } from "../../src/foundation/index.ts";
import type { OutboundCall, Reply } from "../../src/contract/index.ts";
import { ask, B, C, D, fakeLink, makeBus, manifest, refused } from "./make.ts";

/** Chance that repeats itself, for jitter. */
function chanceOf(seed: number): (n: number) => Uint8Array {
  let state = seed;
  return (n) =>
    Uint8Array.from({ length: n }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

const ANSWER_MS = 20;
const SECONDS = 60;
const LANES = 8;
const TIMEOUT_MS = 5000;

interface Storm {
  /** Calls answered per lane of callers, within the time. */
  done: number;
  failed: number;
  /** Moments at which the dead one was asked. */
  knocks: number[];
  /** Every attempt. */
  asked: { to: string; at: number; trace: string }[];
}

/**
 * Callers that ask again as soon as they have an answer, for a minute of the fake clock. The dead neighbour swallows what it is sent; without
 * the breaker each capability of it would have to be found dead by itself.
 */
async function storm(dead: string | null): Promise<Storm> {
  const out: Storm = { done: 0, failed: 0, knocks: [], asked: [] };
  const { bus, clock } = makeBus({
    random: chanceOf(7),
    link: () =>
      fakeLink({
        call: (call) => {
          out.asked.push({ to: call.to, at: clock.monotonic(), trace: call.traceId });
          if (call.to === dead) out.knocks.push(clock.monotonic());
          return call.to === dead ? swallowed(clock, call) : answered(clock, call);
        },
      }),
  });
  const names = Array.from({ length: 10 }, (_, i) => `ext.demo.n${i}`);
  const seen = (): void => {
    for (const node of [B, C, D])
      if (node !== dead || clock.monotonic() < 2000)
        bus.peerSeen(
          manifest(
            node,
            names.map((name) => ({ name, idempotent: true, max_concurrent: 64, timeout_seconds: TIMEOUT_MS / 1000 })),
          ),
        );
  };
  seen();
  const end = clock.monotonic() + SECONDS * 1000;
  const lane = async (i: number): Promise<void> => {
    for (let n = i; clock.monotonic() < end; n++) {
      try {
        await bus.call(ask({ capability: names[n % names.length] ?? "", timeoutMs: 10_000 }));
        out.done += 1;
      } catch {
        out.failed += 1;
      }
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, (_, i) => lane(i)));
  let over = false;
  void lanes.then(() => (over = true));
  for (let ms = 0; !over; ms += 5) {
    if (ms % 20_000 === 0) seen();
    clock.advance(5);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(bus.inFlight(), 0);
  return out;
}

function answered(clock: ManualClock, call: OutboundCall): Promise<Reply> {
  call.onAnswer?.();
  return new Promise((resolve) => clock.setTimeout(() => resolve({ output: {}, meta: {} }), ANSWER_MS));
}

function swallowed(clock: ManualClock, { timeoutMs }: OutboundCall): Promise<Reply> {
  return new Promise((_, reject) => clock.setTimeout(() => reject(new HnError("timeout")), timeoutMs));
}

describe("a dead neighbour and a storm of calls (network.md §7 scenario 12)", () => {
  test("costs the others no more than 5 % of what they do, once it is known", async () => {
    const whole = await storm(null);
    const hurt = await storm(B);
    assert.equal(hurt.failed, 0, "all were answered by somebody");
    // Each lane meets it once before three silent calls are together; then it is left alone.
    assert.ok(hurt.knocks.length <= LANES + 2, `the dead one was asked ${hurt.knocks.length} times`);
    const lastKnock = hurt.knocks.at(-1) ?? 0;
    const rate = (of: Storm, from: number): number => of.asked.filter(({ to, at }) => to !== B && at >= from).length;
    const quiet = 12_000;
    assert.ok(lastKnock < quiet, `the last knock was at ${lastKnock}`);
    const healthy = whole.asked.filter(({ at }) => at >= quiet).length;
    assert.ok(rate(hurt, quiet) >= healthy * 0.95, `${rate(hurt, quiet)} of ${healthy}`);
  });

  test("those it has failed do not arrive at the next one together: their waits are spread", async () => {
    const { asked } = await storm(B);
    const lost = asked.filter(({ to }) => to === B);
    const waits = lost.flatMap(({ trace, at }) => {
      const next = asked.find((one) => one.trace === trace && one.to !== B);
      return next === undefined ? [] : [next.at - at - TIMEOUT_MS];
    });
    assert.equal(waits.length, lost.length, "each went to somebody else");
    assert.ok(waits.length >= LANES / 2, "several were lost at the same moment");
    for (const wait of waits) assert.ok(wait >= 0 && wait <= 255, `${wait} ms`);
    assert.ok(new Set(waits).size > waits.length / 2, waits.join());
  });

  test("rest is for the neighbour as a whole, and ends with its next answer", async () => {
    let dead = true;
    const { bus, clock } = makeBus({
      link: () => fakeLink({ call: (call) => (dead ? Promise.reject(new HnError("partition")) : answered(clock, call)) }),
    });
    const seen = (): void => bus.peerSeen(manifest(B, [{ name: "ext.demo.a" }, { name: "ext.demo.b" }]));
    seen();
    for (let i = 0; i < 3; i++)
      await assert.rejects(bus.call(ask({ capability: "ext.demo.a" })), refused("partition", undefined));
    await assert.rejects(bus.call(ask({ capability: "ext.demo.b" })), refused("partition", "provider_unreachable"));
    assert.equal(bus.recentCalls(10).length, 3, "nothing was sent for the fourth");
    dead = false;
    seen();
    const probe = bus.call(ask({ capability: "ext.demo.b" }));
    await assert.rejects(bus.call(ask({ capability: "ext.demo.a" })), refused("partition"), "one call decides");
    clock.advance(ANSWER_MS);
    await probe;
    const both = Promise.all([bus.call(ask({ capability: "ext.demo.a" })), bus.call(ask({ capability: "ext.demo.b" }))]);
    clock.advance(ANSWER_MS);
    await both;
  });

  test("a silence of the neighbour as a whole does not let what it offers rest for a minute", async () => {
    let dead = false;
    const { bus, clock } = makeBus({
      link: () => fakeLink({ call: (call) => (dead ? Promise.reject(new HnError("partition")) : answered(clock, call)) }),
    });
    bus.peerSeen(manifest(B, [{ name: "ext.demo.a", max_concurrent: 16 }]));
    const call = (): Promise<unknown> => bus.call(ask({ capability: "ext.demo.a" }));
    for (let i = 0; i < 3; i++) {
      const one = call();
      clock.advance(ANSWER_MS);
      await one;
    }
    dead = true;
    for (const one of await Promise.allSettled(Array.from({ length: 10 }, call))) assert.equal(one.status, "rejected");
    dead = false;
    clock.advance(6000);
    const again = call();
    clock.advance(ANSWER_MS);
    await again;
  });

  test("a call of its own ends the rest of a neighbour: one call decides at once", async () => {
    let dead = true;
    const { bus, clock } = makeBus({
      link: () => fakeLink({ call: (call) => (dead ? Promise.reject(new HnError("partition")) : answered(clock, call)) }),
    });
    bus.peerSeen(manifest(B, [{ name: "ext.demo.a" }]));
    for (let i = 0; i < 4; i++) await assert.rejects(bus.call(ask({ capability: "ext.demo.a" })), refused("partition"));
    assert.equal(bus.recentCalls(10).length, 3);
    dead = false;
    bus.peerHeard(C);
    await assert.rejects(bus.call(ask({ capability: "ext.demo.a" })), refused("partition"), "another one's word says nothing");
    bus.peerHeard(B);
    const probe = bus.call(ask({ capability: "ext.demo.a" }));
    clock.advance(ANSWER_MS);
    await probe;
  });

  test("a refusal is an answer, and so is what the neighbour itself could not reach", async () => {
    const { bus } = makeBus({
      link: () =>
        fakeLink({
          call: ({ onAnswer }) => {
            onAnswer?.();
            return Promise.reject(new HnError("partition", { reason: "closing" }));
          },
        }),
    });
    bus.peerSeen(manifest(B, [{ name: "ext.demo.a" }, { name: "ext.demo.b" }]));
    for (let i = 0; i < 4; i++)
      await assert.rejects(bus.call(ask({ capability: "ext.demo.a" })), refused("partition", "closing"));
    await assert.rejects(bus.call(ask({ capability: "ext.demo.b" })), refused("partition", "closing"));
  });
});

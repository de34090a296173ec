import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import type { Crash } from "../../../src/runtime/journal/index.ts";
import { limitsOf, loopReason, parseEvery, RestartPolicy } from "../../../src/runtime/supervise/index.ts";

const middle = (n: number): Uint8Array => new Uint8Array(n).fill(128);
const MINUTE = 60_000;

/** Lets a plugin crash at these moments; returns the delays until it was left alone. */
function crashing(o: { every: number; failedStart: boolean; times: number; ranForMs?: number }): {
  delays: number[];
  left: string | null;
} {
  const clock = new ManualClock();
  const policy = new RestartPolicy(middle);
  const crashes: Crash[] = [];
  const delays: number[] = [];
  for (let n = 0; n < o.times; n += 1) {
    clock.advance(o.every);
    crashes.push({ at: clock.now(), failedStart: o.failedStart, why: "test" });
    const verdict = policy.afterCrash({ record: { crashes, lastStartOk: 0 }, now: clock.now(), ranForMs: o.ranForMs ?? 0 });
    if (verdict.kind === "crash_looped") return { delays, left: verdict.why };
    delays.push(verdict.delayMs);
  }
  return { delays, left: null };
}

test("waits 0, 1, 4, 15 s and then 60 s between restarts (§6.3)", () => {
  const { delays } = crashing({ every: 3 * MINUTE, failedStart: false, times: 7 });
  assert.deepEqual(
    delays.map((ms) => Math.round(ms / 1000)),
    [0, 1, 4, 15, 60, 60, 60],
  );
});

test("spreads each wait by at most 20 % to either side", () => {
  for (const [chance, share] of [
    [0, 0.8],
    [255, 1.2],
  ] as const) {
    const policy = new RestartPolicy((n) => new Uint8Array(n).fill(chance));
    const record = { crashes: [], lastStartOk: 0 };
    const delays = [0, 1, 2]
      .map(() => policy.afterCrash({ record, now: 0, ranForMs: 0 }))
      .map((verdict) => (verdict.kind === "restart" ? verdict.delayMs : -1));
    assert.deepEqual(delays, [0, 1000 * share, 4000 * share]);
  }
});

test("starts again from 0 s after ten healthy minutes", () => {
  const { delays } = crashing({ every: 200 * MINUTE, failedStart: false, times: 5, ranForMs: 10 * MINUTE });
  assert.deepEqual(delays, [0, 0, 0, 0, 0]);
});

test("leaves a plugin alone after three failed starts in a row, five crashes in ten minutes, or eight in a day", () => {
  assert.equal(crashing({ every: 40 * MINUTE, failedStart: true, times: 9 }).delays.length, 2);
  const fast = crashing({ every: MINUTE, failedStart: false, times: 9 });
  assert.equal(fast.delays.length, 4);
  assert.match(fast.left ?? "", /five times in ten minutes/);
  const slow = crashing({ every: 100 * MINUTE, failedStart: false, times: 9 });
  assert.equal(slow.delays.length, 7);
  assert.match(slow.left ?? "", /eight times in a day/);
  assert.equal(crashing({ every: 210 * MINUTE, failedStart: false, times: 30 }).left, null);
});

test("failed starts before a start that worked do not count towards three in a row", () => {
  const failed = (at: number): Crash => ({ at, failedStart: true, why: "" });
  assert.equal(loopReason({ crashes: [failed(1), failed(2), failed(4)], lastStartOk: 3 }, 10 * MINUTE * 60), null);
  assert.notEqual(loopReason({ crashes: [failed(4), failed(5), failed(6)], lastStartOk: 3 }, 7), null);
});

test("schedules are at least ten seconds apart", () => {
  assert.deepEqual(["30s", "10s", "5m", "2h", "1d", "9s", "0m", "x", "1.5h", "-1m"].map(parseEvery), [
    30_000,
    10_000,
    300_000,
    7_200_000,
    86_400_000,
    null,
    null,
    null,
    null,
    null,
  ]);
});

test("limits are what the manifest asks for, within what the host allows", () => {
  const manifest = { limits: { memoryMb: 100_000, pids: 3, shutdownMs: 1, startTimeoutMs: 999_999 } } as Parameters<
    typeof limitsOf
  >[0];
  const limits = limitsOf(manifest, 4096);
  assert.equal(limits.memoryMb, 4096);
  assert.equal(limits.pids, 16);
  assert.equal(limits.shutdownMs, 100);
  assert.equal(limits.startTimeoutMs, 120_000);
  assert.equal(limits.callsPerMinute, 240);
});

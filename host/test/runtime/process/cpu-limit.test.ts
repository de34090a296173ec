import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { CpuLimit } from "../../../src/runtime/process/cpu-limit.ts";

function watched(o: { limitMs: number; cores: number; before?: number }): {
  clock: ManualClock;
  spend: (ms: number) => void;
  looks: () => number;
  over: () => number;
  limit: CpuLimit;
} {
  const clock = new ManualClock();
  let used = o.before ?? 0;
  let looks = -1;
  let over = 0;
  const limit = new CpuLimit({
    clock,
    used: () => {
      looks += 1;
      return used;
    },
    limitMs: o.limitMs,
    cores: o.cores,
    onOver: () => (over += 1),
  });
  return { clock, spend: (ms) => (used += ms), looks: () => looks, over: () => over, limit };
}

test("ends what has used up its processor time, once, and counts nothing from before (§4.4 cpuSeconds)", () => {
  const { clock, spend, over } = watched({ limitMs: 2000, cores: 1, before: 9_000_000 });
  for (let ms = 0; ms < 1900; ms += 100) {
    spend(100);
    clock.advance(100);
  }
  assert.equal(over(), 0);
  for (let ms = 0; ms < 1000; ms += 100) {
    spend(100);
    clock.advance(100);
  }
  assert.equal(over(), 1);
});

test("what waits is not ended, and hardly looked at", () => {
  const { clock, over, looks } = watched({ limitMs: 30_000, cores: 2 });
  clock.advance(3_600_000);
  assert.equal(over(), 0);
  assert.ok(looks() <= 240, `${looks()} looks in an hour`);
});

test("what uses all processors at once is found no later than a little behind its limit", () => {
  const { clock, spend, over } = watched({ limitMs: 4000, cores: 4 });
  let at = 0;
  for (; over() === 0 && at < 4000; at += 50) {
    spend(200);
    clock.advance(50);
  }
  assert.ok(at <= 1200, `${at} ms`);
});

test("once stopped, it says nothing", () => {
  const { clock, spend, over, limit } = watched({ limitMs: 1000, cores: 1 });
  spend(5000);
  limit.stop();
  clock.advance(60_000);
  assert.equal(over(), 0);
});

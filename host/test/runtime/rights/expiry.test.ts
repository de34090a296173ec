import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Expiry } from "../../../src/runtime/rights/expiry.ts";

function watch(ends: (now: number) => number[]): { clock: ManualClock; expiry: Expiry; looks: () => number } {
  const clock = new ManualClock();
  const start = clock.now();
  let looks = 0;
  const expiry = new Expiry({ clock, ends: () => ends(start), onDue: () => (looks += 1) });
  expiry.plan();
  return { clock, expiry, looks: () => looks };
}

test("what ends is looked at when it ends, once (§3.4.1)", () => {
  const { clock, looks } = watch((now) => [now + 100, now + 250]);
  clock.advance(99);
  assert.equal(looks(), 0);
  clock.advance(1);
  assert.equal(looks(), 1);
  clock.advance(10_000);
  assert.equal(looks(), 2);
});

test("what ran out before its timer came is not forgotten when the plan changes meanwhile (§3.4.1)", () => {
  const { clock, expiry, looks } = watch((now) => [now + 100]);
  // As on a busy machine: the time is up, the timer has not come yet.
  clock.setNow(clock.now() + 150);
  expiry.plan();
  clock.advance(0);
  assert.equal(looks(), 1);
  expiry.plan();
  clock.advance(10_000);
  assert.equal(looks(), 1, "it was looked at");
});

test("a clock that is set back looks at what ends by its new time (§3.4.1)", () => {
  const { clock, expiry, looks } = watch((now) => [now + 100]);
  clock.setNow(clock.now() - 1000);
  expiry.plan();
  clock.advance(1050);
  assert.equal(looks(), 0);
  clock.advance(50);
  assert.equal(looks(), 1);
});

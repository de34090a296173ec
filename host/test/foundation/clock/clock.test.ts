import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock, systemClock } from "../../../src/foundation/index.ts";

describe("ManualClock", () => {
  it("fires what falls due in the order of due time, then of setting", () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push("late"), 30);
    clock.setTimeout(() => fired.push("first"), 10);
    clock.setTimeout(() => fired.push("second"), 10);
    clock.advance(20);
    assert.deepEqual(fired, ["first", "second"]);
    clock.advance(10);
    assert.deepEqual(fired, ["first", "second", "late"]);
  });

  it("fires timers that a timer sets, at their own time", () => {
    const clock = new ManualClock(0);
    const at: number[] = [];
    clock.setTimeout(() => clock.setTimeout(() => at.push(clock.now()), 5), 10);
    clock.advance(100);
    assert.deepEqual(at, [15]);
    assert.equal(clock.now(), 100);
  });

  it("does not fire a cancelled timer", () => {
    const clock = new ManualClock();
    const timer = clock.setTimeout(() => assert.fail("fired"), 1);
    timer.cancel();
    timer.cancel();
    clock.advance(10);
  });

  it("keeps monotonic time when the wall clock is set", () => {
    const clock = new ManualClock(1000);
    const before = clock.monotonic();
    clock.setNow(0);
    assert.equal(clock.monotonic(), before);
    clock.advance(5);
    assert.equal(clock.now(), 5);
    assert.equal(clock.monotonic(), before + 5);
  });
});

describe("systemClock", () => {
  it("does not fire a delay of months at once", async () => {
    const timer = systemClock.setTimeout(() => assert.fail("fired"), 90 * 86_400_000);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    timer.cancel();
  });

  it("rises", () => {
    const before = systemClock.monotonic();
    assert.ok(systemClock.monotonic() >= before);
    assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
  });
});

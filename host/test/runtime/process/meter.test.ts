import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Meter, type Measure } from "../../../src/runtime/process/index.ts";

const NOTHING: Measure = { residentBytes: () => 0, cpuMs: () => 0, tasks: () => 0, lowerPriority: () => {} };

test("reports memory above the limit within 250 ms and sums the whole tree (§7)", () => {
  const clock = new ManualClock();
  let rss = 50;
  const over: number[] = [];
  const meter = new Meter({
    clock,
    tree: () => [10, 11, 12],
    memoryMb: 100,
    pids: 32,
    onOverMemory: (mb) => over.push(mb),
    onOverPids: () => assert.fail("it has few"),
    measure: { ...NOTHING, residentBytes: (pids) => pids.length * rss * 349_525.34, cpuMs: () => clock.monotonic() / 2 },
  });
  assert.deepEqual(meter.usage, { rssMb: 50, cpuPercent: 0, pids: 3 });
  clock.advance(1000);
  assert.equal(meter.usage.cpuPercent, 50);
  assert.deepEqual(over, []);
  rss = 150;
  clock.advance(250);
  assert.deepEqual(over, [150]);
  meter.stop();
  clock.advance(5000);
  assert.equal(over.length, 1);
});

test("reports more processes and threads than allowed within 250 ms, the launcher's two aside (§7)", () => {
  const clock = new ManualClock();
  let tasks = 34;
  const over: number[] = [];
  const meter = new Meter({
    clock,
    tree: () => [10],
    memoryMb: 100,
    pids: 32,
    onOverMemory: () => assert.fail("it has memory"),
    onOverPids: (count) => over.push(count),
    measure: { ...NOTHING, tasks: () => tasks },
  });
  clock.advance(1000);
  assert.deepEqual(over, []);
  tasks = 35;
  clock.advance(250);
  assert.deepEqual(over, [33]);
  meter.stop();
});

test("who uses all of its processors comes after everybody else, and after a minute it is said; so is that it is over (§7 cpu)", () => {
  const clock = new ManualClock();
  let share = 2;
  let used = 0;
  const told: boolean[] = [];
  let lowered = 0;
  const meter = new Meter({
    clock,
    tree: () => [10],
    memoryMb: 100,
    pids: 32,
    cpu: 2,
    onOverMemory: () => {},
    onOverPids: () => {},
    onAtCap: (atCap) => told.push(atCap),
    measure: { ...NOTHING, cpuMs: () => used, lowerPriority: () => (lowered += 1) },
  });
  const run = (seconds: number): void => {
    for (let n = 0; n < seconds; n += 1) {
      used += share * 1000;
      clock.advance(1000);
    }
  };
  run(5);
  assert.equal(lowered, 0);
  run(1);
  assert.ok(lowered > 0);
  run(50);
  share = 1;
  run(1);
  share = 2;
  run(55);
  assert.deepEqual(told, [], "never a whole minute");
  run(10);
  assert.deepEqual(told, [true]);
  share = 0;
  run(1);
  assert.deepEqual(told, [true, false]);
  meter.stop();
});

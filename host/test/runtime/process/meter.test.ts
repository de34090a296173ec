import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { Meter } from "../../../src/runtime/process/index.ts";

test("reports memory above the limit within 250 ms and sums the whole tree (§7)", () => {
  const clock = new ManualClock();
  let rss = 50;
  const over: number[] = [];
  const meter = new Meter({
    clock,
    tree: () => [10, 11, 12],
    memoryMb: 100,
    onOverMemory: (mb) => over.push(mb),
    measure: { residentBytes: (pids) => pids.length * rss * 349_525.34, cpuMs: () => clock.monotonic() / 2 },
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

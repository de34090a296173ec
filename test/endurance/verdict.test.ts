import assert from "node:assert/strict";
import { test } from "node:test";
import type { Holding } from "./cycles.ts";
import { judge, slopeKb } from "./verdict.ts";

const HELD: Holding = {
  delay: { p50Ms: 0, p99Ms: 0, maxMs: 0 },
  heapMb: 40,
  codeMb: 9,
  rssMb: 150,
  resources: { PipeWrap: 3, Timeout: 2 },
  descriptors: 50,
  listeners: 8,
  plugins: 0,
  files: ["a", "b"],
  databases: {},
  children: 0,
};
const over = (change: Partial<Holding>): string[] =>
  judge(HELD, { ...HELD, ...change })
    .filter(({ ok }) => !ok)
    .map(({ figure }) => figure);

test("memory may grow by 2 %, whatever is counted may not, and less is no fault (§10)", () => {
  assert.deepEqual(over({}), []);
  assert.deepEqual(over({ heapMb: 40.8, rssMb: 153 }), []);
  assert.deepEqual(over({ heapMb: 40.9 }), ["heap, MB"]);
  assert.deepEqual(over({ rssMb: 153.1 }), ["resident, MB"]);
  assert.deepEqual(over({ heapMb: 1, descriptors: 1, resources: {} }), []);
  assert.deepEqual(over({ descriptors: 51, listeners: 9, plugins: 1, children: 1 }), [
    "descriptors",
    "listeners",
    "processes",
    "plugins in memory",
  ]);
  assert.deepEqual(over({ files: ["a", "b", "c"], resources: { PipeWrap: 3, Timeout: 3 } }), [
    "timers, sockets and pipes",
    "files and folders",
  ]);
});

test("what grows by a kilobyte a cycle is told from what stands still", () => {
  const samples = (growth: number) =>
    [0, 50, 100, 150].map((cycle) => ({ cycle, heapMb: 40 + (cycle * growth) / 1024, rssMb: 150 }));
  assert.ok(Math.abs(slopeKb(samples(1), ({ heapMb }) => heapMb) - 1) < 1e-9);
  assert.equal(
    slopeKb(samples(1), ({ rssMb }) => rssMb),
    0,
  );
  assert.equal(
    slopeKb(samples(0).slice(0, 1), ({ heapMb }) => heapMb),
    0,
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasBubblewrap } from "../../host/test/runtime/fixtures/world.ts";
import { runCycles } from "./cycles.ts";

/** Of a few cycles; a thousand are `npm run endurance`. */
const GROWTH_MB = 8;

test("a plugin that was installed, updated and removed 25 times leaves nothing: no file, descriptor, timer, listener, process or row", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const { before, after, cycleMs } = await runCycles({ warmUp: 8, calls: 100, count: 25 });
  assert.deepEqual(after.files, before.files);
  assert.equal(after.descriptors, before.descriptors);
  assert.deepEqual(after.resources, before.resources);
  assert.equal(after.listeners, before.listeners);
  assert.equal(after.children, before.children);
  assert.deepEqual([before.plugins, after.plugins], [0, 0], "nothing holds on to a plugin that is gone");
  assert.ok(after.heapMb - before.heapMb < GROWTH_MB, `the heap grew from ${before.heapMb} to ${after.heapMb} MB`);
  const journal = ({ databases }: typeof before): number => databases["data/runtime/journal.db"] ?? 0;
  // A hundred finished steps stay on record, which the first cycles have not filled.
  assert.ok(journal(after) <= 2 * journal(before), `the journal grew from ${journal(before)} to ${journal(after)} KB`);
  t.diagnostic(`one cycle takes ${Math.round(cycleMs)} ms; resident ${before.rssMb.toFixed(0)} and ${after.rssMb.toFixed(0)} MB`);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { it } from "node:test";

const HEAP = join(import.meta.dirname, "..", "src", "heap.ts");
/** Beside a heap of some size, 2 GiB pass in pieces as a socket reads them; 32 MiB of them are there at a time. */
const PASSING = `
  import { constants, PerformanceObserver } from "node:perf_hooks";
  import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
  import { countBuffersAsHeap } from ${JSON.stringify(HEAP)};
  if (process.argv[1] === "counted") countBuffersAsHeap();
  globalThis.heap = Array.from({ length: 300_000 }, (_, n) => ({ n, list: [n], text: "x" + n }));
  let looks = 0;
  const count = (list) => { for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) looks += 1; };
  new PerformanceObserver(count).observe({ entryTypes: ["gc"] });
  gc();
  await pause(300);
  looks = 0;
  const kept = [];
  const before = process.cpuUsage();
  for (let n = 0; n < 32_768; n += 1) {
    kept[n % 512] = Buffer.allocUnsafeSlow(65_536);
    if (n % 16 === 0) await turn();
  }
  const { user, system } = process.cpuUsage(before);
  await pause(300);
  console.log(JSON.stringify({ looks, cpuMs: Math.round((user + system) / 1000) }));
`;

function passing(how: "counted" | "as it is"): { looks: number; cpuMs: number } {
  const words = ["--no-warnings", "--conditions=hearthnet-source", "--expose-gc", "--input-type=module", "--eval", PASSING, how];
  return JSON.parse(execFileSync(process.execPath, words, { encoding: "utf8" })) as { looks: number; cpuMs: number };
}

it("bytes that pass do not have the whole heap looked through again and again", () => {
  let before = passing("as it is");
  // Where the machine is busy one look may last until all of it has passed.
  for (let more = 4; before.looks < 4 && more > 0; more -= 1) before = passing("as it is");
  let after = passing("counted");
  // V8 looks sooner where its last looks took long, as they do beside other work.
  for (let more = 4; after.looks > 2 && more > 0; more -= 1) after = passing("counted");
  const said = ({ looks, cpuMs }: typeof before): string => `${looks} looks and ${cpuMs} ms CPU`;
  process.stdout.write(`figure: ${said(before)} as it is, ${said(after)} counted\n`);
  assert.ok(before.looks >= 4, "without it the heap is looked through");
  assert.ok(after.looks <= 2, "with it hardly ever");
});

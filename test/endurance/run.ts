/**
 * Usage: run.ts --files [kills] [--seed N], see `files-killed.ts`; run.ts --flapping SECONDS [--from SEED] for three nodes whose cables are pulled, see
 * `flapping-run.ts`; or run.ts [cycles]: says of each figure whether it is back where it was, and prints all of them as JSON. Exit code 1 when one is not.
 * The warm-up fills what is kept up to a bound: the last 10,000 calls, 256 messages of each live topic, 100 jobs. The engine goes on compiling
 * what runs once a cycle for some hundreds of cycles; how much of the heap that is stands in a line of its own, and counts like all of it.
 */
import { parseArgs } from "node:util";
import { runCycles } from "./cycles.ts";
import { runFiles } from "./files.ts";
import { judge, slopeKb, told } from "./verdict.ts";

if (process.argv[2] === "--flapping") {
  const { runFlapping } = await import("./flapping-run.ts");
  process.exit((await runFlapping(process.argv.slice(2))) ? 0 : 1);
}

const WARM_UP = { warmUp: 500, calls: 12_000 };
const SAMPLES = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { files: { type: "boolean", default: false }, seed: { type: "string", default: String(Date.now() % 1e6) } },
});
if (values.files) process.exit(await runFiles({ kills: Number(positionals[0] ?? 100), seed: Number(values.seed) }));

const count = Number(positionals[0] ?? 1000);
const started = performance.now();
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const { before, after, samples, cycleMs } = await runCycles({
  ...WARM_UP,
  count,
  sampleEvery: Math.max(1, Math.floor(count / SAMPLES)),
  onCycle: (n) => n % 50 === 0 && say(`${n} of ${count}, ${Math.round((performance.now() - started) / 1000)} s`),
});
const verdicts = judge(before, after);
for (const verdict of verdicts) say(told(verdict));
for (const [name, of] of [
  ["heap", ({ heapMb }: (typeof samples)[number]) => heapMb],
  ["resident", ({ rssMb }: (typeof samples)[number]) => rssMb],
] as const)
  say(`     ${name}: ${slopeKb(samples, of).toFixed(2)} KB a cycle over ${samples.length} samples`);
say(`     of the heap, compiled code: ${before.codeMb.toFixed(1)} → ${after.codeMb.toFixed(1)} MB`);
const files = {
  before: before.files.length,
  after: after.files.length,
  new: after.files.filter((name) => !before.files.includes(name)),
};
process.stdout.write(
  `${JSON.stringify({ cycles: count, cycleMs: Math.round(cycleMs), verdicts, samples, before: { ...before, files: files.before }, after: { ...after, files } }, null, 2)}\n`,
);
process.exit(verdicts.every(({ ok }) => ok) ? 0 : 1);

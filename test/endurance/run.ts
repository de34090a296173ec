/** Usage: run.ts [cycles]; prints what the node held before and after, as JSON. */
import { runCycles } from "./cycles.ts";

const count = Number(process.argv[2] ?? 1000);
const started = performance.now();
const { before, after, cycleMs } = await runCycles({
  warmUp: 60,
  count,
  onCycle: (n) =>
    void (n % 50 === 0 && process.stderr.write(`${n} of ${count}, ${Math.round((performance.now() - started) / 1000)} s\n`)),
});
const files = {
  before: before.files.length,
  after: after.files.length,
  new: after.files.filter((name) => !before.files.includes(name)),
};
process.stdout.write(
  `${JSON.stringify({ cycles: count, cycleMs: Math.round(cycleMs), before: { ...before, files: files.before }, after: { ...after, files } }, null, 2)}\n`,
);
process.exit(0);

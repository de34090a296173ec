/** Runs every fuzz target beside this file: `npm run fuzz [-- target…]`, 100,000 inputs each unless HN_FUZZ_RUNS says otherwise. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { FuzzReport } from "./harness.ts";

const runs = Number(process.env["HN_FUZZ_RUNS"] ?? 100_000);
const seed = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const wanted = process.argv.slice(2);
let bad = 0;
for (const file of globSync("*.ts", { cwd: import.meta.dirname }).sort()) {
  if (file === "run.ts" || file === "harness.ts" || (wanted.length > 0 && !wanted.some((word) => file.includes(word)))) continue;
  const { fuzz } = (await import(pathToFileURL(join(import.meta.dirname, file)).href)) as {
    fuzz: (o: { runs: number; seed: number }) => Promise<FuzzReport>;
  };
  const report = await fuzz({ runs, seed });
  bad += report.crashes + report.hangs;
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
process.exit(bad === 0 ? 0 : 1);

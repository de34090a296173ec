/** Runs every `*.bench.ts` beside this file and prints one JSON object `{name: {value, baseline, ratio, unit}}`. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BenchResult } from "./measure.ts";

const wanted = process.argv.slice(2);
const results: Record<string, BenchResult> = {};
for (const file of globSync("*.bench.ts", { cwd: import.meta.dirname }).sort()) {
  const module = (await import(pathToFileURL(join(import.meta.dirname, file)).href)) as {
    name: string;
    run(): Promise<BenchResult | Record<string, BenchResult>>;
  };
  if (wanted.length > 0 && !wanted.some((word) => module.name.includes(word))) continue;
  process.stderr.write(`${module.name} …\n`);
  const result = await module.run();
  if ("ratio" in result && typeof result.ratio === "number") results[module.name] = result as BenchResult;
  else Object.assign(results, result);
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
process.exit(0);

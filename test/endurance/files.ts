import { killFiles } from "./files-killed.ts";
import { SimRandom } from "../sim/random.ts";

/** Prints what was counted as JSON. @returns exit code: 1 when anything was lost or false */
export async function runFiles(o: { kills: number; seed: number }): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`seed ${o.seed}`);
  const steps: (() => unknown)[] = [];
  const closing = { after: (step: () => unknown): void => void steps.push(step) };
  try {
    const figures = await killFiles(closing, {
      kills: o.kills,
      random: new SimRandom(o.seed),
      onKill: (n, what) => say(`${n} of ${o.kills}: ${what}`),
    });
    process.stdout.write(`${JSON.stringify({ seed: o.seed, ...figures }, null, 2)}\n`);
    return 0;
  } catch (error) {
    say(String((error as Error).stack));
    return 1;
  } finally {
    for (const step of steps.reverse()) await step();
  }
}

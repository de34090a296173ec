/** Minutes of calls between three nodes whose cables are pulled; beside it the 20 seconds of `test/network/flapping.test.ts`. */
import { parseArgs } from "node:util";
import { noNetworks } from "../support/namespaces.ts";
import { faultsOf, flap, toldFlapping } from "./flapping.ts";

const PER_SECOND = 200;
const CUT_MS: [number, number] = [1000, 15_000];

/** @returns whether nothing was wrong */
export async function runFlapping(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: { flapping: { type: "string", default: "600" }, from: { type: "string", default: "1" } },
  });
  if (noNetworks !== false) {
    process.stdout.write(`not run: ${noNetworks}\n`);
    return false;
  }
  const steps: (() => unknown)[] = [];
  const from = performance.now();
  try {
    const figures = await flap(
      { after: (step) => void steps.push(step) },
      {
        seconds: Number(values.flapping),
        perSecond: PER_SECOND,
        cutMs: CUT_MS,
        seed: Number(values.from),
        say: (line) => process.stderr.write(`${Math.round((performance.now() - from) / 1000)} s: ${line}\n`),
      },
    );
    const faults = faultsOf(figures, { judgesMemory: true });
    process.stdout.write(`seed ${values.from}: ${toldFlapping(figures)}\n${faults.map((fault) => `over: ${fault}\n`).join("")}`);
    return faults.length === 0;
  } finally {
    for (const step of steps.toReversed()) await step();
  }
}

/**
 * Runs the scenarios over many seeds and says of each how many passed. Ends with 1 when one did not.
 * Usage: run.ts [--seeds N] [--from SEED] [--row N] [--json]
 *        run.ts --nodes N [--from SEED]   one community of so many, once
 *        run.ts --dht N [--lookups N] [--loss SHARE] [--colluding SHARE] [--from SEED]   one DHT of so many, once
 */
import { parseArgs } from "node:util";
import { selfTest } from "../../host/src/identity/index.ts";
import { forbidRealTime } from "./no-real-time.ts";
import { World } from "./world.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "20" },
    from: { type: "string", default: "1" },
    row: { type: "string" },
    nodes: { type: "string" },
    dht: { type: "string" },
    lookups: { type: "string", default: "30000" },
    loss: { type: "string", default: "0.5" },
    colluding: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
// Read when the stories are loaded.
process.env["HN_SIM_WHOLE"] = "1";
if (values.nodes !== undefined) process.env["HN_SIM_NODES"] = values.nodes;
const { crowd, SCENARIOS } = await import("./scenarios/index.ts");
const seeds = values.nodes === undefined ? Number(values.seeds) : 1;
const from = Number(values.from);
const chosen =
  values.nodes === undefined ? SCENARIOS.filter(({ row }) => values.row === undefined || row === Number(values.row)) : [crowd];
// The faster of the libraries, as a node takes it into use.
await selfTest();
forbidRealTime();

if (values.dht !== undefined) {
  const [nodes, lookups] = [Number(values.dht), Number(values.lookups)];
  const { runDht } = await import("./dht-run.ts");
  process.exit((await runDht(from, { nodes, lookups, loss: Number(values.loss), colluding: Number(values.colluding) })) ? 0 : 1);
}

interface Row {
  row: number;
  scenario: string;
  pass: string;
  passed: number;
  seeds: number;
  /** Of the first seed. */
  figures: string[];
  events: number;
  failed: { seed: number; why: string; last: string[] }[];
}

const rows: Row[] = [];
for (const { row, name, pass, sessions = false, run } of chosen) {
  const result: Row = { row, scenario: name, pass, passed: 0, seeds, figures: [], events: 0, failed: [] };
  for (let seed = from; seed < from + seeds; seed += 1) {
    const world = new World(seed, { sessions });
    try {
      await run(world, (figure) => seed === from && void result.figures.push(figure));
      result.passed += 1;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      result.failed.push({ seed, why, last: world.scheduler.recent.slice(-200) });
    } finally {
      result.events += world.scheduler.events;
      await world.close();
    }
  }
  rows.push(result);
  if (!values.json) print(result);
}
if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
process.exit(rows.some(({ failed }) => failed.length > 0) ? 1 : 0);

function print({ row, scenario, passed, figures, events, failed }: Row): void {
  process.stdout.write(
    `row ${row}  ${passed} of ${seeds}  ${events} events  ${scenario}\n${figures.map((figure) => `        ${figure}\n`).join("")}`,
  );
  for (const { seed, why, last } of failed.slice(0, 3))
    process.stdout.write(
      `        npm run sim -- --row ${row} --from ${seed} --seeds 1: ${why}\n          ${last.slice(-8).join("\n          ")}\n`,
    );
}

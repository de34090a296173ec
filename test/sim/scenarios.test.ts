import assert from "node:assert/strict";
import { after, test } from "node:test";
import { selfTest } from "../../host/src/identity/index.ts";
import { forbidRealTime } from "./no-real-time.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { seedOf, World } from "./world.ts";

/** `HN_SIM_SEEDS=200` for a longer look; `HN_SEED=…` for a run once more. */
const SEEDS = Number(process.env["HN_SIM_SEEDS"] ?? 1);
/** Of so many stories one is told twice, another one each time. */
const TWICE_IN = 6;

const FIRST = seedOf();

// The faster of the libraries, as a node takes it into use.
await selfTest();
const lift = forbidRealTime();
after(lift);

for (const [place, { row, name, pass, sessions = false, run }] of SCENARIOS.filter(({ always }) => always !== false).entries())
  test(`row ${row}: ${name}: ${pass} (network §7)`, async (t) => {
    for (let count = 0; count < SEEDS; count += 1) {
      const seed = FIRST + count;
      const digests: string[] = [];
      // The same seed must tell the same story, or no failure could be looked at twice.
      const times = (seed + place) % TWICE_IN === 0 ? 2 : 1;
      for (let time = 0; time < times; time += 1) {
        const world = new World(seed, { sessions });
        try {
          await run(world, (figure) => void (time === 0 && t.diagnostic(`seed ${seed}: ${figure}`)));
          digests.push(world.scheduler.digest);
        } catch (error) {
          t.diagnostic(
            `HN_SEED=${seed}, ${world.scheduler.events} events, the last of them:\n${world.scheduler.recent.slice(-40).join("\n")}`,
          );
          throw error;
        } finally {
          await world.close();
        }
      }
      assert.equal(new Set(digests).size, 1, `seed ${seed} told two stories: ${digests.join(" and ")}`);
    }
  });

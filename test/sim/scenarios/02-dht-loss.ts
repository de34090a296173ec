import assert from "node:assert/strict";
import { floorOf, measureDht, told, type DhtPlan } from "../dht-figures.ts";
import { measureChurn, type ChurnPlan } from "../dht-churn.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

const finds = (plan: DhtPlan, o: Pick<Scenario, "row" | "name">): Scenario => ({
  ...o,
  pass: `of ${plan.lookups} lookups among ${plan.nodes} nodes ${floorOf(plan) * 100} % find what was published, and none finds anything else`,
  run: async (world, tell) => {
    const figures = await measureDht(world, plan);
    tell(told(figures));
    assert.ok(figures.found >= figures.lookups * floorOf(plan), `${figures.found} of ${figures.lookups} lookups found`);
    assert.equal(figures.foreign, 0);
  },
});

export const dhtLoss: Scenario = finds(
  { nodes: sizeOf(120, 1000), lookups: sizeOf(200, 2000), loss: 0.5, colluding: 0 },
  { row: 2, name: "half of a DHT goes at once, without a word" },
);

export const dhtCollusion: Scenario = finds(
  { nodes: sizeOf(160, 1000), lookups: sizeOf(100, 2000), loss: 0.25, colluding: 0.2 },
  {
    row: 6,
    name: "a fifth of a DHT works together to hide what half of them sit next to, and a quarter of the others goes at once",
  },
);

/** @source network.md §8 D4 */
const FOUND_MIN = 0.999;

const staysFindable = (sessions: ChurnPlan["sessions"]): Scenario => {
  const plan: ChurnPlan = { nodes: sizeOf(40, 160), hours: sizeOf(2, 24), lookups: 4, sessions };
  return {
    row: 2,
    name: `nodes of a DHT stay for an hour, in the middle of all, and go without a word; ${sessions} sessions`,
    pass: `of the lookups in ${plan.hours} hours for what somebody holds who is there, ${FOUND_MIN * 100} % find it, and none finds anything else`,
    run: async (world, tell) => {
      const { found, lookups, foreign, left, lost, present } = await measureChurn(world, plan);
      tell(
        `${found} of ${lookups} lookups found, ${((found / lookups) * 100).toFixed(3)} %; ${present.toFixed(0)} of ${plan.nodes} there, ${left} have gone, ${lost} knew nobody any more when they came back`,
      );
      assert.ok(left > plan.nodes / 2, "they hardly move");
      assert.ok(lookups > plan.hours * 60, "hardly anything was looked for");
      assert.ok(found >= lookups * FOUND_MIN, `${found} of ${lookups} lookups found`);
      assert.equal(foreign, 0);
    },
  };
};
export const dhtChurn: Scenario = staysFindable("exponential");
export const dhtChurnPareto: Scenario = staysFindable("pareto");

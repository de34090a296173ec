import assert from "node:assert/strict";
import { floorOf, measureDht, told, type DhtPlan } from "../dht-figures.ts";
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

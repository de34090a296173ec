import assert from "node:assert/strict";
import { ask, offerEcho } from "../echo.ts";
import { assertOneTruth, assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";

export const stall: Scenario = {
  row: 10,
  name: "a process stands still for half a minute",
  pass: "others answer meanwhile; afterwards it is a neighbour as before",
  run: async (world, tell) => {
    const [anna, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    offerEcho(ben);
    offerEcho(cem);
    await world.pass(60_000);
    ben.clock.pause();
    const answered: unknown[] = [];
    for (let n = 0; n < 10; n += 1) {
      const { by } = await world.settled(ask(anna, { n, timeoutMs: 20_000 }).catch(() => ({ by: "nobody" })));
      answered.push(by);
      await world.pass(1000);
    }
    ben.clock.resume();
    assert.ok(answered.filter((by) => by === "cem").length >= 8, `${answered.join(" ")}`);
    await world.pass(120_000);
    assert.equal((await world.settled(ask(anna, { n: 11, node: ben }))).by, "ben");
    assert.ok(anna.peers.list().every(({ online }) => online));
    assertOneTruth([anna, ben, cem]);
    assertQuiet([anna, ben, cem]);
    tell(`answers while it stood still: ${answered.join(" ")}`);
  },
};

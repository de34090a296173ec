import assert from "node:assert/strict";
import { it } from "node:test";
import { faultsOf, flap, toldFlapping } from "../endurance/flapping.ts";
import { seedOf } from "../sim/world.ts";
import { noNetworks } from "../support/namespaces.ts";

it(
  "three nodes whose cables are pulled and plugged in again give no wrong answer, and no refusal that may not be tried again",
  { skip: noNetworks },
  async (t) => {
    const seed = seedOf();
    t.diagnostic(`seed ${seed}`);
    const figures = await flap(t, { seconds: 20, perSecond: 40, cutMs: [1000, 4000], seed });
    process.stdout.write(`figure: ${toldFlapping(figures).replaceAll("\n", "; ")}\n`);
    assert.deepEqual(faultsOf(figures, { judgesMemory: false }), []);
  },
);

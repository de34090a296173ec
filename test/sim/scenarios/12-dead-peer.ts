import assert from "node:assert/strict";
import { ask, offerEcho } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

const CALLS = sizeOf(80, 200);
const EVERY_MS = 130;

export const deadPeer: Scenario = {
  row: 12,
  name: "one of three providers swallows everything while many ask",
  pass: "lost is at most what was sent within two seconds; those of the living are as quick as before",
  run: async (world, tell) => {
    const nodes = (await world.village(["anna", "ben", "cem", "dora"])) as [SimNode, SimNode, SimNode, SimNode];
    const [anna, ben, cem, dora] = nodes;
    for (const node of [ben, cem, dora]) offerEcho(node, { workMs: 40 });
    await world.pass(60_000);
    const times = async (): Promise<{ ms: number[]; failed: number }> => {
      const ms: number[] = [];
      let failed = 0;
      const calls: Promise<void>[] = [];
      for (let n = 0; n < CALLS; n += 1) {
        const from = world.scheduler.now;
        calls.push(
          ask(anna, { n, timeoutMs: 15_000 }).then(
            () => void ms.push(world.scheduler.now - from),
            () => void (failed += 1),
          ),
        );
        await world.pass(EVERY_MS);
      }
      await world.settled(Promise.all(calls));
      return { ms: ms.toSorted((a, b) => a - b), failed };
    };
    const quiet = await times();
    world.network.cut(anna.place, ben.place);
    const stormy = await times();
    const middle = (list: number[]): number => Math.round(list[list.length >> 1] ?? 0);
    assert.equal(quiet.failed, 0);
    assert.ok(stormy.failed <= Math.ceil(2000 / EVERY_MS) + 1, `${stormy.failed} of ${CALLS} calls failed`);
    assert.ok(middle(stormy.ms) <= 2 * middle(quiet.ms), `${middle(stormy.ms)} ms instead of ${middle(quiet.ms)}`);
    world.network.heal();
    await world.pass(180_000);
    assert.equal((await world.settled(ask(anna, { n: 1, node: ben }))).by, "ben");
    assertQuiet(nodes);
    tell(
      `${stormy.failed} of ${CALLS} failed; the middle call took ${middle(quiet.ms)} ms before and ${middle(stormy.ms)} ms meanwhile`,
    );
  },
};

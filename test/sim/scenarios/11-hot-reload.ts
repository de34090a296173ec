import assert from "node:assert/strict";
import type { Registration } from "../../../host/src/contract/index.ts";
import { ask, echoOffer } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

/** `HN_SIM_CALLS=10000` for the figure of the design. */
const CALLS = Number(process.env["HN_SIM_CALLS"] ?? sizeOf(150, 500));
const EVERY_MS = 2;
const FLIPS = 10;

/** The bus and everything in front of it; that a plugin's process is followed by another is told with real processes. */
export const hotReload: Scenario = {
  row: 11,
  name: `a provider gives way to its next release again and again, under ${1000 / EVERY_MS} calls a second`,
  pass: `0 of ${CALLS} fail; from the turn of the exchange on nobody meets the former`,
  sessions: true,
  run: async (world, tell) => {
    world.rates = { softPerCapability: 10_000, softTotal: 10_000, perAddress: 100_000 };
    const [anna, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    let release = 1;
    let late = 0;
    const offer = (number: number): ReturnType<typeof echoOffer> =>
      echoOffer(ben, {
        workMs: 25,
        onCall: () => (late += number === release ? 0 : 1),
        says: () => ({ release: number }),
      });
    let former: Registration[] = [ben.bus.offer(offer(1))];
    await world.pass(60_000);
    const heard = new Map<unknown, number>();
    let failed = 0;
    const calls: Promise<void>[] = [];
    for (let n = 0; n < CALLS; n += 1) {
      if (n > 0 && n % Math.ceil(CALLS / FLIPS) === 0) {
        const prepared = ben.bus.prepare([offer(release + 1)]);
        await world.pass(7);
        release += 1;
        former = prepared.flip(former);
      }
      const from = n % 2 === 0 ? anna : cem;
      calls.push(
        ask(from, { n, node: ben, timeoutMs: 10_000 }).then(
          (output) => void heard.set(output["release"], (heard.get(output["release"]) ?? 0) + 1),
          () => void (failed += 1),
        ),
      );
      await world.pass(EVERY_MS);
    }
    await world.settled(Promise.all(calls));
    assert.equal(failed, 0, `${failed} of ${CALLS} calls failed`);
    assert.equal(late, 0, "a call met a release that had given way");
    assert.equal(heard.size, release, "each release has answered");
    assertQuiet([anna, ben, cem]);
    tell(`0 of ${CALLS} failed over ${release} releases`);
  },
};

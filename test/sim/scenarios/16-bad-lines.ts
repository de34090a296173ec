import assert from "node:assert/strict";
import { HnError } from "../../../host/src/foundation/index.ts";
import { ERRORS } from "../../../host/src/contract/index.ts";
import { ask, offerEcho } from "../echo.ts";
import { assertOneTruth, assertQuiet } from "../invariants.ts";
import { GOOD } from "../network.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

export const badLines: Scenario = {
  row: 16,
  name: "every line loses 5 %, is late by up to two seconds and in no order",
  pass: "every call ends, with a right answer or a code that says try again; nothing runs twice; logs equal",
  run: async (world, tell) => {
    const count = sizeOf(40, 120);
    const nodes = await world.village(["anna", "ben", "cem", "dora"]);
    const echoes = nodes.map((node) => offerEcho(node, { idempotent: false, workMs: 50 }));
    await world.pass(60_000);
    world.network.model = { ...GOOD, latencyMs: 500, jitterMs: 1500, loss: 0.05, duplicate: 0.05 };
    const random = world.random.fork("callers");
    const ends = { right: 0, again: 0 };
    const calls: Promise<void>[] = [];
    for (let n = 0; n < count; n += 1) {
      const from = random.pick(nodes) as SimNode;
      const node = random.pick(nodes.filter((other) => other !== from)) as SimNode;
      calls.push(
        ask(from, { n, node, timeoutMs: 20_000 }).then(
          ({ heard, by }) => {
            assert.deepEqual([heard, by], [n, node.name]);
            ends.right += 1;
          },
          (error: unknown) => {
            if (!HnError.isHnError(error)) throw error;
            assert.ok(["partition", "timeout", "capacity_exceeded", "rate_limited"].includes(error.code), error.code);
            assert.ok(error.code in ERRORS);
            ends.again += 1;
          },
        ),
      );
      if (random.chance(0.2)) await from.community.append({ type: "ext.sim.note", data: { n } });
      await world.pass(random.below(500));
    }
    await world.settled(Promise.all(calls));
    assert.equal(ends.right + ends.again, count, "each has ended once");
    for (const echo of echoes)
      for (const [request, times] of echo.done) assert.equal(times, 1, `request ${request} was carried out ${times} times`);
    assert.ok(ends.right >= count * (world.hasSessions ? 0.6 : 0.8), `${ends.right} of ${count} were answered`);
    await world.pass(5 * 300_000);
    assertOneTruth(nodes);
    assertQuiet(nodes);
    const { packets, lost } = world.network.counters;
    tell(`${ends.right} answers, ${ends.again} to be tried again, none wrong; ${lost} of ${packets} packets lost`);
  },
};

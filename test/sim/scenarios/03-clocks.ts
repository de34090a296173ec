import assert from "node:assert/strict";
import { HnError } from "../../../host/src/foundation/index.ts";
import { ECHO, offerEcho } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** Straight over the line, as somebody does who has found the other at last. */
function callDirectly(from: SimNode, to: SimNode, n: number, timeoutMs = 5000): Promise<unknown> {
  return from.link
    .call({
      to: to.nodeId,
      endpoints: [to.endpoint],
      capability: ECHO,
      version: "1.0",
      body: { params: {}, input: { n } },
      traceId: `trace-${String(n).padStart(8, "0")}`,
      timeoutMs,
      stream: false,
      signal: new AbortController().signal,
    })
    .then(({ output }) => output["heard"]);
}

export const clocks: Scenario = {
  row: 3,
  name: "clocks that are wrong by minutes or a day, jump back, and drift",
  pass: "one refusal with a signed time, then the call succeeds; deadlines keep their length",
  run: async (world, tell) => {
    const [anna, ben] = (await world.village(["anna", "ben"])) as [SimNode, SimNode];
    offerEcho(ben);
    let sent = 0;
    world.onRequest = ({ path }) => (sent += path === "/bus/v1/call" ? 1 : 0);
    let n = 0;
    for (const wrong of [5 * MINUTE, -10 * MINUTE, DAY, -2 * DAY, 30_000]) {
      anna.clock.step(wrong);
      sent = 0;
      n += 1;
      assert.equal(await world.settled(callDirectly(anna, ben, n)), n, `${wrong} ms wrong`);
      assert.ok(sent <= 2, `${sent} requests for one call`);
    }
    // A leap second: the wall clock shows one second twice.
    ben.clock.step(-1000);
    n += 1;
    assert.equal(await world.settled(callDirectly(anna, ben, n)), n);
    // Jumps of the wall clock shorten no deadline and lengthen none.
    world.network.cut(anna.place, ben.place);
    const from = world.scheduler.now;
    const call = callDirectly(anna, ben, 99, 5000);
    await world.pass(1000);
    anna.clock.step(DAY);
    await assert.rejects(world.settled(call), (error: unknown) => HnError.isHnError(error) && error.code === "timeout");
    const waited = world.scheduler.now - from;
    assert.ok(waited >= 4990 && waited <= 5300, `waited ${waited} ms`);
    world.network.heal();
    anna.clock.step(-DAY);
    ben.clock.setDrift(200);
    await world.pass(sizeOf(40, 360) * MINUTE);
    assert.equal(await world.settled(callDirectly(anna, ben, 100)), 100);
    assertQuiet([anna, ben]);
    tell(`${n + 2} calls`);
  },
};

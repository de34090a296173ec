import assert from "node:assert/strict";
import { ask, offerEcho } from "../echo.ts";
import { GOOD } from "../network.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

const TIMES = sizeOf(3, 8);
/** Each way: a line over a satellite and back, so that an answer takes longer than a restarted node is given to show that it is gone. */
const SLOW_MS = 1200;
const JITTER_MS = 100;

export const crossing: Scenario = {
  row: 17,
  name: "two nodes dial each other at once over a slow line",
  pass: "both keep the same one of the two sessions, and no call waits longer than one that nobody has crossed by more than once there and back",
  sessions: true,
  run: async (world, tell) => {
    const [anna, ben] = (await world.village(["anna", "ben"])) as [SimNode, SimNode];
    offerEcho(anna);
    offerEcho(ben);
    await world.pass(60_000);
    world.network.model = { ...GOOD, latencyMs: SLOW_MS, jitterMs: JITTER_MS };
    const random = world.random.fork("crossing");
    const timed = async (from: SimNode, to: SimNode, n: number): Promise<number> => {
      const at = world.scheduler.now;
      await ask(from, { n, node: to, timeoutMs: 60_000 });
      return world.scheduler.now - at;
    };
    /** What was open is closed for having nothing to do. */
    const rest = async (): Promise<void> => {
      const isOpen = (): boolean => [anna, ben].some(({ sessions }) => sessions.sessions.length > 0);
      for (let tries = 0; isOpen() && tries < 40; tries += 1) await world.pass(15_000);
      assert.ok(!isOpen(), "no session is left");
    };
    await rest();
    const alone = await world.settled(timed(anna, ben, 0));
    let slowest = 0;
    for (let n = 1; n <= TIMES; n += 1) {
      await rest();
      const later = random.below(6 * SLOW_MS);
      const [first, second] = random.chance(0.5) ? [anna, ben] : [ben, anna];
      const one = timed(first, second, 2 * n);
      await world.pass(later);
      const both = await world.settled(Promise.all([one, timed(second, first, 2 * n + 1)]));
      slowest = Math.max(slowest, ...both);
      assert.equal(anna.sessions.live(ben.nodeId)?.established.sid, ben.sessions.live(anna.nodeId)?.established.sid);
    }
    // A call that was on its way by the session that goes is told so, and takes the other.
    assert.ok(slowest <= alone + 2 * SLOW_MS + 12 * JITTER_MS, `${Math.round(slowest)} ms, alone ${Math.round(alone)} ms`);
    tell(`${TIMES} times: the slowest call took ${Math.round(slowest)} ms, one that nobody crossed ${Math.round(alone)} ms`);
  },
};

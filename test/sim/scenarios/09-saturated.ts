import assert from "node:assert/strict";
import { ask, FLOOD, offerEcho, offerFlood, read } from "../echo.ts";
import { GOOD } from "../network.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";

/** `HN_SIM_MINUTES=60` for the hour of the design. */
const MINUTES = Number(process.env["HN_SIM_MINUTES"] ?? sizeOf(2, 6));
const QUESTIONS = 20;

export const saturated: Scenario = {
  row: 9,
  name: `a slow line that is full in both directions for ${MINUTES} minutes, then a fast one`,
  pass: "nobody is taken for dead; on the fast one PONG comes within half a second",
  sessions: true,
  run: async (world, tell) => {
    const [, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    for (const node of [ben, cem]) offerFlood(node, { bytes: 8192 });
    offerEcho(ben);
    await world.pass(60_000);
    await world.settled(ask(cem, { n: 1, node: ben }));
    world.network.model = { ...GOOD, bytesPerMs: 10, latencyMs: 300, jitterMs: 200, loss: 0.01 };
    const stop = new AbortController();
    let frames = 0;
    const drink = async (from: SimNode, node: SimNode): Promise<void> => {
      for await (const _ of read(from, { capability: FLOOD, node, signal: stop.signal })) frames += 1;
    };
    const work = [drink(ben, cem), drink(cem, ben), drink(cem, ben)].map((one) => one.catch((error: unknown) => error));
    await world.pass(5000);
    const session = ben.sessions.live(cem.nodeId);
    assert.ok(session);
    const ends: number[] = [];
    for (let minute = 0; minute < MINUTES; minute += 1) {
      await world.pass(60_000);
      if (ben.sessions.live(cem.nodeId) !== session || session.isSuspect) ends.push(minute);
    }
    assert.deepEqual(ends, [], "a session under load was given up or suspected");
    const slow = frames;
    assert.ok(slow > MINUTES * 20, `${slow} frames came`);
    world.network.model = { ...GOOD, bytesPerMs: 1000 };
    await world.pass(30_000 - (MINUTES > 6 ? 0 : 20_000));
    const times: number[] = [];
    for (let n = 0; n < QUESTIONS; n += 1) {
      const at = world.scheduler.now;
      assert.ok(await world.settled(session.answers(2000)), "no answer within two seconds");
      times.push(world.scheduler.now - at);
    }
    stop.abort();
    await world.pass(60_000);
    await world.settled(Promise.all(work));
    const worst = Math.max(...times);
    assert.ok(worst <= 500, `${worst} ms until PONG`);
    tell(`${slow} frames over the slow line and no false death; PONG after at most ${Math.round(worst)} ms on the fast one`);
  },
};

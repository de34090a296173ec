import assert from "node:assert/strict";
import { HnError } from "../../../host/src/foundation/index.ts";
import { ask, offerEcho, TICKS } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";

export const revoked: Scenario = {
  row: 18,
  name: "a member is revoked while it reads a stream",
  pass: "its stream ends within a second of the event's arrival, wherever it reads; its next call is refused",
  run: async (world, tell) => {
    const nodes = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    const [anna, ben, cem] = nodes;
    const echo = offerEcho(ben);
    await world.pass(60_000);
    let frames = 0;
    let end: unknown;
    const reading = (async (): Promise<void> => {
      try {
        const stream = cem.bus.stream({
          capability: TICKS,
          version: [1, 0],
          body: { params: {}, input: {} },
          caller: cem.operator,
          node: ben.nodeId,
        });
        for await (const _ of stream) frames += 1;
      } catch (error) {
        end = error;
      }
    })();
    await world.pass(10_000);
    assert.ok(frames >= 8, `${frames} frames came`);
    assert.equal(echo.running, 1);
    // Cem cannot learn of it by itself: only Ben's door can end it.
    world.network.cut(anna.place, cem.place);
    let arrivedAt = 0;
    ben.community.onEvent(
      ({ event_type }) => void (event_type === "community.member.revoked" && (arrivedAt = world.scheduler.now)),
    );
    await world.settled(anna.community.revoke({ target: cem.nodeId, reason: "lost device" }));
    for (let step = 0; step < 6000 && echo.running > 0; step += 1) await world.pass(100);
    const took = world.scheduler.now - arrivedAt;
    assert.ok(arrivedAt > 0, "the event has arrived");
    assert.equal(echo.running, 0, "the handler has ended");
    assert.ok(took <= 1000, `the stream ended ${took} ms after the event`);
    await world.settled(reading);
    assert.ok(HnError.isHnError(end), String(end));
    await assert.rejects(world.settled(ask(cem, { n: 1, node: ben })));
    assertQuiet([anna, ben]);
    tell(`ended ${Math.round(took)} ms after the event arrived, with ${end.code}`);
  },
};

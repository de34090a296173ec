import assert from "node:assert/strict";
import { HnError } from "../../../host/src/foundation/index.ts";
import { ask, FLOOD, offerEcho, offerFlood, read } from "../echo.ts";
import { assertQuiet } from "../invariants.ts";
import { GOOD } from "../network.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";
import type { World } from "../world.ts";

const FRAME_BYTES = 8192;
/** A stream's window and what its producer may have ready; the design allows a relay 2 MiB. @source network.md §1.5, R3 */
const HELD_MAX_BYTES = 1_048_576;
const CALLS = sizeOf(15, 30);

/** @returns milliseconds of the slowest but a few */
async function callTimes(world: World, from: SimNode, node: SimNode): Promise<number> {
  const ms: number[] = [];
  for (let n = 0; n < CALLS; n += 1) {
    const at = world.scheduler.now;
    await world.settled(ask(from, { n, node }));
    ms.push(world.scheduler.now - at);
    await world.pass(200);
  }
  return ms.toSorted((a, b) => a - b)[Math.ceil(CALLS * 0.95) - 1] ?? Infinity;
}

export const slowReader: Scenario = {
  row: 8,
  name: "one reader takes nothing, one a frame in a second, both on a session that others use",
  pass: "what is held for them is bounded; who takes nothing for half a minute loses that stream alone; calls beside it are at most twice as slow",
  sessions: true,
  run: async (world, tell) => {
    const [, ben, cem] = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    offerEcho(ben);
    const flood = offerFlood(ben, { bytes: FRAME_BYTES });
    world.network.model = { ...GOOD, bytesPerMs: 5000 };
    await world.pass(60_000);
    const quiet = await callTimes(world, cem, ben);
    const session = ben.sessions.live(cem.nodeId);
    assert.ok(session, "calls go by a session");

    let end: unknown;
    const stalled = read(cem, { capability: FLOOD, node: ben });
    await world.settled(stalled.next());
    let slowFrames = 0;
    const stop = new AbortController();
    const slow = (async (): Promise<void> => {
      for await (const _ of read(cem, { capability: FLOOD, node: ben, signal: stop.signal })) {
        slowFrames += 1;
        await new Promise<void>((resolve) => void cem.clock.setTimeout(resolve, 1000));
      }
    })().catch(() => undefined);
    await world.pass(2000);
    const stormy = await callTimes(world, cem, ben);
    assert.ok(stormy <= 2 * quiet, `${stormy} ms beside two slow readers, ${quiet} ms before`);
    const held = Math.max(session.heldBytes, cem.sessions.live(ben.nodeId)?.heldBytes ?? 0);
    assert.ok(held <= HELD_MAX_BYTES, `${held} bytes are held`);
    const made = flood.made * FRAME_BYTES;
    assert.ok(made <= 2 * HELD_MAX_BYTES, `${made} bytes were made though nobody takes them`);

    await world.pass(60_000);
    assert.equal(flood.running, 1, "the stream that nobody reads has ended, the slow one goes on");
    await world.settled(
      (async (): Promise<void> => {
        for await (const _ of stalled);
      })().catch((error: unknown) => (end = error)),
    );
    assert.ok(HnError.isHnError(end) && end.code === "timeout", String(end));
    assert.equal(ben.sessions.live(cem.nodeId), session, "the session lives on");
    const frames = slowFrames;
    await world.pass(60_000);
    assert.ok(slowFrames > frames, "the slow one is still fed");
    stop.abort();
    await world.pass(15_000);
    await world.settled(slow);
    assert.equal(flood.running, 0);
    assert.equal(session.heldBytes, 0, "nothing of them is left");
    assertQuiet([ben, cem]);
    tell(`${held} bytes held; p95 of calls ${Math.round(quiet)} ms before, ${Math.round(stormy)} ms beside them`);
  },
};

/** `HN_SIM_READERS=100` for the figure of the design. */
const READERS = Number(process.env["HN_SIM_READERS"] ?? sizeOf(8, 20));

export const fanOut: Scenario = {
  row: 8,
  name: `one provider with ${READERS} readers, of which every second takes nothing`,
  pass: "those that read get theirs; what is held for the others is bounded",
  sessions: true,
  run: async (world, tell) => {
    const [, ben, cem, dora] = (await world.village(["anna", "ben", "cem", "dora"])) as [SimNode, SimNode, SimNode, SimNode];
    const flood = offerFlood(ben, { bytes: 4096 });
    world.network.model = { ...GOOD, bytesPerMs: 2000 };
    await world.pass(60_000);
    const counts: number[] = [];
    const stop = new AbortController();
    const work: Promise<unknown>[] = [];
    const stalled = Promise.withResolvers<void>();
    for (let number = 0; number < READERS; number += 1) {
      counts.push(0);
      const stream = read(number % 4 < 2 ? cem : dora, { capability: FLOOD, node: ben, signal: stop.signal });
      work.push(
        (async (): Promise<void> => {
          for await (const _ of stream) {
            counts[number] = (counts[number] ?? 0) + 1;
            if (number % 2 === 1) await stalled.promise;
          }
        })().catch(() => undefined),
      );
    }
    await world.pass(2000);
    const held = ben.sessions.sessions.reduce((sum, session) => sum + session.heldBytes, 0);
    const reading = counts.filter((_, number) => number % 2 === 0);
    assert.equal(flood.running, READERS);
    const [least, most] = [Math.min(...reading), Math.max(...reading)];
    assert.ok(least > 0 && most <= 2 * least, `those that read got between ${least} and ${most} frames`);
    assert.ok(held <= READERS * 131_072, `${held} bytes are held for ${READERS} readers`);
    stop.abort();
    await world.pass(200);
    assert.equal(flood.running, 0, "each handler has ended 200 ms after its reader left");
    stalled.resolve();
    await world.settled(Promise.all(work));
    tell(`${least} to ${most} frames in 2 s each; ${Math.round(held / READERS)} bytes held for a reader`);
  },
};

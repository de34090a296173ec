import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ManualClock, systemClock } from "../../../src/foundation/index.ts";
import { until } from "../../support/until.ts";
import { alive, COUNT, GRANTS, ID, openUpgradeWorld, SAY, versioned, type UpgradeWorld } from "../fixtures/upgrade-world.ts";
import { hasBubblewrap } from "../fixtures/world.ts";

const HOUR = 3_600_000;

/** A release that has had calls, so that the next one is tried first. `later` ends the time of the trial. */
async function busy(
  t: TestContext,
  o: { canaryMs?: number } = {},
): Promise<{ world: UpgradeWorld; later: () => void; tried: () => Promise<unknown> } | null> {
  if (!hasBubblewrap()) {
    t.skip("needs bubblewrap");
    return null;
  }
  const manual = new ManualClock();
  const clock = {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    // Only the trial's own time is the test's.
    setTimeout: (fn: () => void, ms: number) => (ms === HOUR ? manual : systemClock).setTimeout(fn, ms),
  };
  const world = await openUpgradeWorld({
    clock,
    upgradeTimes: { drainMs: 0, probationMs: 2 * HOUR, canaryMs: o.canaryMs ?? HOUR },
  });
  t.after(() => world.close());
  await world.runtime.stage(versioned(world.folder, "1.0.0"), GRANTS);
  for (let n = 0; n < 12; n += 1) await world.call(SAY);
  const tried = (): Promise<unknown> =>
    until("it is tried", () =>
      world.runtime.logs(ID, { limit: 20 }).some(({ message }) => /gets a tenth of the calls first/.test(message)),
    );
  return { world, later: () => manual.advance(HOUR), tried };
}

const versions = async (world: UpgradeWorld, calls: number, name = SAY, session?: string): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (let n = 0; n < calls; n += 1) {
    const { version } = (await world.call(name, { n }, session === undefined ? {} : { session })) as { version: string };
    counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
};

test("a tenth of the calls that may be done twice and belong to no conversation comes first; after the time all do (§6.4.3)", async (t) => {
  const stage = await busy(t);
  if (stage === null) return;
  const { world, later, tried } = stage;
  const staged = world.runtime.stage(versioned(world.folder, "2.0.0"), GRANTS);
  await tried();
  assert.equal(world.runtime.get(ID)?.version, "1.0.0");
  assert.deepEqual(await versions(world, 40), { "1.0.0": 36, "2.0.0": 4 });
  assert.deepEqual(await versions(world, 20, COUNT), { "1.0.0": 20 }, "work with an effect is not tried out");
  assert.deepEqual(await versions(world, 20, SAY, "talk"), { "1.0.0": 20 }, "a conversation stays where it is");
  later();
  assert.equal((await staged).version, "2.0.0");
  assert.deepEqual(await versions(world, 20), { "2.0.0": 20 });
});

test("fifty calls are enough (§6.4.3)", async (t) => {
  const stage = await busy(t);
  if (stage === null) return;
  const { world, tried } = stage;
  const staged = world.runtime.stage(versioned(world.folder, "2.0.0"), GRANTS);
  await tried();
  const seen = await versions(world, 499);
  assert.equal(seen["2.0.0"], 49);
  await world.call(SAY);
  assert.equal((await staged).version, "2.0.0");
});

for (const [what, bad, fault] of [
  ["fails", `throw new Error("worse");`, /20 of its first 20 calls failed/],
  ["dies", `process.exit(3);`, /It ended while it was tried/],
] as const)
  test(`a release that ${what} on trial never takes over, and no caller notices (§6.4.3)`, async (t) => {
    const stage = await busy(t);
    if (stage === null) return;
    const { world, tried } = stage;
    const pid = world.pid();
    const staged = assert.rejects(world.runtime.stage(versioned(world.folder, "2.0.0", { bad }), GRANTS), {
      code: "plugin_gone",
      reason: "probe_failed",
      message: fault,
    });
    await tried();
    const seen = await versions(world, 210);
    assert.deepEqual(seen, { "1.0.0": 210 });
    await staged;
    assert.deepEqual([world.runtime.get(ID)?.version, world.pid(), alive(pid)], ["1.0.0", pid, true]);
    assert.deepEqual(world.runtime.kept(ID), []);
  });

test("an operator's act does not wait for a trial", async (t) => {
  const stage = await busy(t);
  if (stage === null) return;
  const { world, tried } = stage;
  const staged = world.runtime.stage(versioned(world.folder, "2.0.0"), GRANTS);
  await tried();
  await world.runtime.disable(ID);
  assert.equal((await staged).version, "2.0.0");
  assert.equal(world.runtime.get(ID)?.state, "stopped");
});

test("a node that stops does not wait for a trial either, and starts with the release that served", async (t) => {
  const stage = await busy(t);
  if (stage === null) return;
  const { world, tried } = stage;
  const staged = assert.rejects(world.runtime.stage(versioned(world.folder, "2.0.0"), GRANTS), {
    message: /The node is stopping/,
  });
  await tried();
  const again = await world.reopen();
  await staged;
  await again.startAll();
  assert.deepEqual(await versions(world, 3), { "1.0.0": 3 });
});

test("where a tenth of the calls would not be enough for a verdict in the time, the new release takes over at once", async (t) => {
  const stage = await busy(t, { canaryMs: 60_000 });
  if (stage === null) return;
  assert.equal((await stage.world.runtime.stage(versioned(stage.world.folder, "2.0.0"), GRANTS)).version, "2.0.0");
  assert.ok(!stage.world.runtime.logs(ID, { limit: 20 }).some(({ message }) => message.includes("a tenth of the calls")));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredRelease } from "../../src/contract/index.ts";
import { allow, hasBubblewrap, openWorld, writePackage, type World } from "./fixtures/world.ts";
import { guest, openIsolateWorld } from "./isolate/guests.ts";

const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const NO_SANDBOX = { path: "/nonexistent", systemPath: false };
const MAIN = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };
exports.capabilities = { "dev.do@1.0": async (req, ctx) => ({ output: { version: ctx.facts.version } }) };`;

const stranger = (world: World, version = "1.0.0"): StoredRelease =>
  writePackage(world.folder, { id: "dev/stranger", version, main: MAIN, capabilities: [{ name: "dev.do" }] });

/** What operators decided, as the ledger has it, oldest first. */
const decisions = (world: World): string[] =>
  world.runtime
    .ledger(100)
    .rows.filter(({ op }) => op === "override")
    .map(({ target }) => target)
    .toReversed();

test("a plugin that an isolate would do for gets a process of its own when the operator says so, over restarts of the node, and gives it back (§1.2.4)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const world = await openIsolateWorld();
  try {
    const [neighbour, raised] = [1, 2].map(() => guest(world, { does: "return { output: { well: true } };" }));
    assert.ok(neighbour !== undefined && raised !== undefined);
    for (const release of [neighbour, raised]) await world.runtime.stage(release, [PROVIDE]);
    const pidOf = (id: string): number | undefined => world.runtime.get(id)?.evidence?.pid;
    assert.equal(pidOf(raised.id), pidOf(neighbour.id));
    const status = await world.runtime.setOverrides(raised.id, { ownProcess: true });
    assert.deepEqual([status.tier, status.state, status.overrides.ownProcess], ["process", "active", true]);
    assert.notEqual(pidOf(raised.id), pidOf(neighbour.id));
    assert.equal((await world.bus.call(raised.capability)).output["well"], true);
    const again = await world.reopen();
    await again.startAll();
    assert.equal(again.get(raised.id)?.tier, "process", "remembered");
    assert.equal((await again.setOverrides(raised.id, { ownProcess: false })).tier, "isolate");
    assert.deepEqual(decisions(world), ["own process: yes", "own process: no"]);
    await world.runtime.setOverrides(raised.id, { ownProcess: false });
    assert.equal(decisions(world).length, 2, "what stands already is no decision");
  } finally {
    await world.close();
  }
});

test("a plugin with a process of its own cannot be lowered, and where plugins are confined nothing is to be overridden (§1.2.4, §1.4)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const world = await openWorld();
  try {
    const { id } = await world.runtime.stage(stranger(world), [PROVIDE]);
    await assert.rejects(world.runtime.setOverrides(id, { ownProcess: true }), { code: "bad_request" });
    await assert.rejects(world.runtime.setOverrides(id, { unconfined: true }), { code: "bad_request" });
    assert.equal((await world.runtime.setOverrides(id, { ownProcess: false })).tier, "process");
    assert.deepEqual(decisions(world), []);
  } finally {
    await world.close();
  }
});

test("where nothing can be confined a stranger's plugin runs by the operator's word, remembered for that version alone (§1.4)", async () => {
  const world = await openWorld(NO_SANDBOX);
  try {
    const blocked = await world.runtime.stage(stranger(world), [PROVIDE]);
    assert.deepEqual([blocked.state, blocked.reason?.reason], ["blocked_by_policy", "confinement_missing"]);
    const allowed = await world.runtime.setOverrides(blocked.id, { unconfined: true });
    assert.deepEqual([allowed.state, allowed.label, allowed.overrides.unconfined], ["active", "seat-belt", true]);
    await world.reopen();
    await world.runtime.startAll();
    assert.equal(world.runtime.get(blocked.id)?.state, "active", "remembered");
    const updated = await world.runtime.stage(stranger(world, "1.1.0"), [PROVIDE]);
    assert.deepEqual(
      [updated.version, updated.state],
      ["1.1.0", "blocked_by_policy"],
      "the next version waits for a word of its own",
    );
    assert.equal(updated.reason?.reason, "confinement_missing");
    assert.equal(updated.overrides.unconfined, false);
    assert.deepEqual(world.bus.names(), []);
    const confirmed = await world.runtime.setOverrides(blocked.id, { unconfined: true });
    assert.deepEqual([confirmed.version, confirmed.state], ["1.1.0", "active"]);
    assert.equal((await world.bus.call("dev.do")).output["version"], "1.1.0");
    const taken = await world.runtime.setOverrides(blocked.id, { unconfined: false });
    assert.deepEqual([taken.state, world.bus.names()], ["blocked_by_policy", []]);
    assert.deepEqual(decisions(world), ["unconfined: yes", "unconfined: yes", "unconfined: no"]);
  } finally {
    await world.close();
  }
});

test("whoever ran confined before is not let down by a word: the confinement is mended (§1.4)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const world = await openWorld();
  try {
    const { id } = await world.runtime.stage(stranger(world), [PROVIDE]);
    const lowered = await world.reopen(NO_SANDBOX);
    await lowered.startAll();
    await assert.rejects(lowered.setOverrides(id, { unconfined: true }), { reason: "confinement_lowered" });
    assert.equal(lowered.get(id)?.state, "blocked_by_policy");
  } finally {
    await world.close();
  }
});

test("without confinement a stranger's right to machine code, threads and SQLite opens nothing: they would end what is left of it (§1.3)", async () => {
  const world = await openWorld(NO_SANDBOX);
  try {
    const look = `exports.capabilities["dev.do@1.0"] = async () => ({ output: { argv: process.execArgv.join(" ") } });`;
    const release = writePackage(world.folder, { id: "dev/stranger", main: MAIN + look, capabilities: [{ name: "dev.do" }] });
    const rights = [
      allow("native", { mode: ["addon"] }),
      allow("storage.sqlite"),
      allow("proc.worker", { threads: true, workers: [] }),
    ];
    await world.runtime.stage(release, [PROVIDE, ...rights]);
    await world.runtime.setOverrides(release.id, { unconfined: true });
    const argv = (await world.bus.call("dev.do")).output["argv"] as string;
    assert.match(argv, /--permission/);
    assert.match(argv, /--no-addons/);
    assert.match(argv, /--no-experimental-sqlite/);
    assert.doesNotMatch(argv, /--allow-addons|--allow-worker/);
  } finally {
    await world.close();
  }
});

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import type { PluginStatus, StoredRelease } from "../../../src/contract/index.ts";
import { startTicks } from "../../../src/runtime/confine/index.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap, type World } from "../fixtures/world.ts";
import { guest, openIsolateWorld } from "./guests.ts";

const confined = hasBubblewrap();
let world: World;
before(async () => {
  if (confined) world = await openIsolateWorld();
});
after(async () => {
  if (confined) await world.close();
});

const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const skip = (t: TestContext): boolean => {
  if (!confined) t.skip("needs bubblewrap");
  return !confined;
};
const pidOf = (id: string): number | undefined => world.runtime.get(id)?.evidence?.pid;
const remove = async (...ids: string[]): Promise<void> => {
  for (const id of ids) await world.runtime.remove(id, { keepData: false });
};
const logged = (id: string): string =>
  world.runtime
    .logs(id, { limit: 50 })
    .map(({ message }) => message)
    .join("\n");

test("a plugin of tier isolate is offered, called, logged and labelled like any other; its evidence is its host's (§1.2)", async (t) => {
  if (skip(t)) return;
  const release = guest(world, {
    does: `ctx.log.info("asked", { by: req.caller.kind }); return { output: { n: await ctx.kv.increment("n"), label: ctx.plugin.label } };`,
  });
  const status = await world.runtime.stage(release, [PROVIDE, allow("storage.kv")]);
  assert.deepEqual(
    { state: status.state, tier: status.tier, label: status.label, offers: status.offers },
    { state: "active", tier: "isolate", label: "os", offers: [`${release.capability}@1.0`] },
  );
  assert.equal(status.evidence?.seccomp, 2);
  assert.deepEqual({ ...(await world.bus.call(release.capability)).output }, { n: 1, label: "os" });
  assert.match(logged(release.id), /asked {"by":"member"}/);
  await world.runtime.setGrants(release.id, [PROVIDE]);
  await assert.rejects(world.bus.call(release.capability), { code: "permission_denied" }, "a right that is gone is gone at once");
  await remove(release.id);
});

test("bytes come and go as bytes, larger than one frame carries inline", async (t) => {
  if (skip(t)) return;
  const release = guest(world, {
    does: `const sound = await req.binary("/input/sound").bytes(); return { output: { sound: sound.map((byte) => byte ^ 255) } };`,
  });
  await world.runtime.stage(release, [PROVIDE]);
  const sound = new Uint8Array(600_000).map((_, index) => index % 251);
  const { output } = await world.bus.call(release.capability, { input: { sound: sound as never } });
  assert.deepEqual(Buffer.from(output["sound"] as never), Buffer.from(sound.map((byte) => byte ^ 255)));
  await remove(release.id);
});

test("plugins of one publisher share a host, those of another do not; one that stops leaves the others, the last takes the host along", async (t) => {
  if (skip(t)) return;
  const [one, two] = [guest(world, { does: "return { output: {} };" }), guest(world, { does: "return { output: {} };" })];
  const other = guest(world, { does: "return { output: {} };", publisherKeyId: "a".repeat(64) });
  for (const release of [one, two, other]) await world.runtime.stage(release, [PROVIDE]);
  const shared = pidOf(one.id) ?? 0;
  assert.equal(pidOf(two.id), shared);
  assert.notEqual(pidOf(other.id), shared);
  await remove(one.id);
  await world.bus.call(two.capability);
  assert.equal(pidOf(two.id), shared);
  await remove(two.id);
  await until("no process is left when the last one has stopped", () => startTicks(shared) === null);
  await world.bus.call(other.capability);
  await remove(other.id);
});

test("a host takes 50 guests; the next one gets a host of its own (§1.2.5)", async (t) => {
  if (skip(t)) return;
  const releases = Array.from({ length: 51 }, () =>
    guest(world, { does: "return { output: {} };", publisherKeyId: "b".repeat(64) }),
  );
  const started = performance.now();
  const states: PluginStatus[] = [];
  for (const release of releases) states.push(await world.runtime.stage(release, [PROVIDE]));
  const pids = Map.groupBy(states, ({ evidence }) => evidence?.pid);
  assert.deepEqual(
    [...pids.values()].map((all) => all.length),
    [50, 1],
  );
  await until("the meter has looked", () => (world.runtime.get(releases[0]?.id ?? "")?.resources?.rssMb ?? 0) > 0);
  t.diagnostic(
    `51 started in ${Math.round(performance.now() - started)} ms; 50 isolates use ${world.runtime.get(releases[0]?.id ?? "")?.resources?.rssMb} MB together`,
  );
  await remove(...releases.map(({ id }) => id));
});

test("code that runs beyond its call's deadline ends with its isolate; its neighbours in the same host do not notice (A13)", async (t) => {
  if (skip(t)) return;
  const neighbour = guest(world, { does: "return { output: {} };" });
  const stuck = guest(world, { does: "await ctx.kv.get('x').catch(() => {}); for (;;);" });
  await world.runtime.stage(neighbour, [PROVIDE]);
  await world.runtime.stage(stuck, [PROVIDE]);
  const pid = pidOf(neighbour.id);
  const start = performance.now();
  await assert.rejects(world.bus.call(stuck.capability, { timeoutMs: 300 }));
  assert.ok(performance.now() - start < 2000);
  await until(
    "it is back",
    () => world.runtime.get(stuck.id)?.state === "active" && logged(stuck.id).includes("beyond the deadline"),
  );
  assert.equal(pidOf(neighbour.id), pid);
  await world.bus.call(neighbour.capability);
  await remove(neighbour.id, stuck.id);
});

test("neighbours are answered while the code of one does not come to an end", async (t) => {
  if (skip(t)) return;
  const neighbour = guest(world, { does: "return { output: {} };" });
  const stuck = guest(world, { does: "for (;;);" });
  await world.runtime.stage(neighbour, [PROVIDE]);
  await world.runtime.stage(stuck, [PROVIDE]);
  assert.equal(pidOf(neighbour.id), pidOf(stuck.id));
  let over = false;
  const ended = assert.rejects(world.bus.call(stuck.capability, { timeoutMs: 2000 })).finally(() => (over = true));
  for (let n = 0; n < 20; n += 1) await world.bus.call(neighbour.capability);
  assert.equal(over, false, "twenty calls of a neighbour are through before it is ended");
  await ended;
  await remove(neighbour.id, stuck.id);
});

for (const company of ["alone", "beside another"] as const)
  test(`code that goes down to the end of its stack and calls out from there is refused, and its isolate lives on: ${company}`, async (t) => {
    if (skip(t)) return;
    const neighbour = guest(world, { does: "return { output: {} };" });
    if (company !== "alone") await world.runtime.stage(neighbour, [PROVIDE]);
    const deep = guest(world, {
      does: `
        let words = 50;
        const down = () => {
          try { return down() + 1; } catch (error) { if (words-- > 0) ctx.log.debug("x"); throw error; }
        };
        try { return { output: { depth: down() } }; } catch (error) { return { output: { name: error.name } }; }`,
    });
    await world.runtime.stage(deep, [PROVIDE]);
    const pid = pidOf(deep.id);
    for (let n = 0; n < 3; n += 1)
      assert.deepEqual({ ...(await world.bus.call(deep.capability)).output }, { name: "RangeError" });
    assert.equal(pidOf(deep.id), pid);
    await remove(deep.id, ...(company === "alone" ? [] : [neighbour.id]));
  });

test("a loop that ignores the engine's own limit is ended from outside, with its host, at deadline + 100 ms (§1.2.5)", async (t) => {
  if (skip(t)) return;
  const stuck = guest(world, { does: "let b = 3n; for (;;) b = b * b;" });
  await world.runtime.stage(stuck, [PROVIDE]);
  const pid = pidOf(stuck.id) ?? 0;
  const start = performance.now();
  await assert.rejects(world.bus.call(stuck.capability, { timeoutMs: 500 }));
  await until("its host is gone", () => startTicks(pid) === null);
  const ms = Math.round(performance.now() - start);
  t.diagnostic(`stuck call and its host ended after ${ms} ms at a deadline of 500 ms`);
  assert.ok(ms < 2500, `${ms}`);
  await until("it is back", () => world.runtime.get(stuck.id)?.state === "active" && pidOf(stuck.id) !== pid);
  assert.match(logged(stuck.id), /did not answer within \d+ ms after a deadline|MB of memory/);
  await remove(stuck.id);
});

test("a slow call that waits is cancelled at its deadline like any other; nothing is ended for it", async (t) => {
  if (skip(t)) return;
  const release = guest(world, {
    // Longer than nothing, as tidying up is: the word that the deadline has passed comes after it.
    does: `await new Promise((_, reject) => req.signal.addEventListener("abort", () => {
      for (const end = Date.now() + 20; Date.now() < end; );
      reject(req.signal.reason);
    }));`,
  });
  await world.runtime.stage(release, [PROVIDE]);
  const pid = pidOf(release.id);
  await assert.rejects(world.bus.call(release.capability, { timeoutMs: 200 }), { code: "timeout" });
  await assert.rejects(world.bus.call(release.capability, { timeoutMs: 200 }), { code: "timeout" });
  assert.equal(pidOf(release.id), pid);
  assert.equal(world.runtime.get(release.id)?.state, "active");
  await remove(release.id);
});

test("a new release on trial has a process of its own: one that does not start takes nobody along, one that serves takes over", async (t) => {
  if (skip(t)) return;
  const [old, neighbour] = [
    guest(world, { does: `return { output: { v: 1 } };` }),
    guest(world, { does: "return { output: {} };" }),
  ];
  for (const release of [old, neighbour]) await world.runtime.stage(release, [PROVIDE]);
  const shared = pidOf(old.id);
  const next = (version: string, parts: { setup?: string; does: string }): StoredRelease =>
    guest(world, { ...parts, id: old.id, version, capability: old.capability });
  const broken = next("1.1.0", { setup: `throw new Error("not today");`, does: "return { output: {} };" });
  await assert.rejects(world.runtime.stage(broken, [PROVIDE]), { reason: "start_failed" });
  assert.deepEqual([pidOf(old.id), pidOf(neighbour.id)], [shared, shared]);
  assert.deepEqual({ ...(await world.bus.call(old.capability)).output }, { v: 1 });
  await world.runtime.stage(next("1.2.0", { does: "return { output: { v: 2 } };" }), [PROVIDE]);
  assert.deepEqual({ ...(await world.bus.call(old.capability)).output }, { v: 2 });
  assert.notEqual(pidOf(old.id), shared);
  assert.equal(pidOf(neighbour.id), shared);
  await remove(old.id, neighbour.id);
});

test("what does not load says why in the plugin's own log", async (t) => {
  if (skip(t)) return;
  for (const [top, why] of [
    [`throw new Error("cannot");`, /Error: cannot/],
    ["const = 1;", /SyntaxError/],
    [`import "node:fs";`, /can import nothing, not even node:fs/],
  ] as const) {
    const release = guest(world, { top, does: "return { output: {} };" });
    const status = await world.runtime.stage(release, [PROVIDE]);
    assert.equal(status.reason?.reason, "start_failed", top);
    assert.match(logged(release.id), why);
    await remove(release.id);
  }
});

test("a node with an engine that lets code out starts no isolate and says so (A18)", async (t) => {
  if (skip(t)) return;
  const isolateEngineDir = join(world.folder, "old-engine");
  mkdirSync(isolateEngineDir, { recursive: true });
  writeFileSync(join(isolateEngineDir, "package.json"), JSON.stringify({ version: "7.0.0" }));
  const old = await openIsolateWorld({ isolateEngineDir });
  t.after(() => old.close());
  const release = guest(old, { does: "return { output: {} };" });
  const status = await old.runtime.stage(release, [PROVIDE]);
  assert.equal(status.state, "incompatible");
  assert.equal(status.reason?.reason, "incompatible");
  assert.match(status.reason?.message ?? "", /isolated-vm 7\.0\.0 is installed; anything below 7\.0\.1 lets code escape/);
  assert.deepEqual(old.bus.names(), []);
});

test("the operator may give it a process of its own; the same bundle runs there", async (t) => {
  if (skip(t)) return;
  const id = "dev/raised";
  const raised = await openIsolateWorld({ ownProcess: [id] });
  t.after(() => raised.close());
  const release = guest(raised, { id, does: "return { output: { node: typeof process } };" });
  const status = await raised.runtime.stage(release, [PROVIDE]);
  assert.deepEqual([status.state, status.tier], ["active", "process"]);
  assert.equal((await raised.bus.call(release.capability)).output["node"], "object");
});

test("without a sandbox no isolate runs, not even a first-party one: the engine is no confinement (§1.4)", async (t) => {
  if (skip(t)) return;
  const bare = await openIsolateWorld({ path: "/nowhere", systemPath: false });
  t.after(() => bare.close());
  const status = await bare.runtime.stage(guest(bare, { does: "return { output: {} };", embeddedRoot: true }), [PROVIDE]);
  assert.deepEqual([status.state, status.reason?.reason], ["blocked_by_policy", "confinement_missing"]);
});

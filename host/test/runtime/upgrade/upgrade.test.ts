import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test, type TestContext } from "node:test";
import type { BusChange } from "../../../src/contract/index.ts";
import { Journal } from "../../../src/runtime/journal/index.ts";
import { ManagedPlugin } from "../../../src/runtime/supervise/index.ts";
import { until } from "../../support/until.ts";
import { alive, COUNT, GRANTS, ID, openUpgradeWorld, SAY, versioned, type UpgradeWorld } from "../fixtures/upgrade-world.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";

const confined = hasBubblewrap();
const HOUR = 3_600_000;
/** A version with dots. */
const ANSWER = JSON.stringify({
  type: "object",
  properties: { output: { type: "object", properties: { version: { type: "string", minLength: 5 } } } },
});
let world: UpgradeWorld;
before(async () => {
  if (confined) world = await openUpgradeWorld({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
});
after(async () => {
  if (confined) await world.close();
});
afterEach(async () => {
  if (!confined) return;
  world.openGate();
  if (world.runtime.get(ID) !== undefined) await remove();
});
const skip = (t: TestContext): boolean => {
  if (!confined) t.skip("needs bubblewrap");
  return !confined;
};
const make: (version: string, o?: Parameters<typeof versioned>[2]) => ReturnType<typeof versioned> = (version, o = {}) =>
  versioned(world.folder, version, o);
const remove = (): Promise<void> => world.runtime.remove(ID, { keepData: false });
const next = async (stream: ReturnType<UpgradeWorld["stream"]>): Promise<string> => JSON.stringify((await stream.next()).value);
const said = (): string =>
  world.runtime
    .logs(ID, { limit: 50 })
    .map(({ message }) => message)
    .join("\n");

test("a new release takes over in one step: what runs and what is in conversation stays with the former one, new calls go to the new one (§6.4)", async (t) => {
  if (skip(t)) return;
  await world.runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  const running = world.call(SAY, { wait: true });
  const stream = world.stream({ wait: true });
  assert.equal(await next(stream), '{"event":"progress","data":{"version":"1.0.0"}}');
  await world.call(SAY, {}, { session: "talk" });
  await until("both stand at the gate", () => world.waiting() === 2);
  const changes: BusChange[] = [];
  const stop = world.real.onChange((change) => changes.push(change));
  const status = await world.runtime.stage(make("1.1.0"), GRANTS);
  stop();
  assert.deepEqual(changes, [], "unchanged offers announce nothing");
  assert.deepEqual([status.version, status.state, status.offers.length], ["1.1.0", "active", 3]);
  assert.notEqual(world.pid(), first);
  assert.equal((await world.call(SAY))["version"], "1.1.0");
  assert.equal((await world.call(SAY, {}, { session: "talk" }))["version"], "1.0.0", "its conversation stays");
  assert.equal((await world.call(SAY, {}, { session: "other" }))["version"], "1.1.0");
  const rest = next(stream);
  world.openGate();
  assert.equal((await running)["version"], "1.0.0");
  assert.equal(await rest, '{"event":"progress","data":{"version":"1.0.0"}}');
  assert.equal(await next(stream), '{"version":"1.0.0"}');
  assert.match(said(), /1\.1\.0 has taken over from 1\.0\.0; the switch took \d+ µs/);
  assert.ok(alive(first), "it is at hand while the new one is on probation");
  await remove();
  assert.ok(!alive(first), "nothing of it is left");
});

test("the former release ends when probation is over and its calls have ended, not before", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: 0 } });
  await runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  const running = world.call(SAY, { wait: true });
  await until("the call runs", () => world.waiting() === 1);
  await runtime.stage(make("1.1.0"), GRANTS);
  for (let n = 0; n < 50; n += 1) assert.equal((await world.call(SAY))["version"], "1.1.0");
  assert.ok(alive(first));
  world.openGate();
  assert.equal((await running)["version"], "1.0.0");
  await until("the former one is gone", () => !alive(first));
  assert.deepEqual(
    runtime.kept(ID).map(({ release }) => release.version),
    ["1.0.0"],
  );
});

test("what still runs on the former release when its time is over is cut off, and nothing of it is left", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: 200, probationMs: 50 } });
  await runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  const running = world.call(SAY, { wait: true });
  const outcome = running.catch((error: unknown) => (error as { code: string }).code);
  await until("the call runs", () => world.waiting() === 1);
  await runtime.stage(make("1.1.0"), GRANTS);
  assert.equal(await outcome, "plugin_gone");
  await until("the former one is gone", () => !alive(first));
  world.openGate();
});

for (const [what, parts, reason] of [
  ["does not start", { setup: `throw new Error("broken");` }, "start_failed"],
  ["does not register what is served now", { setup: `ctx.op = async () => ({});` }, "probe_failed"],
  ["reports a problem", { setup: `await ctx.op("health.report", { ok: false, detail: "no model" });` }, "probe_failed"],
] as const) {
  test(`a release that ${what} leaves the former one serving, untouched, and says why (§6.2)`, async (t) => {
    if (skip(t)) return;
    const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
    await runtime.stage(make("1.0.0"), GRANTS);
    const first = world.pid();
    await assert.rejects(runtime.stage(make("1.1.0", parts), [...GRANTS].slice(0, 2)), {
      code: "plugin_gone",
      reason,
      message: /1\.0\.0 runs on/,
    });
    assert.deepEqual([world.pid(), runtime.get(ID)?.version, runtime.get(ID)?.state], [first, "1.0.0", "active"]);
    assert.equal((await world.call(SAY))["version"], "1.0.0");
    assert.equal(runtime.grants(ID).length, 3, "its rights are as they were");
    assert.deepEqual(runtime.kept(ID), []);
  });
}

test("a release that ends just before it would take over leaves the former one serving, and no probation behind", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
  await runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  const { intent, unfinished, unstage } = Journal.prototype;
  const { get } = Object.getOwnPropertyDescriptor(ManagedPlugin.prototype, "running") as { get: () => boolean };
  let flipping = false;
  t.mock.method(Journal.prototype, "intent", function (this: Journal, op: Parameters<typeof intent>[0]) {
    flipping ||= op.step === "flip";
    return intent.call(this, op);
  });
  t.mock.getter(ManagedPlugin.prototype, "running", function (this: ManagedPlugin) {
    return get.call(this) && !(flipping && this.release.version === "1.1.0");
  });
  const left: string[] = [];
  t.mock.method(Journal.prototype, "unstage", function (this: Journal, ...which: Parameters<typeof unstage>) {
    left.push(...unfinished.call(this).map(({ step }) => step));
    unstage.apply(this, which);
  });
  const reason = { code: "plugin_gone", reason: "start_failed", message: /1\.0\.0 runs on.*ended before it served/ };
  await assert.rejects(runtime.stage(make("1.1.0"), GRANTS), reason);
  assert.ok(flipping);
  assert.deepEqual([world.pid(), runtime.get(ID)?.version, runtime.get(ID)?.state], [first, "1.0.0", "active"]);
  assert.equal((await world.call(SAY))["version"], "1.0.0");
  assert.deepEqual(left, [], "every step is closed");
});

test("a third release starts once the first has left, if that has nothing to finish; a call that it still has holds nobody up", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
  const { processStarted } = Journal.prototype;
  const beside: boolean[] = [];
  let first = 0;
  t.mock.method(Journal.prototype, "processStarted", function (this: Journal, row: Parameters<typeof processStarted>[0]) {
    beside.push(first > 0 && alive(first));
    processStarted.call(this, row);
  });
  await runtime.stage(make("1.0.0"), GRANTS);
  await runtime.stage(make("1.1.0"), GRANTS);
  first = world.pid();
  await runtime.stage(make("1.2.0"), GRANTS);
  const running = world.call(SAY, { wait: true });
  await until("the call runs", () => world.waiting() === 1);
  await runtime.stage(make("1.3.0"), GRANTS);
  assert.deepEqual(beside, [false, false, true, false], "1.1.0 serves while 1.2.0 starts, and is gone when 1.3.0 does");
  first = 0;
  await runtime.stage(make("1.4.0"), GRANTS);
  world.openGate();
  assert.equal((await running)["version"], "1.2.0");
});

test("a release that fails more often than the one before goes back by itself; calls that may be done twice never notice (§6.4.5)", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
  await runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  await runtime.stage(make("2.0.0", { bad: `if (input.n % 4 === 0) throw new Error("worse");` }), GRANTS);
  const second = world.pid();
  const versions = new Set<string>();
  for (let n = 0; runtime.get(ID)?.version === "2.0.0" && n < 40; n += 1)
    versions.add(JSON.stringify(await world.call(SAY, { n })));
  assert.deepEqual([...versions].toSorted(), ['{"version":"1.0.0"}', '{"version":"2.0.0"}']);
  assert.deepEqual([runtime.get(ID)?.version, runtime.get(ID)?.state, world.pid()], ["1.0.0", "active", first]);
  assert.match(said(), /2\.0\.0 is not kept: 5 of its first 20 calls failed; before it were 0 of 0\. 1\.0\.0 comes back/);
  await until("the bad one is gone", () => !alive(second));
  assert.deepEqual(runtime.kept(ID), [], "nobody goes back to it by mistake");
});

test("a release whose answers break its own description goes back as well", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
  const strict = { files: { "schema.json": JSON.stringify({ type: "object" }), "answer.json": ANSWER } };
  const capabilities = [SAY, "ext.dev.flow", COUNT].map((name) => ({ name, response: "answer.json", stream: "schema.json" }));
  await runtime.stage(make("1.0.0", { ...strict, capabilities }), GRANTS);
  await runtime.stage(make("2", { ...strict, capabilities }), GRANTS);
  for (let n = 0; n < 20; n += 1)
    await assert.rejects(world.call(SAY), { code: "internal_error", message: /its own description/ });
  assert.equal((await world.call(SAY))["version"], "1.0.0");
  assert.equal(runtime.get(ID)?.version, "1.0.0");
});

test("a release that dies on probation gives way at once; work with an effect is not done twice", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: HOUR, probationMs: HOUR } });
  await runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  await runtime.stage(make("2.0.0", { bad: `if (input.die) process.exit(7);` }), GRANTS);
  const effect = world.call(COUNT, { wait: true });
  const outcome = effect.catch((error: unknown) => (error as { code: string }).code);
  await until("it runs", () => world.waiting() === 1);
  const changes: BusChange[] = [];
  const stop = world.real.onChange((change) => changes.push(change));
  assert.equal((await world.call(SAY, { die: true }))["version"], "1.0.0", "it is asked of the former one");
  stop();
  assert.deepEqual(changes, [], "its offers were never away");
  assert.equal(await outcome, "plugin_gone");
  assert.deepEqual([runtime.get(ID)?.version, world.pid()], ["1.0.0", first]);
  world.openGate();
  assert.equal((await world.call(COUNT))["version"], "1.0.0");
});

test("going back: to a kept release with the rights it had, less what was taken since; anything else is refused with what is kept (§6.4.6)", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: 0, probationMs: 0 } });
  await runtime.stage(make("1.0.0"), GRANTS);
  await assert.rejects(runtime.rollback(ID, {}), { code: "not_found", reason: "not_kept", message: /No former version is/ });
  await runtime.stage(make("1.1.0"), GRANTS.slice(0, 2));
  await runtime.stage(make("1.2.0"), [...GRANTS.slice(0, 1), { ...GRANTS[1]!, mode: "deny" }]);
  await assert.rejects(runtime.rollback(ID, { version: "0.9.0" }), { reason: "not_kept", message: /Kept: 1\.1\.0, 1\.0\.0/ });
  assert.equal((await runtime.rollback(ID, { version: "1.0.0" })).version, "1.0.0");
  assert.equal((await world.call(SAY))["version"], "1.0.0");
  assert.deepEqual(
    runtime.grants(ID).map(({ permission, mode }) => `${permission} ${mode}`),
    ["bus.provide allow", "storage.kv allow", "bus.call deny"],
  );
  assert.equal((await runtime.rollback(ID, {})).version, "1.2.0", "the newest kept one by default");
});

for (const [what, bad] of [
  ["does not start again after a restart of the node", `require("fs").existsSync("/plugin/broken") && process.exit(1);`],
  ["fails after a restart of the node", ""],
] as const) {
  test(`a release on probation that ${what} goes back as well`, async (t) => {
    if (skip(t)) return;
    const times = { upgradeTimes: { drainMs: 0, probationMs: HOUR } };
    const runtime = await world.reopen(times);
    await runtime.stage(make("1.0.0"), GRANTS);
    const next = make("2.0.0", { setup: bad, bad: `throw new Error("worse");` });
    await runtime.stage(next, GRANTS);
    if (bad !== "") writeFileSync(join(next.dir, "broken"), "");
    const again = await world.reopen(times);
    await again.startAll();
    for (let n = 0; bad === "" && n < 20; n += 1) await assert.rejects(world.call(SAY), { code: "internal_error" });
    await until("the former one is back", () => again.get(ID)?.version === "1.0.0" && again.get(ID)?.state === "active");
    assert.equal((await world.call(SAY))["version"], "1.0.0");
    assert.deepEqual(again.kept(ID), []);
    const third = await world.reopen(times);
    await third.startAll();
    assert.equal((await world.call(SAY))["version"], "1.0.0");
  });
}

test("the operator's acts end a probation: what was chosen by hand is not taken back", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: 0, probationMs: HOUR } });
  await runtime.stage(make("1.0.0"), GRANTS);
  const first = world.pid();
  await runtime.stage(make("2.0.0", { bad: `throw new Error("worse");` }), GRANTS);
  await runtime.restart(ID);
  assert.ok(!alive(first));
  for (let n = 0; n < 25; n += 1) await assert.rejects(world.call(SAY), { code: "internal_error" });
  assert.equal(runtime.get(ID)?.version, "2.0.0");
});

test("that a version waits for consent is shown, also after a restart of the node, until another one is active (§3.4.2)", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { drainMs: 0, probationMs: 0 } });
  await runtime.stage(make("1.0.0"), GRANTS);
  assert.equal(runtime.get(ID)?.needsConsent, false);
  runtime.awaitConsent(ID, "1.1.0");
  const again = await world.reopen();
  await again.startAll();
  assert.deepEqual([again.get(ID)?.needsConsent, again.get(ID)?.state, again.get(ID)?.version], [true, "active", "1.0.0"]);
  assert.equal((await again.stage(make("1.1.0"), GRANTS)).needsConsent, false);
  assert.ok(again.ledger(100).chainOk);
  await again.rollback(ID, {});
  assert.ok(
    again.ledger(100).rows.some(({ op, target }) => op === "rollback" && target === "1.0.0"),
    "it stands in the ledger",
  );
});

const DATA = [...GRANTS, allow("fs.data")];
/** Starts only when the test lets it, through the gate. */
const SLOW = `await new Promise((resolve) => { const look = () => (require("fs").existsSync("/plugin/go") ? resolve() : setTimeout(look, 5)); look(); });`;

test("two releases that would write one folder: calls wait at the fence until the new one has its data, in order and once each (§6.4.2 c)", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen({ upgradeTimes: { fenceMs: HOUR } });
  await runtime.stage(make("1.0.0"), DATA);
  const first = world.pid();
  const running = world.call(SAY, { wait: true });
  await until("a call runs", () => world.waiting() === 1);
  const changes: BusChange[] = [];
  const stop = world.real.onChange((change) => changes.push(change));
  const next = make("2.0.0", { main: `exports.open = async () => { ${SLOW} };` });
  const staged = runtime.stage(next, DATA);
  await until("the former one is asked to leave", () => runtime.get(ID)?.state === "draining");
  const waiting = [world.call(SAY), world.call(COUNT, { key: "once" }), world.stream({}).next()];
  world.openGate();
  assert.equal((await running)["version"], "1.0.0", "what ran ends where it began");
  await until("the former one is gone", () => !alive(first));
  writeFileSync(join(next.dir, "go"), "");
  assert.equal((await staged).version, "2.0.0");
  const answers = (await Promise.all(waiting)).map((answer) => JSON.stringify(answer));
  for (const answer of answers) assert.match(answer, /2\.0\.0/);
  stop();
  assert.deepEqual(changes, [], "its offers were never away");
  assert.equal((await world.call(SAY))["version"], "2.0.0");
});

test("where the author wants it, the former release stops first: callers are told when to come again, and a new one that does not start gives way (§6.4.7)", async (t) => {
  if (skip(t)) return;
  const runtime = await world.reopen();
  const strategy = { manifest: { update: { strategy: "stop-first" as const } } };
  await runtime.stage(make("1.0.0", strategy), GRANTS);
  const next = make("2.0.0", { ...strategy, setup: SLOW });
  const staged = runtime.stage(next, GRANTS);
  await until("the former one is gone", () => runtime.get(ID)?.state === "stopped");
  await assert.rejects(
    world.call(SAY),
    (error: { code: string; retryAfterMs: number }) => error.code === "capacity_exceeded" && error.retryAfterMs === 1000,
  );
  writeFileSync(join(next.dir, "go"), "");
  await staged;
  assert.equal((await world.call(SAY))["version"], "2.0.0");
  await assert.rejects(runtime.stage(make("3.0.0", { ...strategy, setup: `throw new Error("broken");` }), GRANTS), {
    reason: "start_failed",
  });
  assert.equal((await world.call(SAY))["version"], "2.0.0");
  assert.equal((await runtime.rollback(ID, {})).version, "1.0.0", "what never ran is not kept");
});

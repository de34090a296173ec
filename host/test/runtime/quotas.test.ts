import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HnError, ManualClock } from "../../src/foundation/index.ts";
import { allow, hasBubblewrap, openWorld, writePackage, type World } from "./fixtures/world.ts";

const confined = hasBubblewrap();
const ID = "dev/eager";
let world: World;
before(async () => {
  if (!confined) return;
  world = await openWorld();
  world.bus.answers["llm.chat"] = async () => ({ tokens_in: 10, tokens_out: 90 });
  world.bus.answers["trans.text"] = async () => ({});
  const release = writePackage(world.folder, {
    id: ID,
    capabilities: [{ name: "dev.do" }],
    manifest: { limits: { callsPerMinute: 20 } },
    main: `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };
exports.capabilities = { "dev.do@1.0": async (req, ctx) => {
  const came = {};
  for (let n = 0; n < req.input.times; n += 1)
    try { await ctx.op("bus.call", { cap: req.input.cap, body: {} }); came.ok = (came.ok ?? 0) + 1; }
    catch (e) { const name = e.code + " " + e.reason; came[name] = (came[name] ?? 0) + 1; }
  return { output: came };
} };`,
  });
  const grants = [
    allow("bus.provide", { prefixes: ["dev."] }),
    allow("bus.call", { capabilities: ["trans.text@1"], own: true }),
    allow("bus.call", { capabilities: ["llm.chat@2"], own: true, tokensPerMin: 250 }),
  ];
  const status = await world.runtime.stage(release, grants);
  assert.equal(status.state, "active", JSON.stringify(status.reason));
});
after(async () => {
  if (confined) await world.close();
});

test("tokens that answers cost are counted, and calls beyond the grant's number are refused (§7 tokensPerMin)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const { output } = await world.bus.call("dev.do", { input: { cap: "llm.chat@2", times: 5 } });
  assert.deepEqual({ ...output }, { ok: 3, "quota_exceeded tokens_per_minute": 2 });
});

test("a plugin calls others 600 times a minute and not once more; that it tried is in the ledger (§7, §8.1)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const { output } = await world.bus.call("dev.do", { input: { cap: "trans.text@1", times: 700 } });
  assert.equal(output["ok"], 600 - 3, "three were spent before");
  assert.equal(output["quota_exceeded calls_per_minute"], 103);
  const rows = world.runtime.ledger(500).rows.filter(({ plugin, verdict }) => plugin === ID && verdict === "quota");
  assert.equal(
    rows.reduce((sum, { count }) => sum + count, 0),
    103 + 2,
  );
  assert.ok(rows.every(({ op, target }) => op === "bus.call" && ["trans.text@1", "llm.chat@2"].includes(target)));
});

test("a plugin is called as often a minute as its limit says, also when it was started anew meanwhile (§7)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const input = { cap: "trans.text@1", times: 0 };
  for (let n = 2; n < 10; n += 1) await world.bus.call("dev.do", { input });
  await world.runtime.restart(ID);
  for (let n = 10; n < 20; n += 1) await world.bus.call("dev.do", { input });
  const error = await world.bus.call("dev.do", { input }).then(() => null, HnError.from);
  assert.equal(error?.code, "rate_limited");
  assert.ok((error?.retryAfterMs ?? 0) > 0);
});

test("threads without end are no way around the limit of tasks: the plugin ends at once, and says why (§7 pids, A08)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const id = "dev/many";
  const release = writePackage(world.folder, {
    id,
    capabilities: [{ name: "dev.many" }],
    manifest: { limits: { memoryMb: 1024 } },
    main: `
const { Worker } = require("node:worker_threads");
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.many@1.0", params: {} }); };
exports.capabilities = { "dev.many@1.0": async () => {
  for (let n = 0; n < 30; n += 1) new Worker("setInterval(() => {}, 1000)", { eval: true });
  await new Promise(() => {});
} };`,
  });
  const grants = [allow("bus.provide", { prefixes: ["dev."] }), allow("proc.worker", { workers: [], threads: true })];
  assert.equal((await world.runtime.stage(release, grants)).state, "active");
  const gone = world.bus.call("dev.many").then(() => null, HnError.from);
  assert.equal((await gone)?.code, "plugin_gone");
  // Below an ordinary user the kernel refuses the threads, and Node gives up; below root the meter counts.
  if (process.getuid?.() === 0)
    assert.ok(
      world.runtime
        .logs(id, { limit: 50 })
        .some(({ message }) => /^It had \d+ processes and threads; its limit is 32\./.test(message)),
      JSON.stringify(world.runtime.logs(id, { limit: 50 })),
    );
  await world.runtime.remove(id, { keepData: false });
});

test("a plugin that uses all of its processor time for a minute is degraded, and says why, until it no longer does (§7 cpu)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const clock = new ManualClock();
  let used = 0;
  let share = 1;
  const measure = { residentBytes: () => 0, cpuMs: () => used, tasks: () => 1, lowerPriority: () => {} };
  const busy = await openWorld({ clock, measure });
  t.after(() => busy.close());
  const release = writePackage(busy.folder, {
    id: "dev/busy",
    capabilities: [{ name: "dev.busy" }],
    main: `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.busy@1.0", params: {} }); };
exports.capabilities = { "dev.busy@1.0": async () => ({ output: {} }) };`,
  });
  assert.equal((await busy.runtime.stage(release, [allow("bus.provide", { prefixes: ["dev."] })])).state, "active");
  const run = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds; n += 1) {
      used += share * 1000;
      clock.advance(1000);
      // Its answer comes after the one to the ping of this second.
      await busy.bus.call("dev.busy");
    }
  };
  await run(60);
  assert.equal(busy.runtime.get("dev/busy")?.state, "active");
  await run(3);
  const { state, reason } = busy.runtime.get("dev/busy") ?? {};
  assert.deepEqual([state, reason?.error, reason?.reason], ["degraded", "quota_exceeded", "cpu_limit"]);
  share = 0;
  await run(1);
  assert.deepEqual([busy.runtime.get("dev/busy")?.state, busy.runtime.get("dev/busy")?.reason], ["active", null]);
});

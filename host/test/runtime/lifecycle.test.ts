import assert from "node:assert/strict";
import { existsSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import type { StoredRelease } from "../../src/contract/index.ts";
import { startTicks } from "../../src/runtime/confine/index.ts";
import { allow, hasBubblewrap, openWorld, writePackage, type PackageParts, type World } from "./fixtures/world.ts";
import { until } from "../support/until.ts";

const confined = hasBubblewrap();
let world: World;
before(async () => {
  if (confined) world = await openWorld();
});
after(async () => {
  if (confined) await world.close();
});

const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const REGISTER = `exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };`;
let counter = 0;

function make(parts: Partial<PackageParts> & { handler?: string } = {}): StoredRelease {
  const main = `${REGISTER}\nexports.capabilities = { "dev.do@1.0": ${parts.handler ?? "async () => ({ output: {} })"} };\n${parts.main ?? ""}`;
  return writePackage(world.folder, { id: `dev/life-${(counter += 1)}`, capabilities: [{ name: "dev.do" }], ...parts, main });
}

const skip = (t: TestContext): boolean => {
  if (!confined) t.skip("needs bubblewrap");
  return !confined;
};

test("a plugin that dies is restarted at once, calls under way fail with plugin_gone (§6.1)", async (t) => {
  if (skip(t)) return;
  const release = make({ handler: "async () => process.exit(9)" });
  const status = await world.runtime.stage(release, [PROVIDE]);
  await assert.rejects(world.bus.call("dev.do"), { code: "plugin_gone" });
  // Its calls end with its socket, and that may be a moment before its process.
  await until("the log says how it ended", () =>
    world.runtime.logs(release.id, { limit: 20 }).some(({ message }) => message.includes("exit code 9")),
  );
  await until("it is restarted", () => {
    const now = world.runtime.get(release.id);
    return now?.state === "active" && now.evidence !== null && now.evidence.pid !== status.evidence?.pid;
  });
  await world.runtime.remove(release.id, { keepData: false });
});

test("a plugin that never starts is left alone after three attempts, also after a restart of the node, until the operator resets it (A17)", async (t) => {
  if (skip(t)) return;
  const release = make({ main: `throw new Error("cannot");` });
  const first = await world.runtime.stage(release, [PROVIDE]);
  assert.equal(first.state, "backoff");
  assert.equal(first.reason?.reason, "start_failed");
  await until("three attempts at 0 and 1 s are over", () => world.runtime.get(release.id)?.state === "crash_looped", 8000);
  assert.equal(world.runtime.get(release.id)?.reason?.reason, "crash_looped");
  const runtime = await world.reopen();
  await runtime.startAll();
  assert.equal(runtime.get(release.id)?.state, "crash_looped");
  assert.equal((await runtime.enable(release.id)).state, "backoff", "the operator's reset lets it try again");
  await runtime.remove(release.id, { keepData: false });
});

test("a plugin that blocks its event loop is ended as hung within 5 s (A13)", async (t) => {
  if (skip(t)) return;
  const release = make({ handler: "async () => { for (;;); }" });
  await world.runtime.stage(release, [PROVIDE]);
  const start = performance.now();
  await assert.rejects(world.bus.call("dev.do", { timeoutMs: 300 }), { code: "timeout" });
  assert.ok(performance.now() - start < 700, "deadline + 200 ms of grace");
  await until(
    "it is found hung",
    () => world.runtime.logs(release.id, { limit: 20 }).some(({ message }) => message.includes("did not answer")),
    7000,
  );
  t.diagnostic(`hung process ended after ${Math.round(performance.now() - start)} ms`);
  await world.runtime.remove(release.id, { keepData: false });
});

test("a plugin beyond its memory is ended within a second and comes back (A12)", async (t) => {
  if (skip(t)) return;
  const release = make({
    handler: "async () => { const all = []; for (;;) { all.push(Buffer.alloc(4 << 20, 1)); await new Promise(setImmediate); } }",
    manifest: { limits: { memoryMb: 160 } },
  });
  const status = await world.runtime.stage(release, [PROVIDE]);
  const start = performance.now();
  await assert.rejects(world.bus.call("dev.do"), { code: "plugin_gone" });
  const ms = Math.round(performance.now() - start);
  t.diagnostic(`memory hog ended after ${ms} ms`);
  assert.ok(ms < 1500);
  await until(
    "it is restarted",
    () =>
      world.runtime.get(release.id)?.state === "active" && world.runtime.get(release.id)?.evidence?.pid !== status.evidence?.pid,
  );
  assert.ok(world.runtime.logs(release.id, { limit: 20 }).some(({ message }) => message.includes("its limit is 160 MB")));
  await world.runtime.remove(release.id, { keepData: false });
});

test("a plugin that ignores stop is ended at shutdownMs + 100 ms (A16)", async (t) => {
  if (skip(t)) return;
  const release = make({ main: `process.on("exit", () => { for (;;); });`, manifest: { limits: { shutdownMs: 400 } } });
  const status = await world.runtime.stage(release, [PROVIDE]);
  const pid = status.evidence!.pid;
  const start = performance.now();
  await world.runtime.disable(release.id);
  const ms = performance.now() - start;
  t.diagnostic(`ended after ${Math.round(ms)} ms at 400 ms`);
  assert.ok(ms >= 390 && ms < 600, `${ms}`);
  await until("no orphan is left", () => startTicks(pid) === null);
  assert.equal(world.runtime.get(release.id)?.state, "stopped");
  await assert.rejects(world.runtime.restart(release.id), { reason: "disabled" });
  await world.runtime.remove(release.id, { keepData: false });
});

test("a new version takes over; one that does not start is taken back and the old one runs on", async (t) => {
  if (skip(t)) return;
  const id = "dev/updated";
  const versioned = (version: string, main = ""): StoredRelease =>
    make({ id, version, handler: `async () => ({ output: { version: "${version}" } })`, main });
  await world.runtime.stage(versioned("1.0.0"), [PROVIDE]);
  const second = await world.runtime.stage(versioned("1.1.0"), [PROVIDE]);
  assert.equal(second.version, "1.1.0");
  assert.equal((await world.bus.call("dev.do")).output["version"], "1.1.0");
  assert.equal(world.bus.offers.length, 1);
  await assert.rejects(world.runtime.stage(versioned("1.2.0", `throw new Error("broken");`), [PROVIDE]), {
    reason: "start_failed",
  });
  assert.equal(world.runtime.get(id)?.version, "1.1.0");
  assert.equal(world.runtime.get(id)?.state, "active");
  assert.equal((await world.bus.call("dev.do")).output["version"], "1.1.0");
  await assert.rejects(world.runtime.stage({ ...versioned("1.3.0"), publisherKeyId: "f".repeat(64) }, [PROVIDE]), {
    code: "unauthorized",
  });
  await world.runtime.remove(id, { keepData: false });
});

test("releases, grants, settings and data survive a restart of the node; a disabled plugin stays off (§6.2)", async (t) => {
  if (skip(t)) return;
  const release = make({
    handler: `async (req, ctx) => { const fs = require("fs"); const before = fs.existsSync("/data/x") ? fs.readFileSync("/data/x", "utf8") : null; fs.writeFileSync("/data/x", "kept"); return { output: { before, config: ctx.facts.config, kv: await ctx.op("kv.increment", { key: "n" }) } }; }`,
    manifest: {
      config: {
        schema: {
          type: "object",
          additionalProperties: false,
          properties: { dpi: { type: "integer", minimum: 72, default: 300 }, key: { type: "string", "x-secret": true } },
        },
        secrets: ["/key"],
      },
    },
  });
  const off = make({ id: "dev/switched-off" });
  await world.runtime.stage(release, [PROVIDE, allow("fs.data"), allow("storage.kv")]);
  await world.runtime.stage(off, [PROVIDE]);
  await world.runtime.disable(off.id);
  const call = async (): Promise<unknown> => JSON.parse(JSON.stringify((await world.bus.call("dev.do")).output));
  assert.deepEqual(await call(), { before: null, config: { dpi: 300 }, kv: { value: 1 } });
  await assert.rejects(world.runtime.setConfig(release.id, { dpi: 3 }, {}), { code: "schema_mismatch" });
  assert.deepEqual(await world.runtime.setConfig(release.id, { dpi: 600 }, { "/key": "s3cret" }), { result: "restart" });
  const runtime = await world.reopen();
  await runtime.startAll();
  assert.deepEqual(await call(), { before: "kept", config: { dpi: 600, key: { secret: true } }, kv: { value: 2 } });
  assert.equal(runtime.get(off.id)?.state, "staged");
  assert.equal(runtime.get(off.id)?.desired, "disabled");
  assert.deepEqual(
    runtime.grants(release.id).map(({ permission }) => permission),
    ["bus.provide", "fs.data", "storage.kv"],
  );
  await runtime.remove(release.id, { keepData: true });
  await runtime.stage(release, [PROVIDE, allow("fs.data"), allow("storage.kv")]);
  assert.equal(((await call()) as { before: unknown }).before, "kept", "data waits for a reinstallation");
  await runtime.remove(release.id, { keepData: false });
  await runtime.remove(off.id, { keepData: false });
});

test("settings that a plugin applies keep its process; settings under which it dies come back to the former ones (§4.5)", async (t) => {
  if (skip(t)) return;
  const release = make({
    main: `exports.onConfig = (c) => (c.mode === "live" ? "applied" : "restart"); const s = exports.setup; exports.setup = async (ctx) => { if (ctx.facts.config.mode === "fatal") process.exit(1); await s(ctx); };`,
    manifest: { config: { schema: { type: "object", properties: { mode: { enum: ["a", "live", "fatal"], default: "a" } } } } },
  });
  const status = await world.runtime.stage(release, [PROVIDE]);
  assert.deepEqual(await world.runtime.setConfig(release.id, { mode: "live" }, {}), { result: "applied" });
  assert.equal(world.runtime.get(release.id)?.evidence?.pid, status.evidence?.pid);
  assert.deepEqual(await world.runtime.setConfig(release.id, { mode: "fatal" }, {}), { result: "restored" });
  assert.deepEqual(world.runtime.config(release.id).value, { mode: "live" });
  assert.equal(world.runtime.get(release.id)?.state, "active");
  await world.runtime.remove(release.id, { keepData: false });
});

test("removing deletes the plugin's data but not what a planted link points to (A03)", async (t) => {
  if (skip(t)) return;
  const outside = join(world.folder, "outside");
  writeFileSync(outside, "precious");
  const release = make({
    handler: `async () => { const fs = require("fs"); fs.mkdirSync("/data/d/e", { recursive: true }); fs.writeFileSync("/data/d/e/f", "x"); return { output: {} }; }`,
  });
  await world.runtime.stage(release, [PROVIDE, allow("fs.data")]);
  await world.bus.call("dev.do");
  const folder = join(world.folder, "node", "runtime", "plugins", ...release.id.split("/"));
  symlinkSync(outside, join(folder, "data", "d", "link"));
  symlinkSync(world.folder, join(folder, "data", "folder"));
  await world.runtime.remove(release.id, { keepData: false });
  assert.ok(!existsSync(folder));
  assert.ok(existsSync(outside) && readdirSync(world.folder).length > 2);
});

test("assets are seen read-only under their names (§2.4)", async (t) => {
  if (skip(t)) return;
  const store = join(world.folder, "asset-file");
  writeFileSync(store, "model", { mode: 0o600 });
  const release = make({
    handler: `async (req, ctx) => { const fs = require("fs"); let write; try { fs.writeFileSync("/assets/tessdata/deu.gz", "x"); } catch (e) { write = e.code; } return { output: { dir: ctx.facts.assetsDir, text: fs.readFileSync("/assets/tessdata/deu.gz", "utf8"), write } }; }`,
    assets: { tessdata: { "deu.gz": store } },
  });
  await world.runtime.stage(release, [PROVIDE]);
  assert.deepEqual({ ...(await world.bus.call("dev.do")).output }, { dir: "/assets", text: "model", write: "ERR_ACCESS_DENIED" });
  await world.runtime.remove(release.id, { keepData: false });
});

test("a plugin that another one needs is not removed before it, and its refusal names the other (§6.1)", async (t) => {
  if (skip(t)) return;
  const needed = make();
  const needing = make({
    id: "dev/needing",
    capabilities: [],
    main: "exports.setup = () => {};",
    manifest: { dependencies: { [needed.id]: ">=1" } },
  });
  await world.runtime.stage(needed, [PROVIDE]);
  await world.runtime.stage(needing, []);
  await assert.rejects(world.runtime.remove(needed.id, { keepData: false }), {
    code: "bad_request",
    reason: "needed_by",
    message: /dev\/needing/,
  });
  assert.equal(world.runtime.get(needed.id)?.state, "active");
  await world.runtime.remove(needing.id, { keepData: false });
  await world.runtime.remove(needed.id, { keepData: false });
});

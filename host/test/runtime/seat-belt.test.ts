import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allow, hasBubblewrap, openWorld, writePackage, type World } from "./fixtures/world.ts";

/** A machine without bubblewrap: the search path leads nowhere, and only what stands there is looked at. */
let world: World;
before(async () => {
  world = await openWorld({ path: "/nonexistent", systemPath: false });
});
after(() => world.close());

const GRANTS = [allow("bus.provide", { prefixes: ["dev."] }), allow("fs.data")];
const MAIN = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.look@1.0", params: {} }); };
exports.capabilities = { "dev.look@1.0": async (req, ctx) => {
  const attempt = (f) => { try { return String(f()); } catch (e) { return e.code; } };
  const fs = require("fs");
  return { output: { uid: process.getuid(), passwd: attempt(() => fs.readFileSync("/etc/passwd")), spawn: attempt(() => require("child_process").spawnSync("/bin/true").status),
    net: await new Promise((resolve) => { try { require("net").connect(1, "127.0.0.1").on("error", (e) => resolve(e.code)).on("connect", () => resolve("connected")); } catch (e) { resolve(e.code); } }), data: attempt(() => { fs.writeFileSync(ctx.facts.dataDir + "/x", "1"); return "done"; }), label: ctx.facts.label } };
} };`;

test("without bubblewrap only the embedded root's plugins run, with the label seat-belt, and the reason says how to mend it (§1.4)", async () => {
  assert.equal(world.runtime.report().label, "seat-belt");
  assert.ok(world.runtime.report().repairs.some(({ id }) => id === "bwrap"));
  const capabilities = [{ name: "dev.look" }];
  const stranger = await world.runtime.stage(
    writePackage(world.folder, { id: "dev/stranger", main: MAIN, capabilities }),
    GRANTS,
  );
  assert.equal(stranger.state, "blocked_by_policy");
  assert.equal(stranger.reason?.reason, "confinement_missing");
  assert.match(stranger.reason?.action ?? "", /apt install bubblewrap/);
  assert.equal(stranger.label, null);
  const own = await world.runtime.stage(
    writePackage(world.folder, { id: "hearthnet/own", main: MAIN, capabilities, embeddedRoot: true }),
    GRANTS,
  );
  assert.equal(own.state, "active", JSON.stringify([own.reason, world.runtime.logs(own.id, { limit: 20 })]));
  assert.equal(own.label, "seat-belt");
  assert.ok((own.evidence?.remarks.length ?? 0) > 0);
  const { output } = await world.bus.call("dev.look");
  assert.equal(output["passwd"], "ERR_ACCESS_DENIED");
  assert.equal(output["spawn"], "ERR_ACCESS_DENIED");
  assert.equal(output["net"], "ERR_ACCESS_DENIED");
  assert.equal(output["data"], "done");
  assert.equal(output["label"], "seat-belt");
  assert.equal(output["uid"], process.getuid?.() === 0 ? 65_534 : process.getuid?.());
  await world.runtime.remove(own.id, { keepData: false });
  await world.runtime.remove(stranger.id, { keepData: false });
});

test("a plugin that once ran confined stays stopped when the machine has lost its sandbox, and runs again when it is back (§1.4)", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const confined = await openWorld();
  try {
    const release = writePackage(confined.folder, {
      id: "hearthnet/own",
      main: MAIN,
      capabilities: [{ name: "dev.look" }],
      embeddedRoot: true,
    });
    assert.equal((await confined.runtime.stage(release, GRANTS)).label, "os");
    const lowered = await confined.reopen({ path: "/nonexistent", systemPath: false });
    await lowered.startAll();
    const status = lowered.get(release.id);
    assert.equal(status?.state, "blocked_by_policy");
    assert.equal(status?.reason?.reason, "confinement_lowered");
    const mended = await confined.reopen();
    await mended.startAll();
    assert.equal(mended.get(release.id)?.state, "active");
    assert.equal(mended.get(release.id)?.label, "os");
  } finally {
    await confined.close();
  }
});

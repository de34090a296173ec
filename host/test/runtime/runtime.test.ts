import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allow, hasBubblewrap, openWorld, writePackage, type World } from "./fixtures/world.ts";

const confined = hasBubblewrap();
let world: World;
before(async () => {
  if (confined) world = await openWorld();
});
after(async () => {
  if (confined) await world.close();
});

const ECHO = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.echo@1.0", params: { flavour: "plain" } }); };
exports.capabilities = { "dev.echo@1.0": async (req) => ({ output: { ...req.input, uid: process.getuid() } }) };`;
const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });

test("a third-party plugin starts confined, answers a call, and its label comes from evidence (§1.4)", async (t) => {
  if (!confined) return t.skip("needs bubblewrap");
  const release = writePackage(world.folder, { main: ECHO, capabilities: [{ name: "dev.echo" }] });
  const status = await world.runtime.stage(release, [PROVIDE]);
  assert.equal(status.state, "active", JSON.stringify([status.reason, world.runtime.logs(release.id, { limit: 20 })]));
  assert.equal(status.label, "os");
  assert.equal(status.evidence?.seccomp, 2);
  assert.equal(status.evidence?.noNewPrivs, 1);
  assert.match(status.evidence?.capEff ?? "", /^0+$/);
  assert.notEqual(status.evidence?.hostUid, 0);
  assert.deepEqual(status.offers, ["dev.echo@1.0"]);
  assert.deepEqual(world.bus.names(), ["dev.echo@1.0"]);
  const bytes = new Uint8Array(600_000).fill(7);
  const reply = await world.bus.call("dev.echo", { input: { hello: "world", blob_b64: bytes as never } });
  assert.equal(reply.output["hello"], "world");
  assert.equal(reply.output["uid"], 65_534);
  assert.deepEqual(Buffer.from(reply.output["blob_b64"] as never), Buffer.from(bytes));
  await world.runtime.remove(release.id, { keepData: false });
  assert.deepEqual(world.bus.names(), []);
  assert.equal(world.runtime.get(release.id), undefined);
});

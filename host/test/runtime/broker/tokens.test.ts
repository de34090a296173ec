import assert from "node:assert/strict";
import { after, before, test, type TestContext } from "node:test";
import type { Principal } from "../../../src/contract/index.ts";
import { allow, hasBubblewrap, NODE_ID, openWorld, writePackage, type World } from "../fixtures/world.ts";

const confined = hasBubblewrap();
let world: World;
before(async () => {
  if (!confined) return;
  world = await openWorld();
  const main = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };
exports.capabilities = { "dev.do@1.0": async (req, ctx) => {
  const { own, capabilities, token } = req.input;
  const shown = token === undefined ? {} : { token };
  const body = { input: { client_id: "x", subject: "x", scope: { capabilities } } };
  const call = { cap: capabilities === undefined ? "trans.text@1" : "auth.token.issue@1", body: capabilities === undefined ? {} : body, ...shown };
  try { await (own ? ctx : req).op("bus.call", call); return { output: { said: "ok", caller: req.caller } }; }
  catch (error) { return { output: { said: error.code, caller: req.caller } }; }
} };`;
  const release = writePackage(world.folder, { capabilities: [{ name: "dev.do" }], id: "dev/hands-on", main });
  const status = await world.runtime.stage(release, [
    allow("bus.provide", { prefixes: ["dev."] }),
    allow("bus.call", { capabilities: ["auth.token.issue@1", "trans.text@1"], own: true }),
    allow("bus.call", { capabilities: ["rag.query@1"] }),
  ]);
  assert.equal(status.state, "active");
  world.bus.answers["auth.token.issue"] = async () => ({ token: "t" });
  world.bus.answers["trans.text"] = async () => ({});
});
after(async () => {
  if (confined) await world.close();
});

async function says(input: object): Promise<unknown> {
  return (await world.bus.call("dev.do", { input: input as never })).output["said"];
}

function it(name: string, run: () => Promise<void>): void {
  test(name, (t: TestContext) => (confined ? run() : t.skip("needs bubblewrap")));
}

it("K-9 a plugin signs away only what it may call itself, under its own authority or a caller's", async () => {
  assert.equal(await says({ own: true, capabilities: ["trans.text@1.0"] }), "ok");
  assert.equal(await says({ own: true, capabilities: ["relay.push"] }), "ok", "an action that is not on the bus");
  assert.equal(await says({ own: true, capabilities: ["trans.text@1.0", "ocr.image@1.0"] }), "permission_denied");
  assert.equal(await says({ own: true, capabilities: ["trans.text@2.0"] }), "permission_denied");
  assert.equal(await says({ own: true, capabilities: ["rag.query@1.0"] }), "permission_denied", "only for its callers");
  assert.equal(await says({ own: false, capabilities: ["rag.query@1.0"] }), "ok");
});

it("sees whom a token acts for, and passes none of it on (05 §4)", async () => {
  const caller: Principal = {
    kind: "stranger",
    node_id: NODE_ID,
    community_id: null,
    level: "unknown",
    acts_for: `ed25519:${"B".repeat(43)}`,
  };
  const { output } = await world.bus.call("dev.do", { caller });
  assert.deepEqual({ ...(output["caller"] as object) }, caller);
  assert.equal(world.bus.originated.at(-1)?.capability, "trans.text");
  const { acts_for: _, ...alone } = caller;
  assert.deepEqual({ ...world.bus.originated.at(-1)?.caller }, alone);
});

it("shows a token in a call of its own, and in none that is for somebody else (05 §4)", async () => {
  const token = "hntoken://v1/a.b.c";
  assert.equal(await says({ own: true, token }), "ok");
  assert.equal(world.bus.originated.at(-1)?.token, token);
  const calls = world.bus.originated.length;
  assert.equal(await says({ own: false, token }), "bad_request");
  assert.equal(await says({ own: true, token: "x".repeat(2049) }), "bad_request");
  assert.equal(world.bus.originated.length, calls, "neither went out");
  assert.equal(await says({ own: true }), "ok");
  assert.equal(world.bus.originated.at(-1)?.token, undefined);
});

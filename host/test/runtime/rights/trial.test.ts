/** A trial run: nothing is done, everything is noted, and the proposal is what was used. @source plugin-platform §3.4.5 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Grant, PermissionRequest, Principal } from "../../../src/contract/index.ts";
import { refusal } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap, NODE_ID, openWorld, writePackage, type World } from "../fixtures/world.ts";

const ID = "dev/greedy";
const ask = (name: PermissionRequest["name"], scope: PermissionRequest["scope"] = {}): PermissionRequest => ({
  name,
  scope,
  reason: { en: "Needs it." },
});
/** Asks for much, uses little. */
const PERMISSIONS = [
  ask("bus.provide", { prefixes: ["dev.", "ext.dev."] }),
  ask("bus.call", { capabilities: ["trans.text@1", "img.describe@1", "rag.query@1"], own: true }),
  ask("storage.kv", { quotaMb: 4 }),
  ask("notify"),
  ask("events.read", { types: ["chat.message"] }),
  ask("identity.dh"),
  ask("fs.data", { quotaMb: 4 }),
];
const MAIN = `
exports.setup = async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };
exports.capabilities = { "dev.do@1.0": async (req, ctx) => ({ output: {
  called: await req.op("bus.call", { cap: "trans.text@1", body: {} }),
  put: await ctx.op("kv.put", { key: "a", value: 1 }), got: await ctx.op("kv.get", { key: "a" }), listed: await ctx.op("kv.list", {}),
  has: typeof ctx.grants,
} }) };`;
const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const DENIED: Grant = { ...allow("storage.kv", { quotaMb: 4 }), mode: "deny" };
const SELF: Principal = { kind: "self", node_id: NODE_ID, community_id: null, level: "anchor" };

const skip = hasBubblewrap() ? false : "needs bubblewrap";
let world: World;
before(async () => {
  if (skip !== false) return;
  world = await openWorld();
  world.bus.answers["trans.text"] = async () => ({ text: "really called" });
});
after(() => world?.close());

async function install(): Promise<void> {
  if (world.runtime.get(ID) !== undefined) await world.runtime.remove(ID, { keepData: false });
  const capabilities = [{ name: "dev.do" }];
  const release = writePackage(world.folder, { id: ID, main: MAIN, capabilities, manifest: { permissions: PERMISSIONS } });
  assert.equal((await world.runtime.stage(release, [PROVIDE, DENIED])).state, "active");
  world.bus.originated.length = 0;
}
const stored = async (): Promise<Grant[]> =>
  world.runtime.grants(ID).map(({ publisherKey: _, at: __, ...grant }) => ({ ...grant, at: 0 }));

test("what is denied is simulated, noted, and not done; what is allowed is done (§3.4.5)", { skip }, async () => {
  await install();
  const { rights } = world.runtime;
  const started = await rights.startTrial(ID, 24);
  assert.equal(started.until - started.since, 24 * 3_600_000);
  assert.equal(world.runtime.get(ID)?.trialUntil, started.until);
  const { output } = await world.bus.call("dev.do", { caller: SELF });
  assert.deepEqual(JSON.parse(JSON.stringify(output)), {
    called: { output: {}, meta: {}, provider: "" },
    put: { written: true, version: 1 },
    got: null,
    listed: { items: [], next: null },
    has: "undefined",
  });
  assert.deepEqual(world.bus.originated, [], "nothing reached the bus");
  const rows = world.runtime.ledger(100).rows.filter(({ plugin, verdict }) => plugin === ID && verdict === "simulate");
  for (const op of ["bus.call", "kv.put", "kv.get", "kv.list", "trial.start"])
    assert.ok(
      rows.some((row) => row.op === op),
      `${op} is in the ledger as simulated (§8.1)`,
    );
  assert.equal(rows.find(({ op }) => op === "bus.call")?.target, "trans.text@1");

  await rights.endTrial(ID);
  assert.equal(world.runtime.get(ID)?.state, "active");
  assert.deepEqual(await stored(), [PROVIDE, DENIED], "the rights before come back, a refusal included");
  await world.runtime.setGrants(ID, [
    PROVIDE,
    allow("storage.kv", { quotaMb: 4 }),
    allow("bus.call", { capabilities: ["trans.text@1"] }),
  ]);
  const real = (await world.bus.call("dev.do")).output;
  assert.deepEqual(
    JSON.parse(JSON.stringify(real["got"])),
    { value: 1, version: 1 },
    "the first write is the first: nothing was stored in the trial run",
  );
  await assert.rejects(rights.endTrial(ID), refusal("not_found", "no_trial"));
});

test("neighbours and remote callers are not answered while it goes on (§3.4.5)", { skip }, async () => {
  await install();
  await world.runtime.rights.startTrial(ID, 1);
  await assert.rejects(world.bus.call("dev.do"), refusal("unauthorized", "trial_run"));
  const remote: Principal = {
    kind: "plugin",
    node_id: `ed25519:${"B".repeat(43)}`,
    community_id: null,
    level: "member",
    plugin_id: "dev/x",
  };
  await assert.rejects(world.bus.call("dev.do", { caller: remote }), refusal("unauthorized", "trial_run"));
  await world.bus.call("dev.do", { caller: { ...remote, node_id: NODE_ID } });
  await world.runtime.rights.endTrial(ID);
  await world.bus
    .call("dev.do")
    .then(undefined, (error: unknown) => assert.notEqual((error as { reason?: string }).reason, "trial_run"));
});

test("the proposal is exactly what was used, and is accepted in one act (§3.4.5)", { skip }, async () => {
  await install();
  const { rights } = world.runtime;
  const early = await rights.startTrial(ID, 2);
  await world.bus.call("dev.do", { caller: SELF });
  const { proposal } = rights.trial(ID)!;
  assert.deepEqual(
    proposal.grants.map(({ permission, scope }) => ({ permission, scope })),
    [
      { permission: "bus.provide", scope: { prefixes: ["dev."] } },
      { permission: "bus.call", scope: { capabilities: ["trans.text@1"] } },
      { permission: "storage.kv", scope: { quotaMb: 4 } },
    ],
  );
  assert.deepEqual(proposal.unused, ["notify", "events.read", "identity.dh"]);
  assert.deepEqual(proposal.untried, ["fs.data"]);
  await assert.rejects(rights.acceptTrial(ID, early.proposal.digest), refusal("expired", "proposal_stale"));

  const grants = await rights.acceptTrial(ID, proposal.digest);
  assert.deepEqual(
    grants.map(({ permission, mode }) => `${permission} ${mode}`),
    [
      "bus.provide allow",
      "bus.call allow",
      "storage.kv allow",
      "notify deny",
      "events.read deny",
      "identity.dh deny",
      "fs.data deny",
    ],
  );
  assert.equal(rights.trial(ID), null);
  assert.equal(world.runtime.get(ID)?.trialUntil, null);
  const { output } = await world.bus.call("dev.do");
  assert.deepEqual({ ...(output["called"] as { output: object }).output }, { text: "really called" });
  assert.ok(world.runtime.ledger(50).rows.some(({ op, plugin }) => op === "trial.accept" && plugin === ID));
});

test("it lasts at most a day, ends by itself, and outlives the daemon (§3.4.5)", { skip }, async () => {
  await install();
  for (const hours of [0, -1, 25, Number.NaN])
    await assert.rejects(world.runtime.rights.startTrial(ID, hours), refusal("bad_request"));
  await world.runtime.rights.startTrial(ID, 24);
  await world.bus.call("dev.do", { caller: SELF });
  await world.reopen();
  await world.runtime.startAll();
  assert.equal(world.runtime.rights.trial(ID)?.proposal.grants.length, 3, "what was seen is remembered");
  await assert.rejects(world.bus.call("dev.do"), refusal("unauthorized", "trial_run"));
  await world.runtime.rights.startTrial(ID, 0.2 / 3600);
  await until("it is over", () => world.runtime.rights.trial(ID) === null);
  await until("the plugin runs as before", () => world.runtime.get(ID)?.state === "active");
  assert.deepEqual(await stored(), [PROVIDE, DENIED]);
});

test("other rights from the operator, and another release, end it (§3.4.5)", { skip }, async () => {
  await install();
  await world.runtime.rights.startTrial(ID, 1);
  await world.runtime.setGrants(ID, [PROVIDE]);
  assert.equal(world.runtime.rights.trial(ID), null);
  await world.runtime.rights.startTrial(ID, 1);
  const release = writePackage(world.folder, {
    id: ID,
    version: "1.1.0",
    main: MAIN,
    capabilities: [{ name: "dev.do" }],
    manifest: { permissions: PERMISSIONS },
  });
  await world.runtime.stage(release, [PROVIDE]);
  assert.equal(world.runtime.rights.trial(ID), null);
  assert.deepEqual(await stored(), [PROVIDE]);
});

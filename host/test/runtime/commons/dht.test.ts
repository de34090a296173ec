/** Plugins and the DHT: real nodes of it in memory, a real file store, plugins in their sandboxes. @source 06 §7, H-8; plugin-platform §3.1 dht.* */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test, type TestContext } from "node:test";
import type { Grant, GrantMode, JsonObject } from "../../../src/contract/index.ts";
import { ManualClock, systemClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { PluginDhtVillage } from "../../../src/plugin-dht-village.ts";
import { ADVERTS_MAX, ADVERTS_PER_MINUTE, DhtDesk, LOOKUPS_PER_MINUTE } from "../../../src/runtime/broker/dht-desk.ts";
import { refusal } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";
import { openNeighbourhood, type Neighbourhood, type SharingPlugin } from "./neighbours.ts";
import { shelf } from "./shelf.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const ABSENT = `blake3:${"7".repeat(64)}`;
const COMMUNITY = importSeed(randomBytes(32)).nodeId;
const DOES = `
  const { find, where, tell, untell } = req.input;
  if (find) return { sources: await ctx.dht.findSources(find) };
  if (where) return { endpoints: await ctx.dht.findCommunity(where) };
  if (tell) await ctx.dht.advertiseCid(tell);
  if (untell) await ctx.dht.withdrawCid(untell);
  return {};`;
const BOTH = [allow("dht.find"), allow("dht.advertise")];
const scout = (o: Partial<SharingPlugin> = {}): SharingPlugin => ({ name: "scout", does: DOES, grants: BOTH, ...o });

async function dhtOf(t: TestContext, advertises = true): Promise<PluginDhtVillage> {
  const { nodeId, key } = importSeed(randomBytes(32));
  const dht = await PluginDhtVillage.open({ signer: new Signer(nodeId, key), clock: systemClock, advertises });
  t.after(() => dht.close());
  return dht;
}

/** A node with a file store and a public, a shared and a private file. */
async function stocked(t: TestContext, dht?: PluginDhtVillage): Promise<Neighbourhood & { cids: Record<string, string> }> {
  const place = await openNeighbourhood(t, dht === undefined ? {} : { dht: dht.plugins });
  await place.install(shelf());
  const visibilities = ["public", "community", "private"];
  await place.install({
    name: "owner",
    does: `return { cid: await ctx.blobs.put(new TextEncoder().encode(req.input.who), { visibility: req.input.who }) };`,
    grants: visibilities.map((visibility) => allow("blobs.write", { visibility })),
  });
  const cids: Record<string, string> = {};
  for (const who of visibilities) cids[who] = (await place.ask("owner", { who }))["cid"] as string;
  return { ...place, cids };
}

const of = (cids: Record<string, string>, which: string): string => cids[which] ?? "";

for (const tier of ["process", "isolate"] as const)
  test(
    `finds who holds a file and where a community is, and says what is public here, tier ${tier} (06 §7)`,
    { skip },
    async (t) => {
      const dht = await dhtOf(t);
      const { install, ask, cids, world } = await stocked(t, dht);
      await install(scout({ tier }));
      const cid = of(cids, "public");
      assert.deepEqual(await ask("scout", { find: cid }), { sources: [] });
      const holder = await dht.holder(ABSENT);
      assert.deepEqual(await ask("scout", { find: ABSENT }), { sources: [holder] });
      await dht.anchor(COMMUNITY, { host: "198.51.100.7", port: 7080 });
      const endpoint = { transport: "https", host: "198.51.100.7", port: 7080 };
      assert.deepEqual(await ask("scout", { where: COMMUNITY }), { endpoints: [endpoint] });

      assert.deepEqual(await ask("scout", { tell: cid }), {});
      assert.deepEqual(dht.advertised, [cid]);
      assert.equal((await dht.sources(cid)).length, 1, "somebody elsewhere hears of it");
      assert.deepEqual(await ask("scout", { tell: cid }), {}, "once is enough");
      assert.deepEqual(await ask("scout", { untell: cid }), {});
      assert.deepEqual(dht.advertised, []);
      const targets = world.runtime.ledger(100).rows.filter(({ op }) => op === "dht.advertiseCid");
      assert.deepEqual(targets[0]?.target, cid.slice(7, 19));
    },
  );

test("nothing but public files is told, and what is not here looks like what is not public (H-8)", { skip }, async (t) => {
  const dht = await dhtOf(t);
  const { install, ask, cids } = await stocked(t, dht);
  await install(scout());
  for (const cid of [of(cids, "community"), of(cids, "private"), ABSENT])
    assert.deepEqual(await ask("scout", { tell: cid }), { code: "not_found", reason: "dht_not_public" });
  assert.deepEqual(dht.advertised, []);
  assert.equal((await ask("scout", { tell: "blake3:1" }))["code"], "bad_request");
  assert.equal((await ask("scout", { where: "somewhere" }))["code"], "bad_request");
});

test("a DHT that is off, or adverts that the operator has not allowed, are told by their reasons (H-8)", { skip }, async (t) => {
  const off = { code: "not_implemented", reason: "dht_off" };
  const none = await stocked(t);
  await none.install(scout());
  const cid = of(none.cids, "public");
  for (const wish of [{ find: cid }, { where: COMMUNITY }, { tell: cid }, { untell: cid }] as JsonObject[])
    assert.deepEqual(await none.ask("scout", wish), off);
  const dht = await dhtOf(t, false);
  const silent = await stocked(t, dht);
  await silent.install(scout());
  assert.deepEqual(await silent.ask("scout", { tell: cid }), { code: "not_implemented", reason: "dht_adverts_off" });
  assert.deepEqual(await silent.ask("scout", { find: cid }), { sources: [] }, "looking is not telling");
  assert.deepEqual(dht.advertised, []);
});

test("what a plugin told is withdrawn when its right is taken, when it stops and when it is removed", { skip }, async (t) => {
  const dht = await dhtOf(t);
  const { install, ask, cids, world } = await stocked(t, dht);
  const { id } = await install(scout());
  const provide = allow("bus.provide", { prefixes: ["dev."] });
  const cid = of(cids, "public");
  const told = (wanted: string[]): Promise<unknown> =>
    until(`it says ${wanted.length}`, () => (dht.advertised.join() === wanted.join() ? true : undefined));

  await ask("scout", { tell: cid });
  await told([cid]);
  await world.runtime.setGrants(id, [provide, allow("dht.find")]);
  await told([]);
  await world.runtime.setGrants(id, [provide, ...BOTH]);
  await ask("scout", { tell: cid });
  await told([cid]);
  await world.runtime.disable(id);
  await told([]);
  await world.runtime.enable(id);
  await ask("scout", { tell: cid });
  await told([cid]);
  await world.runtime.remove(id, { keepData: false });
  await told([]);
});

test("each mode of a grant decides over lookups and adverts (§3.4)", { skip }, async (t) => {
  const dht = await dhtOf(t);
  const { install, ask, cids, world, anna } = await stocked(t, dht);
  const { id } = await install(scout({ manifest: { permissions: [] } }));
  const { rights } = world.runtime;
  const cid = of(cids, "public");
  const grants = (mode: GrantMode): Grant[] => [
    allow("bus.provide", { prefixes: ["dev."] }),
    ...BOTH.map((grant) => ({ ...grant, mode })),
  ];
  const denied = { code: "permission_denied", reason: null };
  await world.runtime.setGrants(id, grants("deny"));
  assert.deepEqual(await ask("scout", { find: cid }), denied);
  assert.deepEqual(await ask("scout", { tell: cid }), denied);

  await world.runtime.setGrants(id, grants("ask"));
  const call = ask("scout", { tell: cid });
  const question = await until("the operator is asked", () => rights.questions()[0]);
  assert.equal(question.permission, "dht.advertise");
  await rights.answer(question.id, "once");
  assert.deepEqual(await call, {});
  assert.deepEqual(dht.advertised, [cid], "a yes to one op outlives it");

  await world.runtime.setGrants(id, grants("audit"));
  assert.deepEqual(dht.advertised, [], "a right that is only tried is none");
  const self = { caller: { kind: "self", node_id: anna.signer.nodeId, community_id: null, level: "anchor" } } as const;
  assert.deepEqual(await ask("scout", { find: cid }, self), { sources: [] });
  assert.deepEqual(await ask("scout", { where: COMMUNITY }, self), { endpoints: [] });
  assert.deepEqual(await ask("scout", { tell: cid }, self), {});
  assert.deepEqual(dht.advertised, [], "nothing was done");
  const tried = world.runtime.ledger(200).rows.filter(({ op, verdict }) => verdict === "simulate" && op.startsWith("dht."));
  assert.deepEqual(new Set(tried.map(({ op }) => op)), new Set(["dht.findSources", "dht.findCommunity", "dht.advertiseCid"]));
});

test("lookups and adverts are counted by the minute", async (t) => {
  const clock = new ManualClock();
  const { plugins } = await dhtOf(t);
  const desk = new DhtDesk(plugins, clock);
  for (let n = 0; n < LOOKUPS_PER_MINUTE; n += 1) desk.asked();
  assert.throws(() => desk.asked(), refusal("rate_limited"));
  for (let n = 0; n < ADVERTS_PER_MINUTE; n += 1) desk.pace();
  assert.throws(() => desk.pace(), refusal("rate_limited"));
  clock.advance(1000);
  desk.asked();
  desk.pace();
});

test(`one plugin has this node say ${ADVERTS_MAX} files at most`, { skip }, async (t) => {
  const dht = await dhtOf(t);
  const own: string[] = [];
  const full = {
    ...dht.plugins,
    openAdverts: () => ({
      ...dht.plugins.openAdverts(),
      size: ADVERTS_MAX,
      offer: async (cid: string) => own.push(cid),
    }),
  };
  const { install, ask, world } = await openNeighbourhood(t, { dht: full });
  await install(shelf());
  await install(scout());
  assert.equal((await ask("scout", { tell: ABSENT }))["code"], "quota_exceeded");
  assert.deepEqual(own, []);
  assert.ok(world.runtime.ledger(50).rows.some(({ op, verdict }) => op === "dht.advertiseCid" && verdict === "quota"));
});

/** The examples of docs/guide/write-a-plugin.md, "What the community shares", as they stand there, in the sandbox. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { buildSync } from "esbuild";
import type { JsonObject, PluginManifest, StoredRelease } from "../../../src/contract/index.ts";
import { systemClock } from "../../../src/foundation/index.ts";
import { importSeed, Signer } from "../../../src/identity/index.ts";
import { PluginDhtVillage } from "../../../src/plugin-dht-village.ts";
import { until } from "../../support/until.ts";
import { allow, hasBubblewrap, writePackage } from "../fixtures/world.ts";
import { openNeighbourhood, type Neighbourhood } from "./neighbours.ts";
import { shelf } from "./shelf.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
const GUIDE = join(import.meta.dirname, "..", "..", "..", "..", "docs", "guide", "write-a-plugin.md");

/** The complete example of the guide that contains the text. */
function example(holding: string): string {
  const section = readFileSync(GUIDE, "utf8").split("## What the community shares")[1]?.split("\n## ")[0] ?? "";
  const blocks = [...section.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
  const found = blocks.filter((code) => code.includes(holding));
  assert.equal(found.length, 1, holding);
  return found[0] ?? "";
}

function packed({ world }: Neighbourhood, o: { name: string; code: string; manifest: Partial<PluginManifest> }): StoredRelease {
  const { outputFiles } = buildSync({
    stdin: { contents: o.code, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    conditions: ["hearthnet-source"],
    alias: { "@hearthnet/sdk-plugin": join(import.meta.dirname, "..", "..", "..", "..", "sdk-plugin", "src", "index.ts") },
  });
  const manifest = { entry: { main: "main.mjs" }, ...o.manifest };
  return writePackage(world.folder, {
    id: `dev/${o.name}`,
    main: "",
    files: { "main.mjs": outputFiles[0]?.text ?? "" },
    manifest,
  });
}

const offer = (name: string): NonNullable<PluginManifest["contributes"]["capabilities"]>[number] => ({
  name,
  version: "1.0",
  request: "schema.json",
  response: "schema.json",
  stream: null,
  trust: "member",
  idempotent: false,
  maxConcurrent: 4,
  timeoutSeconds: 30,
});
const PROVIDE = allow("bus.provide", { prefixes: ["ext.acme."] });

test("the board writes an event and its view has it", { skip }, async (t) => {
  const sent: string[] = [];
  const place = await openNeighbourhood(t, { deliver: async (event) => (sent.push(event.event_type), "direct") });
  const { world, anna } = place;
  const views = [{ name: "board", types: ["market.post.created"], snapshot: true }];
  const manifest = { contributes: { capabilities: [offer("ext.acme.board.post")], views } };
  const types = ["market.post.created"];
  await world.runtime.stage(packed(place, { name: "board", code: example("views: {"), manifest }), [
    PROVIDE,
    allow("events.append", { types }),
    allow("events.read", { types }),
    allow("events.push"),
  ]);
  const post = (requestId: string, to: string | null = null): Promise<JsonObject> => {
    const { call, signal, offer: found } = world.bus.dispatch("ext.acme.board.post", { input: { title: "A bike", to } });
    const cancellation = { aborted: false, reason: undefined, signal, onAbort: () => {} };
    return (found.handler({ ...call, requestId }, cancellation) as Promise<{ output: JsonObject }>).then(({ output }) => output);
  };
  const first = await post("01J9Z3K8V4Q2N7M5C6B1A0WXY1");
  await until("the view has it", async () => (await post("01J9Z3K8V4Q2N7M5C6B1A0WXY1"))["posts"] === 1);
  assert.equal((await post("01J9Z3K8V4Q2N7M5C6B1A0WXY1"))["event_id"], first["event_id"], "a repeated call writes once");
  assert.equal((await post("01J9Z3K8V4Q2N7M5C6B1A0WXY1", anna.signer.nodeId))["delivered"], "direct");
  assert.deepEqual(sent, types);
});

test("the listener tells its owner the news", { skip }, async (t) => {
  const notices: string[] = [];
  const place = await openNeighbourhood(t, { onNotice: ({ body }) => notices.push(body) });
  const { world, install, ask } = place;
  const topics = ["market.news", "chat.message.<recipient>"];
  const schedules = [{ id: "morning", cron: "30 7 * * *", jitter: 0.1, catchUp: true }];
  const manifest = { contributes: { topics: { publish: ["market.news"], subscribe: topics }, schedules } };
  await world.runtime.stage(packed(place, { name: "news", code: example("topics: {"), manifest }), [
    allow("pubsub.subscribe", { topics }),
    allow("notify"),
  ]);
  const says = `await ctx.pubsub.publish("market.news", { text: "A bike" }); return {};`;
  await install({ name: "sender", does: says, grants: [allow("pubsub.publish", { topics: ["market.news"] })] });
  await ask("sender");
  await until("the owner has it", () => notices.includes('{"text":"A bike"}'));
});

test("the counter reads a file and stores what it found", { skip }, async (t) => {
  const place = await openNeighbourhood(t);
  const { world, install, ask } = place;
  await install(shelf());
  await install({
    name: "owner",
    does: `return { cid: await ctx.blobs.put(new Uint8Array([0, 1, 0]), { visibility: "community" }) };`,
    grants: [allow("blobs.write", { visibility: "community" })],
  });
  const { cid } = await ask("owner");
  const manifest = { contributes: { capabilities: [offer("ext.acme.count.bytes")] } };
  await world.runtime.stage(packed(place, { name: "count", code: example("zeros"), manifest }), [
    PROVIDE,
    allow("blobs.read", { visibility: "community" }),
    allow("blobs.write", { visibility: "private" }),
  ]);
  const { output } = await world.bus.call("ext.acme.count.bytes", { input: { cid: cid ?? null } });
  assert.equal(output["size"], 3);
  assert.match(output["cid"] as string, /^blake3:[0-9a-f]{64}$/);
});

test("the beacon asks who has a file, whether or not it may say that it is here", { skip }, async (t) => {
  const { nodeId, key } = importSeed(randomBytes(32));
  const dht = await PluginDhtVillage.open({ signer: new Signer(nodeId, key), clock: systemClock, advertises: true });
  t.after(() => dht.close());
  const place = await openNeighbourhood(t, { dht: dht.plugins });
  const { world, install, ask } = place;
  await install(shelf());
  await install({
    name: "owner",
    does: `return { cid: await ctx.blobs.put(new Uint8Array([7]), { visibility: "public" }) };`,
    grants: [allow("blobs.write", { visibility: "public" })],
  });
  const { cid } = (await ask("owner")) as { cid: string };
  const manifest = { contributes: { capabilities: [offer("ext.acme.beacon.show")] } };
  const release = packed(place, { name: "beacon", code: example("ctx.dht."), manifest });
  await world.runtime.stage(release, [PROVIDE, allow("dht.find"), allow("dht.advertise")]);
  const show = async (wanted: string): Promise<unknown> =>
    JSON.parse(JSON.stringify((await world.bus.call("ext.acme.beacon.show", { input: { cid: wanted } })).output["elsewhere"]));
  const [absent, holder] = [`blake3:${"3".repeat(64)}`, await dht.holder(cid)];
  assert.deepEqual([await show(cid), dht.advertised], [[holder], [cid]]);
  assert.deepEqual([await show(absent), dht.advertised], [[], [cid]], "what is not here is not said");
});

test("the uplink says what the node can count on", { skip }, async (t) => {
  const told: unknown[] = [];
  const place = await openNeighbourhood(t, { onAvailability: (flags) => told.push(flags) });
  const { world } = place;
  const manifest: Partial<PluginManifest> = {
    roles: ["availability"],
    contributes: { capabilities: [offer("ext.acme.uplink.report")] },
  };
  const release = packed(place, { name: "uplink", code: example("ctx.availability.set("), manifest });
  await world.runtime.stage(release, [PROVIDE, allow("availability.set", { flags: ["internet"] })]);
  world.runtime.rights.assignRole("availability", release.id, {});
  const report = async (up: boolean): Promise<unknown> =>
    (await world.bus.call("ext.acme.uplink.report", { input: { up } })).output["internet"];
  assert.equal(await report(false), false);
  assert.equal(await report(true), true);
  assert.deepEqual(told, [{ internet: false }, {}]);
});

/** Plugins from a neighbour, and an owner who wants no neighbour to know. @source marketplace §5.5 */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { it } from "node:test";
import type { CommunityFacts, LocalError, PeerRow, PluginStatus } from "@hearthnet/host/contract";
import { readPackage } from "../../host/src/format/index.ts";
import { until } from "../../host/test/support/until.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { openShop } from "../marketplace/shop.ts";
import { startNode, temporaryFolder, type Closing, type LiveNode } from "../support/live-node.ts";

const WORDS = "village/word-watch";
/** Nobody listens there. */
const GONE = "https://127.0.0.1:9";

function start(t: Closing, settings: object): Promise<LiveNode> {
  const config = join(temporaryFolder(t), "hearthnet.config.mjs");
  writeFileSync(config, `export default ${JSON.stringify(settings)};\n`);
  return startNode(t, { args: ["--config", config] });
}

async function joined(host: LiveNode, guest: LiveNode): Promise<void> {
  const { fresh_device_id } = await guest.ask<CommunityFacts>(["community", "show"]);
  const { invite_blob } = await host.ask<{ invite_blob: string }>(["invite", fresh_device_id]);
  await guest.ask(["join", invite_blob]);
}

function isInReach({ online, state }: PeerRow): boolean {
  return online && state === "verified";
}

function featuresOf({ ready }: LiveNode): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const call = request(`${ready.bus}/manifest`, { rejectUnauthorized: false, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve((JSON.parse(Buffer.concat(parts).toString("utf8")) as { features: string[] }).features));
    });
    call.on("error", reject).end();
  });
}

it("a plugin comes from a neighbour where its registry cannot be reached, unless the owner asks no neighbours", async (t) => {
  const shop = openShop(t, { namespace: "village", development: false, now: Date.now() });
  const bytes = readFileSync(await packFixture(temporaryFolder(t), "word-watch", { namespace: "village", key: shop.key }));
  shop.list({ bytes, manifest: (await readPackage(bytes)).manifest });
  shop.commit();
  const root = join(temporaryFolder(t), "village.root.json");
  copyFileSync(join(shop.folder, "root.json"), root);
  const village = { name: "village", root, namespaces: ["village/*"] };
  const [first, open, shy] = await Promise.all([
    start(t, { registries: [{ ...village, path: shop.folder }] }),
    start(t, { registries: [{ ...village, url: GONE }] }),
    start(t, { registries: [{ ...village, url: GONE }], marketplace: { askPeers: false, servePackages: false } }),
  ]);
  assert.ok((await featuresOf(first)).includes("pkg"));
  assert.ok(!(await featuresOf(shy)).includes("pkg"), "who gives nothing offers nothing");
  await first.ask(["community", "create", "Mill Street"]);
  await first.ask(["plugin", "install", WORDS, "--grant", "all"]);
  for (const node of [open, shy]) await joined(first, node);

  const from = performance.now();
  const status = await until(
    "it comes from the neighbour",
    async () => {
      const { code, json } = await open.cli(["plugin", "install", WORDS, "--grant", "all"]);
      return code === 0 ? (json as PluginStatus) : undefined;
    },
    60_000,
  );
  assert.equal(status.state, "active");
  process.stdout.write(
    `figure: ${bytes.byteLength} B of a plugin from a neighbour, running after ${Math.round(performance.now() - from)} ms\n`,
  );
  await until("the other one sees her as well", async () => (await shy.ask<PeerRow[]>(["peer", "list"])).some(isInReach), 60_000);
  const refused = await shy.cli(["plugin", "install", WORDS, "--grant", "all"]);
  assert.equal((refused.json as LocalError).reason, "unreachable", refused.stdout);
});

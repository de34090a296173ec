import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import type { BundleFacts, BundleMade, CatalogItem, LocalError, PluginStatus } from "@hearthnet/host/contract";
import { until } from "../../host/test/support/until.ts";
import { makeOcrPages } from "../fixtures/ocr-pages.ts";
import { registryOf } from "../support/keeper.ts";
import { runCli, startCommand, startNode, temporaryFolder } from "../support/live-node.ts";

const EMBEDDED = join(import.meta.dirname, "..", "..", "host", "dist", "registry-embedded");
/** Words before a command for which the registry that ships with the host is gone, but for its root. */
const WITHOUT_REGISTRY = [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'for part in tuf blobs; do mount -t tmpfs none "$0/$part" || exit 1; done; exec "$@"',
  EMBEDDED,
];

it(
  "carries text recognition on a stick to a node that has no registry, and a page is read there",
  { timeout: 300_000 },
  async (t) => {
    if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
    if (spawnSync(WITHOUT_REGISTRY[0] ?? "", [...WITHOUT_REGISTRY.slice(1), "true"]).status !== 0)
      return t.skip("needs CAP_SYS_ADMIN");
    const stick = temporaryFolder(t);
    const path = join(stick, "ocr.hnbundle");
    const near = await startNode(t);
    const made = await near.ask<BundleMade>(["plugin", "bundle", "hearthnet/ocr", "--with-deps", "--with-assets", "--out", path]);
    assert.equal(made.plugins[0]?.id, "hearthnet/ocr");
    assert.ok(made.assets > 0);
    assert.ok(statSync(path).size >= made.size_bytes);
    const twice = await near.cli(["plugin", "bundle", "hearthnet/ocr", "--out", path]);
    assert.equal((twice.json as LocalError).error, "bad_request");
    await near.stop();
    assert.deepEqual(readdirSync(stick), ["ocr.hnbundle"], "nothing half lies beside it");

    const far = await startNode(t, { within: WITHOUT_REGISTRY });
    const before = await far.cli(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
    assert.equal((before.json as LocalError).reason, "unreachable");
    const spoilt = join(stick, "spoilt.hnbundle");
    const bytes = readFileSync(path);
    const middle = Math.floor(bytes.byteLength / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(spoilt, bytes);
    assert.equal(((await far.cli(["bundle", "attach", spoilt])).json as LocalError).reason, "damaged");
    assert.deepEqual(await far.ask(["bundle", "list"]), []);

    const from = performance.now();
    const facts = await far.ask<BundleFacts>(["bundle", "attach", path]);
    process.stdout.write(
      `figure: a bundle of ${Math.round(facts.size_bytes / 1e6)} MB is attached in ${Math.round(performance.now() - from)} ms\n`,
    );
    assert.equal(facts.catalogues[0]?.standing, "newer");
    assert.ok(facts.plugins.every(({ usable }) => usable));
    rmSync(path);
    assert.equal((await far.ask<CatalogItem[]>(["plugin", "search", "Texterkennung"]))[0]?.id, "hearthnet/ocr");
    const status = await far.ask<PluginStatus>(["plugin", "install", "hearthnet/ocr", "--grant", "all"]);
    assert.equal(status.state, "active");
    const [page] = await makeOcrPages([{ language: "eng", kind: "clean", repeat: 1 }]);
    writeFileSync(join(stick, "page.png"), page?.image ?? "");
    const words = ["call", "ocr.image", "--file", `image_b64=${join(stick, "page.png")}`, "--params", '{"languages":["eng"]}'];
    const { output } = await far.ask<{ output: { text: string } }>(words);
    assert.ok(output.text.length > 100, output.text);

    assert.match(
      (await runCli(["--data", far.dataDir, "bundle", "list"], { home: stick })).stdout,
      /hearthnet\/ocr .*can be installed/,
    );
    await far.ask(["bundle", "detach", facts.id.slice(0, 8)]);
    assert.deepEqual(readdirSync(join(far.dataDir, "marketplace", "bundles")), []);
    assert.equal((await far.ask<PluginStatus[]>(["plugin", "list"]))[0]?.state, "active", "what was installed stays");
  },
);

it("carries a neighbour's plugin, from a registry that only one of two nodes can reach", async (t) => {
  if (spawnSync("bwrap", ["--version"]).status !== 0) return t.skip("needs bubblewrap");
  const acme = await registryOf(t, "acme");
  const server = startCommand(t, ["registry", "serve", "--out", "registry", "--port", "0", "--json"], acme);
  const url = await until("the registry is served", () => /"url":"([^"]+)"/.exec(server.stdout())?.[1]);
  const home = temporaryFolder(t);
  copyFileSync(join(acme.home, "registry", "root.json"), join(home, "acme.root.json"));
  const config = (name: string, root: string): string[] => {
    const file = join(home, `${name}.config.ts`);
    const registries = [{ name, url, root, namespaces: ["acme/*"] }];
    writeFileSync(file, `export default ${JSON.stringify({ registries })};\n`);
    return ["--config", file];
  };
  const near = await startNode(t, { args: config("acme", "acme.root.json") });
  const folder = `${join(home, "stick")}/`;
  await near.ask(["plugin", "bundle", "acme/hello@0.1.0", "--out", folder]);
  assert.ok(existsSync(join(folder, "bundle.json")));
  await server.stop();

  // It knows the root by its hash alone, and calls the registry by another name.
  const far = await startNode(t, { args: config("dorf", `sha256:${acme.rootHash}`) });
  const facts = await far.ask<BundleFacts>(["bundle", "attach", folder]);
  assert.deepEqual(
    facts.plugins.map(({ id, usable }) => [id, usable]),
    [["acme/hello", true]],
  );
  const words = ["plugin", "install", "acme/hello", "--grant", "all"];
  const status = await far.ask<PluginStatus>(words);
  assert.equal(status.state, "active");

  const stranger = await startNode(t);
  const refused = await stranger.cli(["bundle", "attach", folder]);
  assert.equal((refused.json as LocalError).reason, "wrong_key");
  assert.deepEqual(readdirSync(join(stranger.dataDir, "marketplace", "bundles")), []);
});

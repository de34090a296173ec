/** A node that cannot reach any registry installs from the house next door. @source marketplace §5, §11 "internet cut: install from a neighbour" */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import type { LocalError, PluginStatus } from "@hearthnet/host/contract";
import { readPackage } from "../../host/src/format/index.ts";
import { makeOcrPages, type OcrPage } from "../fixtures/ocr-pages.ts";
import { packFixture } from "../fixtures/signed-folder.ts";
import { openShop } from "../marketplace/shop.ts";
import { startNode, temporaryFolder, type Closing, type LiveNode } from "../support/live-node.ts";
import { Lane, noNetworks, type House } from "../support/namespaces.ts";
import { characterErrorRate } from "../support/ocr-accuracy.ts";
import { selfSigned } from "../support/self-signed.ts";
import { invited, portOf, sees } from "./residents.ts";

const STREET = "10.77.1";
const ROOT = join(import.meta.dirname, "..", "..");
const EMBEDDED = join(ROOT, "host", "dist", "registry-embedded");
const OCR = "hearthnet/ocr";
const WORDS = "village/word-watch";
const skip = noNetworks;

interface Registry {
  url: string;
  root: string;
  /** Certificate that its server shows. */
  ca: string;
}

/** A registry with one plugin, served over https from a house of its own. */
async function openRegistry(t: Closing, house: House): Promise<Registry> {
  const shop = openShop(t, { namespace: "village", development: false, now: Date.now() });
  const key = { namespace: "village", key: shop.key };
  const bytes = readFileSync(await packFixture(temporaryFolder(t), "word-watch", key));
  shop.list({ bytes, manifest: (await readPackage(bytes)).manifest });
  shop.commit();
  const folder = temporaryFolder(t);
  const { cert, key: certKey } = await selfSigned(house.address);
  const [ca, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  writeFileSync(ca, cert);
  writeFileSync(keyFile, certKey, { mode: 0o600 });
  const words = [join(ROOT, "host", "bin", "hearthnet.mjs"), "registry", "serve", "--out", shop.folder];
  words.push("--host", house.address, "--port", "8443", "--cert", ca, "--cert-key", keyFile);
  const [program = "", ...prefix] = house.prefix;
  const child = spawn(program, [...prefix, process.execPath, ...words], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await once(child.stdout, "data");
  return { url: `https://${house.address}:8443`, root: join(shop.folder, "root.json"), ca };
}

/**
 * A node in that house that takes plugins from the registry.
 * @param o.slim  of its own registry it has the root alone, as a host that was brought without plugins
 */
function moveIn(t: Closing, house: House, { registry, slim = false }: { registry: Registry; slim?: boolean }): Promise<LiveNode> {
  const folder = temporaryFolder(t);
  const config = join(folder, "hearthnet.config.mjs");
  const { url, root, ca } = registry;
  const village = { name: "village", url, root, namespaces: ["village/*"] };
  writeFileSync(config, `export default ${JSON.stringify({ registries: [village] })};\n`);
  const rootAlone = join(folder, "registry");
  mkdirSync(rootAlone);
  copyFileSync(join(EMBEDDED, "root.json"), join(rootAlone, "root.json"));
  // The namespace's mounts are its own: nobody else sees the other folder.
  const covered = ["sh", "-c", `mount --bind '${rootAlone}' '${EMBEDDED}' && exec "$0" "$@"`];
  const within = [...house.prefix, "env", `NODE_EXTRA_CA_CERTS=${ca}`, ...(slim ? covered : [])];
  return startNode(t, { discovery: true, within, args: ["--config", config] });
}

function install(node: LiveNode, id: string): ReturnType<LiveNode["cli"]> {
  return node.cli(["plugin", "install", id, "--grant", "all"]);
}

/** One bit of every file that it would give. @returns how many files */
function spoil({ dataDir }: LiveNode): number {
  const files = ["archives", "assets"].flatMap((name) => {
    const folder = join(dataDir, "marketplace", name);
    return readdirSync(folder).map((file) => join(folder, file));
  });
  for (const file of files) {
    const bytes = readFileSync(file);
    const at = bytes.byteLength >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  }
  return files.length;
}

/** Bytes that came in for its plugins. */
function fetched({ dataDir }: LiveNode): number {
  return ["archives", "assets"]
    .map((name) => join(dataDir, "marketplace", name))
    .flatMap((folder) => readdirSync(folder).map((file) => statSync(join(folder, file)).size))
    .reduce((sum, size) => sum + size, 0);
}

describe("a house whose uplink is cut", () => {
  let page: OcrPage;
  before(async () => {
    if (skip === false) [page] = (await makeOcrPages([{ language: "deu", kind: "clean" }])) as [OcrPage];
  });

  it(
    "gets a plugin with its language data from the house next door, past one that gives damaged files, and reads a page with it",
    { skip },
    async (t) => {
      const lane = new Lane(t);
      const [own, two, three, far] = [2, 3, 4, 9].map((host) => lane.house({ street: STREET, host })) as [
        House,
        House,
        House,
        House,
      ];
      const registry = await openRegistry(t, far);
      const anna = await moveIn(t, two, { registry });
      const crooked = await moveIn(t, three, { registry });
      await anna.ask(["community", "create", "Mill Street"]);
      assert.equal((await anna.ask<PluginStatus>(["plugin", "install", WORDS, "--grant", "all"])).state, "active");
      assert.equal((await crooked.ask<PluginStatus>(["plugin", "install", OCR, "--grant", "all"])).state, "active");
      assert.equal(spoil(crooked), 3, "a package and two languages");
      lane.pull(far);

      const node = await moveIn(t, own, { registry, slim: true });
      const alone = await install(node, OCR);
      assert.deepEqual([alone.code, (alone.json as LocalError).reason], [1, "unreachable"], "it belongs to nobody yet");
      await invited(anna, crooked);
      await invited(anna, node);
      for (const [other, house] of [
        [anna, two],
        [crooked, three],
      ] as const)
        await sees(node, other, { state: "verified", host: house.address, port: portOf(other) });

      const refused = await install(node, OCR);
      assert.equal((refused.json as LocalError).reason, "neighbours_damaged", refused.stdout);
      assert.deepEqual(await node.ask(["plugin", "list"]), [], "nothing of it is here");

      assert.equal((await anna.ask<PluginStatus>(["plugin", "install", OCR, "--grant", "all"])).state, "active");
      const from = performance.now();
      const installed = await install(node, OCR);
      const seconds = (performance.now() - from) / 1000;
      assert.equal(installed.code, 0, installed.stdout);
      assert.equal((installed.json as PluginStatus).state, "active");
      const megabytes = fetched(node) / 1e6;
      process.stdout.write(
        `figure: ${OCR} with two languages, ${megabytes.toFixed(1)} MB, from a neighbour in ${seconds.toFixed(1)} s, start included\n`,
      );
      const words = await install(node, WORDS);
      assert.equal(words.code, 0, words.stdout);

      const picture = join(temporaryFolder(t), "page.png");
      writeFileSync(picture, page.image);
      const params = JSON.stringify({ languages: ["deu"] });
      const call = ["call", "ocr.image", "--file", `image_b64=${picture}`, "--params", params, "--node", node.ready.node_id];
      const answer = await node.ask<{ output: { text: string }; provider: string }>(call);
      assert.equal(answer.provider, node.ready.node_id);
      const cer = characterErrorRate(page.truth, answer.output.text);
      assert.ok(cer < 2, `${cer} % of the characters are wrong`);
      process.stdout.write(`figure: read with what came from a neighbour: ${cer.toFixed(2)} % character errors\n`);
    },
  );
});

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { sha256Hex } from "../../host/src/format/index.ts";
import { assetOf, makePackage, openNode, openShop, reasonOf, type Shop } from "./shop.ts";
import { addFile } from "./tampering.ts";

const DAY_MS = 86_400_000;
const MODEL = Buffer.alloc(300_000, "model ");
const ALL = { id: "hearthnet/echo", grants: "all", grantedBy: "operator" } as const;

function shopWith(t: Parameters<typeof openShop>[0], order: Partial<Parameters<typeof makePackage>[0]> = {}): Shop {
  const shop = openShop(t);
  shop.list(makePackage({ key: shop.key, ...order }));
  shop.repository.putBlob(MODEL);
  shop.commit();
  return shop;
}

function overwrite(path: string, bytes: string | Buffer): void {
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
}

describe("what lies in the store", () => {
  it("is found changed even when its own list was changed with it", async (t) => {
    const node = await openNode(t, shopWith(t));
    await node.marketplace.install(ALL);
    const release = node.staged[0]?.release;
    assert.ok(release);
    const evil = Buffer.from("export default 'evil';\n");
    const list = JSON.parse(readFileSync(join(release.dir, "files.json"), "utf8")) as Record<string, unknown>[];
    const forged = list.map((row) =>
      row["path"] === "dist/main.mjs" ? { ...row, size: evil.byteLength, sha256: sha256Hex(evil) } : row,
    );
    overwrite(join(release.dir, "dist", "main.mjs"), evil);
    overwrite(join(release.dir, "files.json"), JSON.stringify(forged));
    assert.equal(await reasonOf(node.marketplace.admit(release)), "tampered");
    assert.deepEqual(await node.marketplace.recheck(ALL.id), { ok: false, tampered: ["files.json"] });
  });

  it("is found changed when something was laid beside the signature", async (t) => {
    const node = await openNode(t, shopWith(t));
    await node.marketplace.install(ALL);
    const release = node.staged[0]?.release;
    assert.ok(release);
    mkdirSync(join(release.dir, "attest"), { recursive: true });
    writeFileSync(join(release.dir, "attest", "rebuild.intoto.jsonl"), "{}\n");
    assert.equal(await reasonOf(node.marketplace.admit(release)), "none", "what third parties attest may come later");
    writeFileSync(join(release.dir, "sig", "more.mjs"), "export {};\n");
    assert.equal(await reasonOf(node.marketplace.admit(release)), "tampered");
  });

  it("is mended by installing it again, assets included", async (t) => {
    const node = await openNode(t, shopWith(t, { manifest: assetOf(MODEL) }));
    await node.marketplace.install(ALL);
    const release = node.staged[0]?.release;
    const weights = release?.assets["model"]?.["weights.bin"] ?? "";
    assert.ok(release);
    overwrite(weights, Buffer.alloc(MODEL.byteLength, "poison"));
    assert.deepEqual(await node.marketplace.recheck(ALL.id), { ok: false, tampered: ["model/weights.bin"] });
    overwrite(join(release.dir, "dist", "main.mjs"), "export default 2;\n");
    assert.equal((await node.marketplace.recheck(ALL.id)).tampered.length, 2);
    await node.marketplace.install(ALL);
    assert.deepEqual(await node.marketplace.recheck(ALL.id), { ok: true, tampered: [] });
    assert.deepEqual(readFileSync(weights), MODEL);
  });

  it("stays when mending it fails or is given up", async (t) => {
    const shop = shopWith(t, { manifest: assetOf(MODEL) });
    const node = await openNode(t, shop);
    await node.marketplace.install(ALL);
    const release = node.staged[0]?.release;
    assert.ok(release);
    overwrite(join(release.dir, "dist", "main.mjs"), "export default 2;\n");
    const abort = new AbortController();
    const onProgress = ({ step }: { step: string }): void => void (step === "assets" && abort.abort());
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, signal: abort.signal, onProgress })), "AbortError");
    assert.ok(existsSync(join(release.dir, "files.json")), "the runtime still refers to it");
    assert.ok(existsSync(release.assets["model"]?.["weights.bin"] ?? ""));
  });
});

describe("a package that came as a file", () => {
  it("is refused when it carries more than its publisher signed", async (t) => {
    const shop = shopWith(t);
    const node = await openNode(t, shop);
    const { bytes } = makePackage({ version: "1.1.0", key: shop.key });
    for (const name of ["sig/more.mjs", "attest/more.mjs", "sig/sub/publisher.dsse.json"])
      assert.equal(await reasonOf(node.marketplace.importPackage(addFile(bytes, name))), "tampered", name);
    assert.deepEqual(node.leftovers(), []);
  });

  it("is refused when the catalogue names other bytes under its version", async (t) => {
    const shop = shopWith(t);
    const node = await openNode(t, shop);
    const other = makePackage({ key: shop.key, files: { "dist/main.mjs": { bytes: Buffer.from("export default 9;\n") } } });
    assert.equal(await reasonOf(node.marketplace.importPackage(other.bytes)), "damaged");
    assert.deepEqual(node.leftovers(), []);
  });

  it("installs without the registry when it is the one that the catalogue names", async (t) => {
    const shop = openShop(t);
    const made = makePackage({ key: shop.key });
    shop.list(made);
    shop.commit();
    const node = await openNode(t, shop);
    await node.marketplace.show(ALL.id);
    rmSync(shop.folder, { recursive: true });
    node.clock.advance(60_000);
    assert.deepEqual(await node.marketplace.importPackage(made.bytes), { id: ALL.id, version: "1.0.0" });
    await node.marketplace.install(ALL);
    assert.equal(node.staged[0]?.release.sha256, sha256Hex(made.bytes));
    assert.ok(!node.leftovers().some((name) => name.startsWith("imports/")), "once installed, the archive has served");
  });

  it("waits a week for its installation, and goes then", async (t) => {
    const shop = shopWith(t);
    const node = await openNode(t, shop);
    await node.marketplace.importPackage(makePackage({ version: "1.1.0", key: shop.key }).bytes);
    node.clock.advance(6 * DAY_MS);
    await node.reopen();
    assert.equal((await node.marketplace.review(ALL.id)).version, "1.1.0");
    node.clock.advance(2 * DAY_MS);
    await node.reopen();
    assert.deepEqual(node.leftovers(), []);
    assert.equal((await node.marketplace.review(ALL.id)).version, "1.0.0");
  });

  it("does not go around what was withdrawn or revoked, nor back to an older version", async (t) => {
    const shop = openShop(t);
    const made = makePackage({ key: shop.key });
    shop.list({ ...made, status: "yanked" });
    shop.repository.revoke({
      ns: "hearthnet",
      name: "echo",
      versions: ["3.0.0"],
      severity: "revoked",
      reason: "It steals.",
      url: "",
    });
    shop.commit();
    const node = await openNode(t, shop);
    await node.marketplace.importPackage(made.bytes);
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, version: "1.0.0" })), "yanked");
    assert.equal(
      await reasonOf(node.marketplace.importPackage(makePackage({ version: "3.0.0", key: shop.key }).bytes)),
      "package_revoked",
    );
    await node.marketplace.importPackage(makePackage({ version: "2.0.0", key: shop.key }).bytes);
    await node.marketplace.install({ ...ALL, version: "2.0.0" });
    await node.marketplace.importPackage(makePackage({ version: "1.5.0", key: shop.key }).bytes);
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, version: "1.5.0" })), "rolled_back");
  });
});

it("a plugin whose needs are not there says which", async (t) => {
  const shop = openShop(t);
  const needs = { dependencies: { "hearthnet/base": "^1.2.0" } };
  shop.list(makePackage({ key: shop.key, manifest: needs }));
  for (const version of ["1.0.0", "1.2.0"]) shop.list(makePackage({ id: "hearthnet/base", version, key: shop.key }));
  shop.commit();
  const node = await openNode(t, shop);
  assert.equal(await reasonOf(node.marketplace.install(ALL)), "incompatible");
  await node.marketplace.install({ ...ALL, id: "hearthnet/base", version: "1.0.0" });
  await assert.rejects(node.marketplace.install(ALL), /needs hearthnet\/base \^1\.2\.0; 1\.0\.0 is installed/);
  await node.marketplace.install({ ...ALL, id: "hearthnet/base" });
  await node.marketplace.install(ALL);
  assert.equal(node.staged.at(-1)?.release.id, ALL.id);
});

it("a registry has a short name of its own", async (t) => {
  const shop = shopWith(t);
  const registry = (id: string, namespaces: string[]): object => ({
    id,
    namespaces,
    root: join(shop.folder, "root.json"),
    source: shop.folder,
  });
  for (const registries of [[registry("../up", ["*"])], [registry("a", ["acme/*"]), registry("a", ["other/*"])]])
    assert.equal(await reasonOf(openNode(t, shop, { registries: registries as never })), "bad_request");
});

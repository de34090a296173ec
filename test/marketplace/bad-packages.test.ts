import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, it } from "node:test";
import { HnError } from "../../host/src/foundation/index.ts";
import { makePackage, openNode, openShop, type Node, type Shop } from "./shop.ts";
import { CHANGES } from "./package-changes.ts";
import { flipByte, packAgain } from "./tampering.ts";

function foreignKey(): KeyObject {
  return createPrivateKey(generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }));
}

async function refused(work: Promise<unknown>, reason: string, node: Node): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(HnError.isHnError(error), String(error));
    assert.equal(error.reason, reason, error.message);
    assert.ok(error.message.length > 15 && error.action.length > 15, "it says what it means and what to do");
    return true;
  });
  assert.deepEqual(node.leftovers(), [], "nothing stays on disk");
  assert.deepEqual(node.staged, [], "nothing was started");
}

describe("a package that was changed", () => {
  for (const [name, change, reason] of CHANGES) {
    it(`is refused from a registry that vouches for it: ${name}`, async (t) => {
      const shop = openShop(t);
      const { bytes, manifest } = makePackage({ key: shop.key });
      shop.list({ bytes: change(bytes), manifest });
      shop.commit();
      const node = await openNode(t, shop);
      await refused(node.marketplace.install({ id: manifest.id, grants: "all", grantedBy: "operator" }), reason, node);
    });
    it(`is refused as a file: ${name}`, async (t) => {
      const { shop, node, bytes } = await withOriginal(t);
      void shop;
      await refused(node.marketplace.importPackage(change(bytes)), reason, node);
    });
  }

  it("is refused when a byte changes on its way from the registry", async (t) => {
    const { shop, node, bytes, manifest } = await withOriginal(t);
    shop.repository.putPackage("hearthnet", {
      path: "unused/unused/0.0.1.hnp",
      bytes: flipByte(bytes, "dist/main.mjs"),
      custom: {},
    });
    const { writeFileSync } = await import("node:fs");
    const { join } = await import("node:path");
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(shop.folder, "blobs", "sha256", sha256.slice(0, 2), sha256), flipByte(bytes, "dist/main.mjs"));
    await refused(node.marketplace.install({ id: manifest.id, grants: "all", grantedBy: "operator" }), "damaged", node);
  });

  it("is refused when somebody else signed it, from a registry and as a file", async (t) => {
    const shop = openShop(t);
    const { bytes, manifest } = makePackage({ key: foreignKey() });
    shop.list({ bytes, manifest });
    shop.commit();
    const node = await openNode(t, shop);
    await refused(node.marketplace.install({ id: manifest.id, grants: "all", grantedBy: "operator" }), "wrong_key", node);
    await refused(node.marketplace.importPackage(bytes), "wrong_key", node);
  });

  for (const [what, file] of [
    ["a Node addon", { path: "lib/addon.node", bytes: Buffer.from("not even one") }],
    [
      "a program for Linux under an innocent name",
      { path: "dist/words.txt", bytes: Buffer.from("\x7fELF\x02\x01\x01\0 and so on", "latin1") },
    ],
    ["a library for Windows", { path: "lib/helper.dll", bytes: Buffer.from("MZ") }],
  ] as const)
    it(`is refused with ${what} and without the right to run it, from a registry and as a file; with the right it is taken`, async (t) => {
      const shop = openShop(t);
      const files = { [file.path]: { bytes: file.bytes } };
      const made = makePackage({ key: shop.key, files });
      shop.list(made);
      const native = { name: "native" as const, scope: { mode: ["addon"] }, reason: { en: "Runs an addon." } };
      const asking = makePackage({
        id: "hearthnet/native",
        key: shop.key,
        files,
        manifest: {
          tier: { min: "process", native: true },
          platforms: [`${process.platform}-${process.arch}`],
          permissions: [native],
        },
      });
      shop.list(asking);
      shop.commit();
      const node = await openNode(t, shop);
      const { id } = made.manifest;
      await refused(node.marketplace.install({ id, grants: "all", grantedBy: "operator" }), "native_undeclared", node);
      await refused(node.marketplace.importPackage(made.bytes), "native_undeclared", node);
      const request = { id: asking.manifest.id, grants: "all", grantedBy: "operator", confirmId: asking.manifest.id } as const;
      await node.marketplace.install(request);
      assert.equal(node.staged.length, 1);
    });

  it("is refused when it is another plugin or version than the catalogue says", async (t) => {
    for (const path of ["hearthnet/other/1.0.0.hnp", "hearthnet/echo/2.0.0.hnp"]) {
      const shop = openShop(t);
      const { bytes, manifest } = makePackage({ key: shop.key });
      shop.list({ bytes, manifest, path });
      shop.commit();
      const node = await openNode(t, shop);
      const [ns, name, file] = path.split("/");
      const request = {
        id: `${ns}/${name}`,
        version: (file ?? "").replace(".hnp", ""),
        grants: "all",
        grantedBy: "operator",
      } as const;
      await refused(node.marketplace.install(request), "tampered", node);
    }
  });

  it("is no concern when only the compression differs: the registry names those bytes, the publisher the content", async (t) => {
    const shop = openShop(t);
    const { bytes, manifest } = makePackage({ key: shop.key });
    shop.list({ bytes: packAgain(bytes), manifest });
    shop.commit();
    const node = await openNode(t, shop);
    await node.marketplace.install({ id: manifest.id, grants: "all", grantedBy: "operator" });
    assert.equal(node.staged.length, 1);
  });
});

async function withOriginal(
  t: Parameters<typeof openShop>[0],
): Promise<{ shop: Shop; node: Node; bytes: Uint8Array; manifest: ReturnType<typeof makePackage>["manifest"] }> {
  const shop = openShop(t);
  const made = makePackage({ key: shop.key });
  shop.list(made);
  shop.commit();
  return { shop, node: await openNode(t, shop), ...made };
}

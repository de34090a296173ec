/** Programs that come as assets: what consent shows, what comes in, what is refused, and that nothing of it can be run where it is stored. @source plugin-platform §3.4.4, §4.4 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { AssetDeclaration, PluginManifest, WorkerDeclaration } from "../../host/src/contract/index.ts";
import { blobCid } from "../../host/src/format/index.ts";
import { elf } from "../../host/test/runtime/fixtures/elf.ts";
import { folder, makePackage, openNode, openShop, reasonOf, type Node, type Shop } from "./shop.ts";

const ID = "acme/tools";
const ALL = { id: ID, grants: "all", grantedBy: "operator", confirmId: ID } as const;
const HERE = `${process.platform}-${process.arch}`;
const THERE = HERE === "linux-x64" ? "linux-arm64" : "linux-x64";
const skip = HERE !== "linux-x64" && HERE !== "linux-arm64" ? "the fixture is a program of these two" : false;
const PROGRAM = Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("the program")]);
const LIBRARY = Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("its library")]);
const WORDS = Buffer.from("some words that are not code");
const OTHERS = Buffer.from(elf(THERE as "linux-x64"));

const asset = (name: string, files: Record<string, Buffer>, change: Partial<AssetDeclaration> = {}): AssetDeclaration => ({
  name,
  license: "MIT",
  files: Object.entries(files).map(([path, bytes]) => ({
    path,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    cid: blobCid(bytes).cid,
    sizeBytes: bytes.byteLength,
    sources: [],
  })),
  ...change,
});
const worker = (exec: WorkerDeclaration["exec"] & object): WorkerDeclaration => ({
  name: "tool",
  exec,
  limits: { memoryMb: 64, wallMs: 1000 },
});

/** A plugin whose worker is a program of the asset `tools`. */
const NATIVE: Partial<PluginManifest> = {
  tier: { min: "process", native: true },
  platforms: [HERE],
  contributes: { workers: [worker({ asset: "tools", path: "bin/tool" })] },
  permissions: [
    { name: "proc.worker", scope: { workers: ["tool"] }, reason: { en: "x" } },
    { name: "native", scope: { mode: ["exec"] }, reason: { en: "x" } },
  ],
  assets: [asset("tools", { "bin/tool": PROGRAM, "lib/libtool.so.1": LIBRARY, words: WORDS })],
};

async function nodeWith(
  t: TestContext,
  manifest: Partial<PluginManifest> = NATIVE,
  o: { trusted?: boolean } = {},
): Promise<{ shop: Shop; node: Node }> {
  const shop = openShop(t, { namespace: "acme" });
  shop.list(makePackage({ key: shop.key, id: ID, manifest }));
  for (const bytes of [PROGRAM, LIBRARY, WORDS, OTHERS]) shop.repository.putBlob(bytes);
  shop.commit();
  const node = await openNode(t, shop, o.trusted === false ? {} : { nativePublishers: [shop.publisher.keyId] });
  return { shop, node };
}
const storedAs = (node: Node, bytes: Buffer): string =>
  join(node.dataDir, "marketplace", "assets", createHash("sha256").update(bytes).digest("hex"));

describe("a program as an asset (§4.4)", { skip }, () => {
  it("stands in the review by its hash before anything is fetched, with the libraries beside it", async (t) => {
    const { node } = await nodeWith(t);
    const { binaries, confirmId, nativeAllowed } = await node.marketplace.review(ID);
    assert.deepEqual(
      binaries.map(({ asset: name, path, sha256 }) => [name, path, sha256]),
      [
        ["tools", "bin/tool", createHash("sha256").update(PROGRAM).digest("hex")],
        ["tools", "lib/libtool.so.1", createHash("sha256").update(LIBRARY).digest("hex")],
      ],
    );
    assert.deepEqual([confirmId, nativeAllowed], [true, true]);
    assert.deepEqual(node.leftovers(), []);
  });

  it("comes in as every asset does, and cannot be run where it is stored", async (t) => {
    const { node } = await nodeWith(t);
    await node.marketplace.install(ALL);
    assert.deepEqual(node.staged[0]?.release.assets["tools"], {
      "bin/tool": storedAs(node, PROGRAM),
      "lib/libtool.so.1": storedAs(node, LIBRARY),
      words: storedAs(node, WORDS),
    });
    assert.equal(lstatSync(storedAs(node, PROGRAM)).mode & 0o777, 0o444);
  });

  it("is fetched for this kind of machine alone", async (t) => {
    const { node } = await nodeWith(t, {
      ...NATIVE,
      platforms: ["linux-x64", "linux-arm64"],
      contributes: { workers: [worker({ asset: ["here", "there"], path: "bin/tool" })] },
      assets: [
        asset("there", { "bin/tool": OTHERS }, { platforms: [THERE] }),
        asset("here", { "bin/tool": PROGRAM }, { platforms: [HERE] }),
      ],
    });
    assert.deepEqual(
      (await node.marketplace.review(ID)).binaries.map(({ asset: name }) => name),
      ["here"],
    );
    await node.marketplace.install(ALL);
    assert.deepEqual(Object.keys(node.staged[0]?.release.assets ?? {}), ["here"]);
    assert.ok(!node.leftovers().includes(`assets/${createHash("sha256").update(OTHERS).digest("hex")}`));
  });

  const REFUSED: [what: string, manifest: Partial<PluginManifest>, reason: string][] = [
    [
      "that is built for another machine than its manifest says",
      { ...NATIVE, assets: [asset("tools", { "bin/tool": OTHERS })] },
      "program_platform",
    ],
    ["that is none", { ...NATIVE, assets: [asset("tools", { "bin/tool": WORDS })] }, "program_platform"],
    [
      "among files that the review calls data",
      { ...NATIVE, assets: [asset("tools", { "bin/tool": PROGRAM, words: LIBRARY })] },
      "program_undeclared",
    ],
    [
      "in a plugin without the right to machine code",
      { platforms: [HERE], assets: [asset("tools", { "bin/tool": PROGRAM })] },
      "native_undeclared",
    ],
  ];
  for (const [what, manifest, reason] of REFUSED)
    it(`${what} is refused with ${reason}, and nothing stays`, async (t) => {
      const { node } = await nodeWith(t, manifest);
      assert.equal(await reasonOf(node.marketplace.install(ALL)), reason);
      assert.deepEqual(node.leftovers(), []);
      assert.deepEqual(node.staged, []);
    });

  it("of a publisher whom this node does not trust with machine code is not even fetched", async (t) => {
    const { node } = await nodeWith(t, NATIVE, { trusted: false });
    assert.equal((await node.marketplace.review(ID)).nativeAllowed, false);
    assert.equal(await reasonOf(node.marketplace.install(ALL)), "policy");
    assert.deepEqual(node.leftovers(), []);
  });

  it("that was changed, or exchanged for a link to its own bytes, is found before the next start", async (t) => {
    for (const spoil of [
      (path: string) => {
        chmodSync(path, 0o644);
        writeFileSync(path, Buffer.concat([elf(HERE as "linux-x64"), Buffer.from("THE PROGRAM")]));
      },
      (path: string) => {
        const elsewhere = join(folder(t), "program");
        renameSync(path, elsewhere);
        symlinkSync(elsewhere, path);
      },
    ]) {
      const { node } = await nodeWith(t);
      await node.marketplace.install(ALL);
      spoil(storedAs(node, PROGRAM));
      const release = node.staged[0]?.release ?? assert.fail();
      assert.equal(await reasonOf(node.marketplace.admit(release)), "tampered");
      assert.deepEqual((await node.marketplace.recheck(ID)).tampered, ["tools/bin/tool"]);
      await node.marketplace.install(ALL);
      assert.ok(lstatSync(storedAs(node, PROGRAM)).isFile(), "installed again it is whole");
      assert.equal((await node.marketplace.recheck(ID)).ok, true);
    }
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  buildCommunityManifest,
  createRootKey,
  exportRootKey,
  importRootKey,
  verifyCommunityManifest,
} from "../../../src/identity/index.ts";
import { communityFacts, refused } from "../people.ts";

const FACTS = { passphrase: "twelve words or so", communityName: "Mühlenstraße", createdAt: "2026-07-01T12:00:00Z" };

/** The file with one member changed. */
function altered(text: string, change: (file: Record<string, unknown> & { kdf: Record<string, unknown> }) => void): string {
  const file = JSON.parse(text.slice(text.indexOf("{"))) as Record<string, unknown> & { kdf: Record<string, unknown> };
  change(file);
  return JSON.stringify(file);
}

describe("the community's root key on paper and stick (01 I-11)", async () => {
  const root = createRootKey();
  const text = await exportRootKey(root, FACTS);

  it("comes back as the same key, from the file and its passphrase", async () => {
    const again = await importRootKey(text, FACTS.passphrase);
    assert.equal(again.nodeId, root.nodeId);
    const manifest = buildCommunityManifest(again, communityFacts(root.nodeId));
    assert.equal(verifyCommunityManifest(manifest), true);
  });

  it("shows whose it is, and nothing of the key", () => {
    assert.match(text, /^HearthNet community root key\. Keep this file offline/);
    assert.ok(text.includes(root.nodeId) && text.includes("Mühlenstraße"));
    assert.ok(!text.includes(FACTS.passphrase));
  });

  it("is sealed differently each time", async () => {
    assert.notEqual(await exportRootKey(root, FACTS), text);
  });

  it("takes the passphrase in either spelling of an umlaut", async () => {
    const spelled = await exportRootKey(root, { ...FACTS, passphrase: "Mu\u0308hlenstraße zwölf" });
    assert.equal((await importRootKey(spelled, "M\u00fchlenstraße zwölf")).nodeId, root.nodeId);
  });

  it("does not open with another passphrase", async () => {
    await assert.rejects(importRootKey(text, "twelve words or So"), refused("unauthorized", "passphrase_wrong"));
  });

  it("wants a passphrase of twelve characters, as people count them", async () => {
    await assert.rejects(exportRootKey(root, { ...FACTS, passphrase: "eleven char" }), refused("bad_request", "password_weak"));
    await assert.rejects(exportRootKey(root, { ...FACTS, passphrase: "🔑".repeat(11) }), refused("bad_request", "password_weak"));
  });

  it("does not open when a readable line was altered: the header is sealed with the key", async () => {
    for (const change of [
      { community_name: "Other" },
      { created_at: "2026-07-02T12:00:00Z" },
      { community_id: createRootKey().nodeId },
    ])
      await assert.rejects(
        importRootKey(
          altered(text, (file) => Object.assign(file, change)),
          FACTS.passphrase,
        ),
        refused("unauthorized", "passphrase_wrong"),
      );
  });

  it("refuses what would take the machine's memory or hours before it begins", async () => {
    for (const change of [
      { memoryKiB: 4_194_304 },
      { memoryKiB: 8 },
      { passes: 1000 },
      { passes: 0 },
      { parallelism: 64 },
      { name: "md5" },
      { salt: "AA" },
    ]) {
      const started = performance.now();
      await assert.rejects(
        importRootKey(
          altered(text, ({ kdf }) => Object.assign(kdf, change)),
          FACTS.passphrase,
        ),
        refused("bad_request"),
      );
      assert.ok(performance.now() - started < 200, JSON.stringify(change));
    }
    for (const other of ["", "{}", "not a key", text.slice(0, -40), "{".repeat(100), `${text}${" ".repeat(9000)}`])
      await assert.rejects(importRootKey(other, FACTS.passphrase), refused("bad_request"), other.slice(0, 20));
  });

  it("cannot be written out once it was destroyed", async () => {
    const gone = createRootKey();
    gone.destroy();
    await assert.rejects(exportRootKey(gone, FACTS), /destroyed/);
  });
});

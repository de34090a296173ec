import assert from "node:assert/strict";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { InstallProgress, PluginManifest } from "../../host/src/contract/index.ts";
import { assetOf, makePackage, openNode, openShop, type Shop, reasonOf } from "./shop.ts";

const MODEL = Buffer.alloc(300_000, "model ");
const ALL = { id: "hearthnet/echo", grants: "all", grantedBy: "operator" } as const;

function shopWith(t: Parameters<typeof openShop>[0], manifest: Partial<PluginManifest>[] = [{}]): Shop {
  const shop = openShop(t);
  for (const part of manifest) shop.list(makePackage({ key: shop.key, manifest: part }));
  shop.repository.putBlob(MODEL);
  shop.commit();
  return shop;
}

describe("an installation", () => {
  it("brings package and assets in, shows its steps in order, and grants what was consented to", async (t) => {
    const node = await openNode(t, shopWith(t, [assetOf(MODEL)]));
    const steps: InstallProgress[] = [];
    await node.marketplace.install({ ...ALL, onProgress: (step) => void steps.push(step) });
    const [{ release, grants } = { release: undefined, grants: [] }] = node.staged;
    assert.ok(release);
    assert.equal(readFileSync(join(release.dir, "dist", "main.mjs"), "utf8"), "export default 1;\n");
    assert.deepEqual(readFileSync(release.assets["model"]?.["weights.bin"] ?? ""), MODEL);
    assert.equal(release.embeddedRoot, true);
    assert.deepEqual(
      grants.map(({ permission, mode }) => [permission, mode]),
      [
        ["storage.kv", "allow"],
        ["notify", "allow"],
      ],
    );
    const order = ["resolve", "fetch", "verify", "unpack", "assets", "consent", "start", "done"];
    assert.deepEqual([...new Set(steps.map(({ step }) => step))], order);
    const percents = steps.map(({ percent }) => percent);
    assert.deepEqual(
      percents,
      percents.toSorted((a, b) => a - b),
    );
    assert.equal(percents.at(-1), 100);
  });

  it("records what was refused, and gives nothing wider than what is asked for", async (t) => {
    const node = await openNode(t, shopWith(t));
    await node.marketplace.install({ ...ALL, grants: [{ permission: "notify" }] });
    assert.deepEqual(
      node.staged[0]?.grants.map(({ permission, mode }) => [permission, mode]),
      [
        ["notify", "allow"],
        ["storage.kv", "deny"],
      ],
    );
    const wider = { ...ALL, grants: [{ permission: "storage.kv", scope: { quotaMb: 500 } }] };
    assert.equal(await reasonOf(node.marketplace.install(wider)), "bad_request");
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, grants: [{ permission: "net.internet" }] })), "bad_request");
  });

  it("needs consent, and for far-reaching rights the typed id", async (t) => {
    const heavy: Partial<PluginManifest> = {
      permissions: [{ name: "net.internet", scope: { hosts: ["*"] }, reason: { en: "Everything." } }],
    };
    const node = await openNode(t, shopWith(t, [heavy]));
    assert.equal((await node.marketplace.review(ALL.id)).confirmId, true);
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, grants: [] })), "consent_required");
    assert.equal(await reasonOf(node.marketplace.install(ALL)), "consent_required");
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, confirmId: "hearthnet/other" })), "consent_required");
    assert.deepEqual(node.leftovers(), []);
    await node.marketplace.install({ ...ALL, confirmId: ALL.id });
    assert.equal(node.staged.length, 1);
  });

  it("is bound to what was shown", async (t) => {
    const shop = shopWith(t);
    const node = await openNode(t, shop);
    const review = await node.marketplace.review(ALL.id);
    shop.list(makePackage({ key: shop.key, manifest: { permissions: [{ name: "schedule", reason: { en: "Other." } }] } }));
    shop.commit();
    node.clock.advance(60_000);
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, reviewDigest: review.reviewDigest })), "review_stale");
    assert.deepEqual(node.leftovers(), []);
    const again = await node.marketplace.review(ALL.id);
    await node.marketplace.install({ ...ALL, reviewDigest: again.reviewDigest });
  });

  it("refuses what does not fit this host, what was withdrawn and what was revoked", async (t) => {
    const cases: [Partial<PluginManifest>, string][] = [
      [{ engines: { hearthnet: ">=7" } }, "incompatible"],
      [{ platforms: ["win32-arm64"] }, "incompatible"],
    ];
    for (const [manifest, reason] of cases) {
      const node = await openNode(t, shopWith(t, [manifest]));
      assert.equal(await reasonOf(node.marketplace.install(ALL)), reason);
      assert.deepEqual(node.leftovers(), []);
    }
    const yanked = openShop(t);
    yanked.list({ ...makePackage({ key: yanked.key }), status: "yanked" });
    yanked.commit();
    const reader = await openNode(t, yanked);
    assert.equal(await reasonOf(reader.marketplace.install({ ...ALL, version: "1.0.0" })), "yanked");
    assert.equal(await reasonOf(reader.marketplace.install(ALL)), "not_found", "nobody is offered it");

    const revoked = shopWith(t);
    const victim = await openNode(t, revoked);
    await victim.marketplace.install(ALL);
    revoked.repository.revoke({
      ns: "hearthnet",
      name: "echo",
      versions: ["1.0.0"],
      severity: "revoked",
      reason: "It steals.",
      url: "",
    });
    revoked.commit();
    victim.clock.advance(60_000);
    await victim.marketplace.refresh();
    assert.deepEqual(victim.quarantined, [{ id: ALL.id, reason: "package_revoked" }]);
    assert.equal(await reasonOf(victim.marketplace.install(ALL)), "package_revoked");
    const release = victim.staged[0]?.release;
    assert.ok(release);
    assert.equal(await reasonOf(victim.marketplace.admit(release)), "package_revoked");
  });

  it("does not go back to an older version by itself", async (t) => {
    const shop = shopWith(t, [{ version: "1.0.0" }, { version: "1.1.0" }]);
    const node = await openNode(t, shop);
    await node.marketplace.install(ALL);
    assert.equal(node.staged[0]?.release.version, "1.1.0");
    assert.equal(await reasonOf(node.marketplace.install({ ...ALL, version: "1.0.0" })), "rolled_back");
  });

  it("leaves nothing when an asset is not what the publisher named", async (t) => {
    for (const change of [{ sha256: "0".repeat(64) }, { cid: `blake3:${"0".repeat(64)}` }, { sizeBytes: 17 }]) {
      const node = await openNode(t, shopWith(t, [assetOf(MODEL, change)]));
      assert.equal(await reasonOf(node.marketplace.install(ALL)), "damaged");
      assert.deepEqual(node.leftovers(), []);
    }
  });

  it("ends at once and leaves nothing when it is cancelled, at every step", async (t) => {
    const shop = shopWith(t, [assetOf(MODEL)]);
    for (const step of ["resolve", "fetch", "verify", "unpack", "assets", "consent"] as const) {
      const node = await openNode(t, shop);
      const abort = new AbortController();
      const onProgress = (p: InstallProgress): void => {
        if (p.step === step) abort.abort();
      };
      assert.equal(await reasonOf(node.marketplace.install({ ...ALL, signal: abort.signal, onProgress })), "AbortError", step);
      assert.deepEqual([node.leftovers(), node.staged], [[], []], step);
    }
  });

  it("cleans up after a node that was killed in the middle, and keeps what is installed", async (t) => {
    const node = await openNode(t, shopWith(t, [assetOf(MODEL)]));
    await node.marketplace.install(ALL);
    const kept = node.leftovers();
    const room = join(node.dataDir, "marketplace");
    const { mkdirSync } = await import("node:fs");
    mkdirSync(join(room, "tmp", "01HALFDONE"), { recursive: true });
    mkdirSync(join(room, "store", "sha256", "f".repeat(64)), { recursive: true });
    writeFileSync(join(room, "assets", "e".repeat(64)), "half");
    await node.reopen();
    assert.deepEqual(node.leftovers(), kept);
  });

  it("keeps a former release that can come back, with its models, over a new start", async (t) => {
    const shop = shopWith(t, [assetOf(MODEL), { version: "1.1.0" }]);
    const node = await openNode(t, shop);
    await node.marketplace.install({ ...ALL, version: "1.0.0" });
    await node.marketplace.install(ALL);
    await node.reopen();
    const former = node.staged[0]?.release;
    assert.equal(former?.version, "1.0.0");
    await node.marketplace.admit(former);
  });

  it("of the very release that runs leaves its folder where it is", async (t) => {
    const node = await openNode(t, shopWith(t));
    await node.marketplace.install(ALL);
    const dir = node.staged[0]?.release.dir ?? "";
    const { statSync } = await import("node:fs");
    const before = statSync(dir).ino;
    await node.marketplace.install({ ...ALL, grants: [{ permission: "notify" }] });
    assert.equal(statSync(dir).ino, before);
  });
});

describe("an installed plugin", () => {
  it("whose files were changed is found before its next start and locked away", async (t) => {
    const node = await openNode(t, shopWith(t, [assetOf(MODEL)]));
    await node.marketplace.install(ALL);
    const release = node.staged[0]?.release;
    assert.ok(release);
    await node.marketplace.admit(release);
    assert.deepEqual(await node.marketplace.recheck(ALL.id), { ok: true, tampered: [] });
    const file = join(release.dir, "dist", "main.mjs");
    chmodSync(file, 0o644);
    writeFileSync(file, "export default 2;\n");
    assert.equal(await reasonOf(node.marketplace.admit(release)), "tampered");
    assert.deepEqual(await node.marketplace.recheck(ALL.id), { ok: false, tampered: ["dist/main.mjs"] });
    assert.deepEqual(node.quarantined, [{ id: ALL.id, reason: "tampered" }]);
    writeFileSync(file, "export default 1;\n");
    rmSync(release.assets["model"]?.["weights.bin"] ?? "");
    assert.equal(await reasonOf(node.marketplace.admit(release)), "tampered", "a missing asset counts");
  });

  it("can come as a file from a known publisher", async (t) => {
    const shop = shopWith(t);
    const node = await openNode(t, shop);
    const newer = makePackage({ version: "1.2.0", key: shop.key });
    assert.deepEqual(await node.marketplace.importPackage(newer.bytes), { id: ALL.id, version: "1.2.0" });
    assert.equal((await node.marketplace.review(ALL.id)).version, "1.2.0");
    await node.marketplace.install(ALL);
    assert.equal(node.staged[0]?.release.version, "1.2.0");
  });
});

it("two registries cannot own one namespace, and nobody but the host's own speaks for hearthnet", async (t) => {
  const shop = shopWith(t);
  const root = join(shop.folder, "root.json");
  const registry = (id: string, namespaces: string[]) => ({ id, root, source: shop.folder, namespaces });
  assert.equal(
    await reasonOf(openNode(t, shop, { registries: [registry("a", ["acme/*"]), registry("b", ["acme/*"])] })),
    "bad_request",
  );
  assert.equal(await reasonOf(openNode(t, shop, { registries: [registry("a", ["hearthnet/*"])] })), "bad_request");
});

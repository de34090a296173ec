import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { describe, it } from "node:test";
import type { PermissionRequest, PluginManifest } from "../../host/src/contract/index.ts";
import { makePackage, openNode, openShop, reasonOf, type Node, type Shop } from "./shop.ts";

const ID = "hearthnet/echo";
const ALL = { id: ID, grants: "all", grantedBy: "operator" } as const;
const KEEP = { id: ID, grants: "keep", grantedBy: "operator" } as const;
const ask = (name: PermissionRequest["name"], scope?: PermissionRequest["scope"]): PermissionRequest => ({
  name,
  ...(scope === undefined ? {} : { scope }),
  reason: { en: "Needs it." },
});
const NOTIFY = ask("notify");
const kv = (quotaMb: number): PermissionRequest => ask("storage.kv", { quotaMb });

function put(shop: Shop, version: string, manifest: Partial<PluginManifest> = {}, minSafeVersion?: string): void {
  const made = makePackage({ key: shop.key, version, manifest });
  shop.list({ ...made, ...(minSafeVersion === undefined ? {} : { minSafeVersion }) });
}

/** The node looks again only after a while. */
function publish(shop: Shop, node: Node): void {
  shop.commit();
  node.clock.advance(60_000);
}

async function nodeWith(
  t: Parameters<typeof openShop>[0],
  first: Partial<PluginManifest> = {},
): Promise<{ shop: Shop; node: Node }> {
  const shop = openShop(t);
  put(shop, "1.0.0", first);
  shop.list(makePackage({ key: shop.key, id: "hearthnet/other" }));
  shop.commit();
  const node = await openNode(t, shop);
  return { shop, node };
}
const rights = (node: Node): string[] =>
  node.staged.at(-1)?.grants.map(({ permission, scope, mode }) => `${permission} ${JSON.stringify(scope)} ${mode}`) ?? [];

describe("an update", () => {
  it("has the rights that the operator gave the version before: none that was refused, none wider, none that it does not ask for", async (t) => {
    const { shop, node } = await nodeWith(t, {
      permissions: [kv(4), NOTIFY, ask("ui.panel")],
      optionalPermissions: [ask("schedule")],
    });
    await node.marketplace.install({
      ...ALL,
      grants: [{ permission: "storage.kv", scope: { quotaMb: 2 } }, { permission: "ui.panel" }, { permission: "schedule" }],
    });
    put(shop, "1.1.0", {
      permissions: [kv(4), NOTIFY],
      optionalPermissions: [ask("schedule"), ask("compute", { classes: ["gpu"] })],
    });
    publish(shop, node);
    assert.equal((await node.marketplace.update(KEEP)).version, "1.1.0");
    assert.deepEqual(rights(node), ['storage.kv {"quotaMb":2} allow', "schedule {} allow", "notify {} deny"]);
    put(shop, "1.2.0", { permissions: [kv(1)], optionalPermissions: [] });
    publish(shop, node);
    await node.marketplace.update(KEEP);
    assert.deepEqual(rights(node), ['storage.kv {"quotaMb":1} allow'], "less needs nobody");
    assert.deepEqual(node.waiting, []);
  });

  for (const [what, more] of [
    ["another permission", { permissions: [kv(1), ask("ui.panel")] }],
    ["a wider scope", { permissions: [kv(2)] }],
    ["another plugin", { permissions: [kv(1)], dependencies: { "hearthnet/other": "*" } }],
  ] as const satisfies [string, Partial<PluginManifest>][]) {
    it(`that asks for ${what} waits for the operator, and the version before runs on (§3.4.2)`, async (t) => {
      const { shop, node } = await nodeWith(t, { permissions: [kv(1)] });
      await node.marketplace.install({ ...ALL, id: "hearthnet/other" });
      await node.marketplace.install(ALL);
      put(shop, "1.1.0", more);
      publish(shop, node);
      assert.equal(await reasonOf(node.marketplace.update(KEEP)), "consent_required");
      assert.deepEqual([node.staged.length, node.waiting], [2, [`${ID} 1.1.0`]]);
      await node.marketplace.update({ ...KEEP, grants: "all" });
      assert.equal(node.staged.at(-1)?.release.version, "1.1.0");
    });
  }

  it("to the version that runs does nothing; of what is not installed it is refused", async (t) => {
    const { node } = await nodeWith(t);
    assert.equal(await reasonOf(node.marketplace.update(KEEP)), "not_found");
    await node.marketplace.install(ALL);
    assert.equal((await node.marketplace.update(KEEP)).version, "1.0.0");
    assert.equal(node.staged.length, 1);
  });
});

describe("going back", () => {
  it("is allowed to a kept version and, again, forward, although no older one comes in by itself", async (t) => {
    const { shop, node } = await nodeWith(t);
    await node.marketplace.install(ALL);
    put(shop, "1.1.0");
    publish(shop, node);
    await node.marketplace.update(KEEP);
    assert.equal(await reasonOf(node.marketplace.update({ ...KEEP, version: "1.0.0" })), "rolled_back");
    assert.equal(await reasonOf(node.marketplace.rollback({ id: ID, version: "0.9.0" })), "not_kept");
    assert.equal((await node.marketplace.rollback({ id: ID })).version, "1.0.0");
    const newer = node.staged[1]?.release.dir ?? "";
    const before = statSync(newer).ino;
    await node.marketplace.update(KEEP);
    assert.equal(node.staged.at(-1)?.release.version, "1.1.0");
    assert.equal(statSync(newer).ino, before, "it was kept and may still run, so nothing is unpacked over it");
  });

  it("is refused below what the publisher calls safe, and to what was revoked", async (t) => {
    const { shop, node } = await nodeWith(t);
    await node.marketplace.install(ALL);
    put(shop, "1.1.0");
    publish(shop, node);
    await node.marketplace.update(KEEP);
    put(shop, "1.2.0", {}, "1.1.0");
    publish(shop, node);
    await node.marketplace.update(KEEP);
    assert.equal(await reasonOf(node.marketplace.rollback({ id: ID, version: "1.0.0" })), "rolled_back");
    assert.equal((await node.marketplace.rollback({ id: ID, version: "1.1.0" })).version, "1.1.0");
    const sha256 = node.staged[2]?.release.sha256 ?? "";
    shop.repository.revoke({ ns: "hearthnet", name: "echo", sha256, severity: "revoked", reason: "It steals.", url: "" });
    publish(shop, node);
    await node.marketplace.refresh();
    assert.equal(await reasonOf(node.marketplace.rollback({ id: ID, version: "1.2.0" })), "package_revoked");
  });
});

import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openServer } from "../../registry/src/1-http/server.ts";
import { folder, makePackage, NOW, openNode, openShop, type Node, type Shop, reasonOf } from "./shop.ts";

const DAY_MS = 86_400_000;

function stocked(t: Parameters<typeof openShop>[0], o: Parameters<typeof openShop>[1] = {}): Shop {
  const shop = openShop(t, o);
  shop.list(makePackage({ key: shop.key }));
  shop.commit();
  return shop;
}

/** A registry that is not part of the host: expiry counts. */
function remote(shop: Shop): NonNullable<Parameters<typeof openNode>[2]> {
  return {
    registries: [{ id: "village", root: join(shop.folder, "root.json"), source: shop.folder, namespaces: ["*"] }],
  };
}

async function refreshError(node: Node): Promise<string | undefined> {
  const { registries } = await node.marketplace.refresh();
  return registries[0]?.error?.message;
}

describe("a catalogue", () => {
  it("is searched in both languages, with umlauts or without", async (t) => {
    const node = await openNode(t, stocked(t));
    await node.marketplace.refresh();
    for (const q of ["widerhall", "ECHO", "sagt noch", "hearthnet/echo", ""])
      assert.equal(node.marketplace.search({ q }).length, 1, q);
    assert.equal(node.marketplace.search({ q: "widerhall tuba" }).length, 0);
    const detail = await node.marketplace.show("hearthnet/echo");
    assert.equal(detail.readme, "# Echo\n");
    assert.deepEqual(
      detail.versions.map(({ version, status }) => [version, status]),
      [["1.0.0", "active"]],
    );
  });

  it("reads the same from a folder and from a server", async (t) => {
    const shop = stocked(t);
    const { app, url } = await openServer({ folder: shop.folder, host: "127.0.0.1", port: 0 });
    t.after(() => app.close());
    const node = await openNode(t, shop, {
      registries: [{ id: "village", root: join(shop.folder, "root.json"), source: url, namespaces: ["*"] }],
    });
    const request = { id: "hearthnet/echo", grants: "all", grantedBy: "operator" } as const;
    // The first-party name belongs to the registry that ships with the host, whatever another one lists.
    assert.equal(await reasonOf(node.marketplace.install(request)), "not_found");
    const own = await openNode(t, shop, {
      registries: [
        { id: "hearthnet", root: join(shop.folder, "root.json"), source: url, namespaces: ["hearthnet/*", "*"], embedded: true },
      ],
    });
    await own.marketplace.install(request);
    assert.equal(own.staged[0]?.release.version, "1.0.0");
  });

  it("stays as last verified when its source falls silent, and says so", async (t) => {
    const shop = stocked(t, { namespace: "acme" });
    shop.list(makePackage({ id: "acme/echo", key: shop.key }));
    shop.commit();
    const node = await openNode(t, shop, remote(shop));
    assert.equal(await refreshError(node), undefined);
    rmSync(join(shop.folder, "tuf"), { recursive: true });
    node.clock.advance(60_000);
    assert.ok((await refreshError(node))?.length, "the failure is told");
    assert.ok(node.marketplace.search({ q: "echo" }).length >= 1);
    await node.reopen();
    assert.ok(node.marketplace.search({ q: "echo" }).length >= 1, "also after a new start");
  });

  it("is refused when an older state is put in place of a newer one", async (t) => {
    const shop = stocked(t);
    const old = folder(t);
    cpSync(shop.folder, old, { recursive: true });
    shop.reopen(NOW + 60_000);
    shop.list(makePackage({ version: "1.1.0", key: shop.key }));
    shop.commit();
    const node = await openNode(t, shop);
    assert.equal((await node.marketplace.show("hearthnet/echo")).latest, "1.1.0");
    rmSync(join(shop.folder, "tuf"), { recursive: true });
    cpSync(join(old, "tuf"), join(shop.folder, "tuf"), { recursive: true });
    node.clock.advance(60_000);
    assert.match((await refreshError(node)) ?? "", /older/);
    // Also when what the node had kept is lost: the floors lie elsewhere.
    const db = new DatabaseSync(join(node.dataDir, "marketplace", "marketplace.db"));
    db.exec("DELETE FROM metadata; DELETE FROM registry");
    db.close();
    node.clock.advance(60_000);
    await node.reopen();
    assert.ok((await refreshError(node))?.length);
    assert.equal(node.marketplace.search({ q: "" }).length, 0);
  });

  it("is refused when its parts come from different times, or were signed by nobody it names", async (t) => {
    const request = { id: "hearthnet/echo", grants: "all", grantedBy: "operator" } as const;
    const last = (names: readonly string[], role: string): string =>
      names.filter((name) => name.endsWith(`.${role}.json`)).at(-1) ?? "";
    for (const role of ["snapshot", "ns-hearthnet", "index", "revocations", "targets", "claimed"]) {
      const shop = stocked(t);
      const before = new Map(files(shop).map((name) => [name, readFileSync(join(shop.folder, "tuf", name))]));
      shop.reopen(NOW + 60_000);
      shop.list(makePackage({ version: "1.1.0", key: shop.key }));
      shop.commit();
      const stranger = stocked(t);
      const older = before.get(last([...before.keys()], role));
      const foreign = readFileSync(join(stranger.folder, "tuf", last(files(stranger), role)));
      const present = join(shop.folder, "tuf", last(files(shop), role));
      const right = readFileSync(present);
      for (const wrong of [older, foreign, right.subarray(0, right.byteLength - 1)]) {
        if (wrong === undefined || wrong.equals(right)) continue;
        writeFileSync(present, wrong);
        const node = await openNode(t, shop);
        const reason = await reasonOf(node.marketplace.install(request));
        assert.ok(["damaged", "rolled_back", "wrong_key"].includes(reason), `${role}: ${reason}`);
        assert.deepEqual([node.leftovers(), node.staged], [[], []], role);
      }
      writeFileSync(present, right);
      const node = await openNode(t, shop);
      assert.equal(await reasonOf(node.marketplace.install(request)), "none", "untouched it is taken");
    }
  });

  it("is not installed from when it has expired, unless the operator wants it this once", async (t) => {
    const shop = openShop(t, { namespace: "acme", development: false });
    shop.list(makePackage({ id: "acme/echo", key: shop.key }));
    shop.commit();
    const node = await openNode(t, shop, remote(shop));
    await node.marketplace.refresh();
    node.clock.advance(3 * DAY_MS);
    const request = { id: "acme/echo", grants: "all", grantedBy: "operator" } as const;
    assert.equal(await reasonOf(node.marketplace.install(request)), "catalogue_expired");
    assert.equal((await node.marketplace.refresh()).ageSeconds, 3 * 86_400);
    assert.equal(await reasonOf(node.marketplace.install({ ...request, useOldCatalogue: true })), "none");
    node.clock.advance(200 * DAY_MS);
    assert.equal(await reasonOf(node.marketplace.install({ ...request, useOldCatalogue: true })), "catalogue_expired");
  });

  it("that ships with the host installs years later, and a clock before the build is told as that", async (t) => {
    const shop = stocked(t);
    const node = await openNode(t, shop);
    node.clock.advance(800 * DAY_MS);
    await node.marketplace.install({ id: "hearthnet/echo", grants: "all", grantedBy: "operator" });
    assert.equal(node.staged.length, 1);
    const other = await openNode(t, shop);
    other.clock.setNow(NOW - 3 * DAY_MS);
    assert.equal(
      await reasonOf(other.marketplace.install({ id: "hearthnet/echo", grants: "all", grantedBy: "operator" })),
      "clock",
    );
  });

  it("signed for development is refused by a release", async (t) => {
    const shop = stocked(t);
    assert.equal(await reasonOf(openNode(t, shop, { allowDevRoot: false })), "policy");
    assert.equal((await openNode(t, shop)).marketplace.devRoot, true);
  });

  it("made anew with other keys on a development machine replaces the former one", async (t) => {
    const shop = stocked(t);
    const node = await openNode(t, shop);
    await node.marketplace.refresh();
    const other = stocked(t);
    await node.reopen({
      registries: [
        {
          id: "hearthnet",
          root: join(other.folder, "root.json"),
          source: other.folder,
          namespaces: ["hearthnet/*", "*"],
          embedded: true,
        },
      ],
    });
    assert.equal(await refreshError(node), undefined);
    assert.equal(node.marketplace.search({ q: "" }).length, 1);
  });

  it("lets a publisher sign for its own namespace only", async (t) => {
    const shop = stocked(t);
    const other = shop.keys.ownPublisher("acme");
    shop.repository.claim("acme", [other.tuf]);
    // The keeper's tool is bypassed: acme's role lists a package of the first-party namespace.
    const stolen = makePackage({ version: "9.0.0", key: shop.key });
    shop.repository.putPackage("acme", { path: "hearthnet/echo/9.0.0.hnp", bytes: stolen.bytes, custom: { ...custom(shop) } });
    shop.repository.commit(
      new Map([
        ["hearthnet", shop.publisher],
        ["acme", other],
      ]),
    );
    const node = await openNode(t, shop);
    const request = { id: "hearthnet/echo", version: "9.0.0", grants: "all", grantedBy: "operator" } as const;
    assert.equal(await reasonOf(node.marketplace.install(request)), "not_found");
    assert.equal((await node.marketplace.show("hearthnet/echo")).latest, "1.0.0");
  });

  it("seen while its keeper's machine stops between two writes is the old one or the new one", async (t) => {
    const writes: string[] = [];
    const counting = stocked(t);
    counting.reopen(NOW + 60_000);
    counting.list(makePackage({ version: "1.1.0", key: counting.key }));
    counting.commit((name) => void writes.push(name));
    assert.ok(writes.length > 6);
    for (let stop = 0; stop < writes.length; stop++) {
      const shop = stocked(t);
      shop.reopen(NOW + 60_000);
      shop.list(makePackage({ version: "1.1.0", key: shop.key }));
      let at = 0;
      assert.throws(() =>
        shop.commit(() => {
          if (at++ === stop) throw new Error("the power is gone");
        }),
      );
      const node = await openNode(t, shop);
      assert.equal((await node.marketplace.show("hearthnet/echo")).latest, "1.0.0", `before ${writes[stop]}`);
      shop.reopen(NOW + 120_000);
      shop.list(makePackage({ version: "1.1.0", key: shop.key }));
      shop.commit();
      node.clock.advance(60_000);
      assert.equal((await node.marketplace.show("hearthnet/echo")).latest, "1.1.0", "and goes on afterwards");
    }
  });
});

function files(shop: Shop): string[] {
  return readdirSync(join(shop.folder, "tuf")).sort();
}

function custom(shop: Shop): object {
  return shop.repository.packages("hearthnet")[0]?.custom ?? {};
}

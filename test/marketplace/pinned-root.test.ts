import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { sha256Hex } from "../../host/src/format/index.ts";
import type { RegistrySource } from "../../host/src/marketplace/index.ts";
import { folder, makePackage, openNode, openShop, reasonOf, type Node, type Shop } from "./shop.ts";

const ECHO = { id: "acme/echo", grants: "all", grantedBy: "operator" } as const;

function shopOf(t: TestContext, namespace: string): Shop {
  const shop = openShop(t, { namespace, development: false });
  shop.list(makePackage({ id: `${namespace}/echo`, key: shop.key }));
  shop.commit();
  return shop;
}

function rootHash(shop: Shop): string {
  return sha256Hex(readFileSync(join(shop.folder, "root.json")));
}

function pinned(shop: Shop, change: Partial<RegistrySource> = {}): RegistrySource {
  return { id: "village", root: { sha256: rootHash(shop) }, source: shop.folder, namespaces: ["acme/*"], ...change };
}

const errorOf = async ({ marketplace }: Node): Promise<string | undefined> =>
  (await marketplace.refresh()).registries[0]?.error?.message;

describe("a registry whose root is known by its hash alone (marketplace §5.2)", () => {
  it("is read when the root that it shows fits, and from then on without asking", async (t) => {
    const shop = shopOf(t, "acme");
    const node = await openNode(t, shop, { registries: [pinned(shop)] });
    assert.deepEqual(node.marketplace.registries(), [
      { id: "village", source: shop.folder, namespaces: ["acme/*"], embedded: false, ageSeconds: null },
    ]);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "none", "the first question brings the root");
    assert.equal(node.marketplace.registries()[0]?.ageSeconds, 0);
    renameSync(shop.folder, `${shop.folder}.gone`);
    await node.reopen();
    assert.deepEqual(
      node.marketplace.search({}).map(({ id, registry }) => [id, registry]),
      [["acme/echo", "village"]],
      "its root is kept, so what was verified is shown without it",
    );
  });

  it("gives nothing when it shows another root, and says what to do", async (t) => {
    const [shop, thief] = [shopOf(t, "acme"), shopOf(t, "acme")];
    const node = await openNode(t, thief, { registries: [pinned(shop, { source: thief.folder })] });
    assert.match((await errorOf(node)) ?? "", /another root than the one that the configuration names/);
    assert.deepEqual(node.marketplace.search({}), []);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "wrong_key");
    assert.deepEqual(node.leftovers(), []);
  });

  it("may be out of reach when the node starts", async (t) => {
    const shop = shopOf(t, "acme");
    const away = join(folder(t), "away");
    const registries = [pinned(shop, { source: away })];
    const node = await openNode(t, shop, { registries });
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "unreachable", "there is nothing, which is no other root");
    renameSync(shop.folder, away);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "none");
  });

  it("is asked for its root once, however many want to know", async (t) => {
    const shop = shopOf(t, "acme");
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      const path = join(shop.folder, request.url ?? "");
      if (existsSync(path)) response.end(readFileSync(path));
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const node = await openNode(t, shop, { registries: [pinned(shop, { source: `http://127.0.0.1:${port}` })] });
    assert.deepEqual(await Promise.all([errorOf(node), errorOf(node)]), [undefined, undefined]);
    const times = (name: string): number => asked.filter((url) => url === name).length;
    assert.deepEqual([times("/root.json"), times("/tuf/timestamp.json")], [1, 1], "one root, one reader of it");
  });

  it("is recognised by its first root after its keys were changed", async (t) => {
    const shop = shopOf(t, "acme");
    const registries = [pinned(shop)];
    writeFileSync(join(shop.folder, "root.json"), "{}");
    const node = await openNode(t, shop, { registries });
    assert.equal(await errorOf(node), undefined);
  });

  it("is asked again when somebody has changed the kept root", async (t) => {
    const [shop, thief] = [shopOf(t, "acme"), shopOf(t, "acme")];
    const node = await openNode(t, shop, { registries: [pinned(shop)] });
    assert.equal(await errorOf(node), undefined);
    copyFileSync(join(thief.folder, "root.json"), join(node.dataDir, "marketplace", "roots", `${rootHash(shop)}.json`));
    rmSync(join(thief.folder, "root.json"));
    await node.reopen();
    assert.deepEqual(node.marketplace.search({}), [], "it is not believed");
    assert.equal(await errorOf(node), undefined);
    assert.equal(node.marketplace.search({}).length, 1);
  });

  it("of a development kind is refused by a release", async (t) => {
    const shop = openShop(t, { namespace: "acme", development: true });
    shop.commit();
    const node = await openNode(t, shop, { registries: [pinned(shop)], allowDevRoot: false });
    assert.match((await errorOf(node)) ?? "", /development keys/);
    assert.equal(node.marketplace.devRoot, false);
  });
});

it("a registry speaks for its own namespaces only, whatever else it holds", async (t) => {
  const [own, other] = [shopOf(t, "hearthnet"), shopOf(t, "bolt")];
  const node = await openNode(t, own, {
    registries: [
      {
        id: "hearthnet",
        root: join(own.folder, "root.json"),
        source: own.folder,
        namespaces: ["hearthnet/*", "*"],
        embedded: true,
      },
      pinned(other),
    ],
  });
  await node.marketplace.refresh();
  assert.deepEqual(
    node.marketplace.search({}).map(({ id }) => id),
    ["hearthnet/echo"],
  );
  assert.equal(await reasonOf(node.marketplace.install({ ...ECHO, id: "bolt/echo" })), "not_found");
});

import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import { openServer } from "../../registry/src/1-http/server.ts";
import { selfSigned } from "../support/self-signed.ts";
import { folder, makePackage, NOW, openNode, openShop, reasonOf, type Node, type Shop } from "./shop.ts";
import { countFarAhead, takeBack } from "./stolen-keys.ts";

const DAY_MS = 86_400_000;
const ECHO = { id: "acme/echo", grants: "all", grantedBy: "operator" } as const;

function village(t: TestContext): Shop {
  const shop = openShop(t, { namespace: "acme", development: false });
  shop.list(makePackage({ id: ECHO.id, key: shop.key }));
  shop.commit();
  return shop;
}

function reader(t: TestContext, shop: Shop, source: string = shop.folder, more: object = {}): Promise<Node> {
  const root = join(shop.folder, "root.json");
  return openNode(t, shop, { registries: [{ id: "village", root, source, namespaces: ["*"], ...more }] });
}

/** A server whose keeper is not well. */
async function sick(
  t: TestContext,
  shop: Shop,
  answer: (request: IncomingMessage, response: ServerResponse, bytes: Buffer | null) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    let bytes: Buffer | null = null;
    try {
      bytes = readFileSync(join(shop.folder, request.url ?? ""));
    } catch {
      // Not there.
    }
    answer(request, response, bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function well(response: ServerResponse, bytes: Buffer | null): void {
  response.statusCode = bytes === null ? 404 : 200;
  response.end(bytes ?? "");
}

/** Parts of the index and revocations are smaller. */
function isPackage(request: IncomingMessage, bytes: Buffer | null): bytes is Buffer {
  return (request.url ?? "").startsWith("/blobs/") && (bytes?.byteLength ?? 0) >= 500;
}

describe("a source that fails", () => {
  it("in the middle of a package: damaged, and nothing stays", async (t) => {
    const shop = village(t);
    const url = await sick(t, shop, (request, response, bytes) => {
      if (!isPackage(request, bytes)) return well(response, bytes);
      response.writeHead(200, { "content-length": bytes.byteLength });
      response.write(bytes.subarray(0, 100));
      setImmediate(() => response.destroy());
    });
    const node = await reader(t, shop, url);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "damaged");
    assert.deepEqual([node.leftovers(), node.staged], [[], []]);
  });

  it("for a moment is asked again", async (t) => {
    const shop = village(t);
    let cut = 2;
    const url = await sick(t, shop, (request, response, bytes) => {
      if (isPackage(request, bytes) && cut-- > 0) response.end(bytes.subarray(0, 100));
      else well(response, bytes);
    });
    const node = await reader(t, shop, url);
    await node.marketplace.install(ECHO);
    assert.equal(node.staged.length, 1);
  });

  it("with words of its own, or with none: unreachable", async (t) => {
    const shop = village(t);
    for (const answer of [
      (response: ServerResponse) => void response.writeHead(500).end("sorry"),
      (response: ServerResponse) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
      (response: ServerResponse) => void response.writeHead(404).end("what?"),
      (response: ServerResponse) => void response.destroy(),
    ]) {
      const url = await sick(t, shop, (_request, response) => answer(response));
      const node = await reader(t, shop, url);
      assert.equal(await reasonOf(node.marketplace.install(ECHO)), "unreachable");
    }
  });

  it("by never ending: more bytes than the metadata says are not read", async (t) => {
    const shop = village(t);
    let sent = 0;
    const url = await sick(t, shop, (request, response, bytes) => {
      if (!isPackage(request, bytes)) return well(response, bytes);
      const more = (): void => {
        if (response.destroyed || sent > 200_000_000) return;
        sent += 65_536;
        if (response.write(Buffer.alloc(65_536))) setImmediate(more);
        else response.once("drain", more);
      };
      response.writeHead(200);
      more();
    });
    const node = await reader(t, shop, url);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "damaged");
    assert.ok(sent < 60_000_000, `${sent} bytes were taken in three attempts`);
  });

  it("by being silent: a cancelled installation ends at once", async (t) => {
    const shop = village(t);
    for (const silent of [/^\/tuf\/timestamp/, /^\/tuf\/\d+\.claimed/, /^\/blobs\//]) {
      const asked = Promise.withResolvers<void>();
      const url = await sick(t, shop, (request, response, bytes) => {
        if (silent.test(request.url ?? "")) asked.resolve();
        else well(response, bytes);
      });
      const node = await reader(t, shop, url);
      const abort = new AbortController();
      const work = reasonOf(node.marketplace.install({ ...ECHO, signal: abort.signal }));
      await asked.promise;
      const from = performance.now();
      abort.abort();
      assert.equal(await work, "AbortError", String(silent));
      assert.ok(performance.now() - from < 200, `${performance.now() - from} ms`);
      assert.deepEqual([node.leftovers(), node.staged], [[], []]);
    }
  });

  it("by dripping: a catalogue that takes minutes is given up", async (t) => {
    const shop = village(t);
    const dripping = Promise.withResolvers<void>();
    const url = await sick(t, shop, (request, response, bytes) => {
      if (request.url !== "/tuf/timestamp.json") return well(response, bytes);
      response.writeHead(200);
      response.write(bytes?.subarray(0, 10));
      dripping.resolve();
    });
    const node = await reader(t, shop, url);
    const round = node.marketplace.refresh();
    await dripping.promise;
    node.clock.advance(60_000);
    assert.match((await round).registries[0]?.error?.message ?? "", /cannot be reached/);
  });
});

describe("a catalogue past its date", () => {
  it("is known as such when its source has gone", async (t) => {
    const shop = village(t);
    const node = await reader(t, shop);
    await node.marketplace.show(ECHO.id);
    rmSync(join(shop.folder, "tuf"), { recursive: true });
    node.clock.advance(3 * DAY_MS);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "catalogue_expired");
    await node.reopen();
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "catalogue_expired", "also after a new start");
    assert.equal(await reasonOf(node.marketplace.install({ ...ECHO, useOldCatalogue: true })), "none");
  });

  it("is no concern when it is part of the host, even if it was signed days before the build", async (t) => {
    const shop = openShop(t, { development: false });
    shop.list(makePackage({ key: shop.key }));
    shop.commit();
    const node = await openNode(t, shop, { buildTime: NOW + 30 * DAY_MS });
    node.clock.setNow(NOW + 400 * DAY_MS);
    assert.equal(await reasonOf(node.marketplace.install({ ...ECHO, id: "hearthnet/echo" })), "none");
    assert.equal((await node.marketplace.refresh()).ageSeconds, 400 * 86_400);
  });

  it("does not become fresh again by setting the clock back", async (t) => {
    const shop = village(t);
    const node = await reader(t, shop);
    node.clock.setNow(NOW + 1000);
    await node.marketplace.refresh();
    node.clock.setNow(NOW - 300 * DAY_MS);
    await node.reopen({ buildTime: 0 });
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "clock");
  });
});

describe("what a node keeps of a catalogue", () => {
  /** What the room keeps of the registry, by name. */
  function kept(node: Node): DatabaseSync {
    return new DatabaseSync(join(node.dataDir, "marketplace", "marketplace.db"));
  }

  it("is read anew when it was damaged or lost, whatever part it was", async (t) => {
    const shop = village(t);
    for (const change of [
      "UPDATE metadata SET bytes = substr(bytes, 1, 20)",
      "UPDATE metadata SET bytes = x''",
      "DELETE FROM metadata",
    ])
      for (const name of [
        "root",
        "timestamp",
        "snapshot",
        "targets",
        "index",
        "revocations",
        "claimed",
        "ns-acme",
        "blob:%",
        "%",
      ]) {
        const node = await reader(t, shop);
        assert.equal(await reasonOf(node.marketplace.show(ECHO.id)), "none");
        const db = kept(node);
        assert.ok(Number(db.prepare(`${change} WHERE name LIKE ?`).run(name).changes) > 0, name);
        db.close();
        await node.reopen();
        assert.equal(await reasonOf(node.marketplace.install(ECHO)), "none", `${change} ${name}`);
        assert.equal((await node.marketplace.show(ECHO.id)).latest, "1.0.0");
      }
  });

  it("does not grow with the days", async (t) => {
    const shop = village(t);
    const node = await reader(t, shop);
    for (let day = 1; day <= 5; day++) {
      shop.reopen(NOW + day * 3_600_000);
      shop.list(makePackage({ id: ECHO.id, version: `1.${day}.0`, key: shop.key }));
      shop.commit();
      node.clock.advance(3_600_000);
      assert.equal((await node.marketplace.show(ECHO.id)).latest, `1.${day}.0`);
    }
    const db = kept(node);
    const names = db.prepare("SELECT name FROM metadata ORDER BY name").all() as { name: string }[];
    db.close();
    assert.deepEqual(
      names.map(({ name }) => name.replace(/^blob:.*/, "blob")),
      ["blob", "blob", "claimed", "index", "ns-acme", "revocations", "root", "snapshot", "targets", "timestamp"],
    );
  });

  it("is shown, lists of publishers included, when the source is gone", async (t) => {
    const shop = village(t);
    const node = await reader(t, shop);
    assert.equal(await reasonOf(node.marketplace.show(ECHO.id)), "none");
    shop.reopen(NOW + 3_600_000);
    shop.list(makePackage({ id: ECHO.id, version: "1.1.0", key: shop.key }));
    shop.commit();
    node.clock.advance(60_000);
    await node.marketplace.refresh();
    rmSync(join(shop.folder, "tuf"), { recursive: true });
    await node.reopen();
    assert.deepEqual(
      (await node.marketplace.show(ECHO.id)).versions.map(({ version }) => version),
      ["1.0.0", "1.1.0"],
    );
  });

  it("gives way when the registry's online keys were changed: numbers that only the former ones have signed do not bind", async (t) => {
    const shop = village(t);
    const backup = folder(t);
    cpSync(shop.folder, backup, { recursive: true });
    const root = join(backup, "root.json");
    const node = await openNode(t, shop, { registries: [{ id: "village", root, source: shop.folder, namespaces: ["*"] }] });
    countFarAhead(shop, NOW + 60_000);
    assert.equal((await node.marketplace.refresh()).registries[0]?.error, null, "the thief's state is signed well");
    takeBack(shop, backup, NOW + 120_000);
    node.clock.advance(60_000);
    assert.equal((await node.marketplace.refresh()).registries[0]?.error, null);
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "none");
    // What the former keys have signed counts no more, however high its number.
    countFarAhead(shop, NOW + 180_000, join(backup, "keys"));
    node.clock.advance(60_000);
    assert.match((await node.marketplace.refresh()).registries[0]?.error?.message ?? "", /not signed by the keys/);
  });
});

describe("a server", () => {
  it("is read over https, with a certificate of its keeper's own making", async (t) => {
    const shop = village(t);
    const { cert, key } = await selfSigned();
    const { app, url } = await openServer({
      folder: shop.folder,
      host: "127.0.0.1",
      port: 0,
      tls: { cert: Buffer.from(cert), key: Buffer.from(key) },
    });
    t.after(() => app.close());
    assert.match(url, /^https:/);
    const stranger = await reader(t, shop, url);
    assert.equal(await reasonOf(stranger.marketplace.install(ECHO)), "unreachable", "nobody vouches for the certificate");
    const node = await reader(t, shop, url, { ca: cert });
    await node.marketplace.install(ECHO);
    assert.equal(node.staged[0]?.release.id, ECHO.id);
    assert.equal(node.staged[0]?.release.embeddedRoot, false);
  });

  it("on another machine is not asked without encryption", async (t) => {
    const shop = village(t);
    assert.equal(await reasonOf(reader(t, shop, "http://192.0.2.1/")), "bad_request");
  });
});

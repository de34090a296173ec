/** A node that installs from its neighbours. @source marketplace §5 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { InstallProgress } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import type { MarketplaceOptions } from "../../host/src/marketplace/index.ts";
import { until } from "../../host/test/support/until.ts";
import { openServer } from "../../registry/src/1-http/server.ts";
import { assetOf, folder, makePackage, NOW, openNode, openShop, reasonOf, type Node, type Shop } from "./shop.ts";
import { countFarAhead, takeBack } from "./stolen-keys.ts";
import { liar, listLiar, silentAfter, wayTo, type Resident, type Spoil } from "./street.ts";

const ECHO = { id: "acme/echo", grants: "all", grantedBy: "operator" } as const;
/** Nobody listens there. */
const GONE = "http://127.0.0.1:9";
const WEIGHTS = randomBytes(5000);

interface Village {
  shop: Shop;
  package: Uint8Array;
  /** Names of package and asset in the notes of the way. */
  blob: string;
  asset: string;
}

/** A registry with one plugin that has one asset. */
function village(t: TestContext): Village {
  const shop = openShop(t, { namespace: "acme", development: false });
  const { bytes, manifest } = makePackage({ id: ECHO.id, key: shop.key, manifest: assetOf(WEIGHTS) });
  const file = manifest.assets?.[0]?.files[0];
  shop.list({ bytes, manifest });
  shop.repository.putBlob(WEIGHTS);
  shop.commit();
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { shop, package: bytes, blob: `sha256 ${hash.slice(0, 8)}`, asset: `blake3 ${file?.cid.slice(7, 15) ?? ""}` };
}

function from(shop: Shop, source: string, root: string = join(shop.folder, "root.json")): Partial<MarketplaceOptions> {
  return { registries: [{ id: "village", root, source, namespaces: ["*"] }], keepsArchives: true };
}

/** Somebody who has installed it from the registry itself. */
async function owner(t: TestContext, shop: Shop, name: string, spoil?: Spoil): Promise<Resident> {
  const node = await openNode(t, shop, from(shop, shop.folder));
  await node.marketplace.install(ECHO);
  return { name, node, ...(spoil === undefined ? {} : { spoil }) };
}

/** It knows the registry's catalogue, and from now on neighbours alone, who were asked for nothing yet. */
async function cutOff(t: TestContext, shop: Shop, way: ReturnType<typeof wayTo>): Promise<Node> {
  const node = await openNode(t, shop, { ...from(shop, shop.folder), neighbours: way });
  await node.marketplace.refresh();
  await node.reopen({ ...from(shop, GONE), neighbours: way });
  way.asked.length = 0;
  return node;
}

async function refusalOf(node: Node): Promise<string> {
  const { registries } = await node.marketplace.refresh();
  const error = registries[0]?.error;
  return error === null || error === undefined ? "none" : (error.reason ?? error.error);
}

function versionAt(node: Node): number {
  const bytes = node.marketplace.shelf.meta("village", "timestamp.json") ?? Buffer.from("{}");
  return (JSON.parse(Buffer.from(bytes).toString("utf8")) as { signed: { version: number } }).signed.version;
}

describe("a node whose registry cannot be reached", () => {
  it("reads the catalogue and installs package and assets from a neighbour, says from whom, and hands them on", async (t) => {
    const { shop, blob, asset } = village(t);
    const way = wayTo([await owner(t, shop, "Anna")]);
    const node = await openNode(t, shop, { ...from(shop, GONE), neighbours: way });
    const seen: InstallProgress[] = [];
    assert.equal(await refusalOf(node), "none");
    assert.equal(node.marketplace.search({ q: "echo" }).length, 1);
    assert.deepEqual(node.marketplace.shelf.lists(), [{ registry: "village", version: versionAt(node) }]);
    await node.marketplace.install({ ...ECHO, onProgress: (progress) => seen.push({ ...progress }) });
    assert.equal(node.staged[0]?.release.version, "1.0.0");
    assert.ok(way.asked.includes(`Anna ${blob}`));
    assert.ok(way.asked.includes(`Anna ${asset}`), "assets are asked for by their id");
    const giving = (step: InstallProgress["step"]): (string | undefined)[] => [
      ...new Set(seen.filter((one) => one.step === step && one.percent > 0).map((one) => one.from)),
    ];
    assert.ok(giving("fetch").includes("Anna"));
    assert.ok(giving("assets").includes("Anna"));
    for (const step of ["verify", "unpack", "start", "done"] as const) assert.deepEqual(giving(step), [undefined], step);

    const third = await openNode(t, shop, { ...from(shop, GONE), neighbours: wayTo([{ name: "Ben", node }]) });
    await third.marketplace.install(ECHO);
    assert.equal(third.staged[0]?.release.id, ECHO.id);
  });

  it("says so when nobody has it", async (t) => {
    const { shop } = village(t);
    const empty = await openNode(t, shop, from(shop, shop.folder));
    const way = wayTo([{ name: "Carl", node: empty }]);
    const fresh = await openNode(t, shop, { ...from(shop, GONE), neighbours: way });
    assert.equal(await reasonOf(fresh.marketplace.install(ECHO)), "nobody_has_it", "Carl has read no catalogue either");
    await empty.marketplace.refresh();
    await empty.marketplace.show(ECHO.id);
    fresh.clock.advance(60_000);
    assert.equal(await reasonOf(fresh.marketplace.install(ECHO)), "nobody_has_it", "he has the catalogue, and not the package");
    assert.deepEqual(fresh.leftovers(), []);
    const alone = await openNode(t, shop, from(shop, GONE));
    assert.equal(await reasonOf(alone.marketplace.install(ECHO)), "unreachable");
  });

  it("begins with a root of long ago: the neighbour has every one since then", async (t) => {
    const { shop } = village(t);
    const backup = folder(t);
    cpSync(shop.folder, backup, { recursive: true });
    const anna = await openNode(t, shop, from(shop, shop.folder, join(backup, "root.json")));
    await anna.marketplace.refresh();
    takeBack(shop, backup, NOW + 60_000);
    anna.clock.advance(60_000);
    await anna.marketplace.install(ECHO);
    const node = await openNode(t, shop, {
      ...from(shop, GONE, join(backup, "root.json")),
      neighbours: wayTo([{ name: "Anna", node: anna }]),
    });
    await node.marketplace.install(ECHO);
    assert.ok(node.marketplace.shelf.meta("village", "2.root.json") !== undefined, "and has them now, too");
  });

  it("finds a root that it knows by its hash alone with a neighbour, and takes no other", async (t) => {
    const { shop } = village(t);
    const other = openShop(t, { namespace: "acme", development: false });
    other.commit();
    const stranger = await openNode(t, other, from(other, other.folder));
    await stranger.marketplace.refresh();
    const way = wayTo([{ name: "Dora", node: stranger }, await owner(t, shop, "Anna")]);
    const sha256 = createHash("sha256")
      .update(readFileSync(join(shop.folder, "root.json")))
      .digest("hex");
    const node = await openNode(t, shop, {
      registries: [{ id: "village", root: { sha256 }, source: GONE, namespaces: ["*"] }],
      neighbours: way,
    });
    await node.marketplace.install(ECHO);
    assert.equal(node.staged.length, 1);
    const alone = await openNode(t, shop, {
      registries: [{ id: "village", root: { sha256 }, source: GONE, namespaces: ["*"] }],
      neighbours: wayTo([{ name: "Dora", node: stranger }]),
    });
    assert.equal(await reasonOf(alone.marketplace.install(ECHO)), "unreachable", "another root of a neighbour's is no alarm");
  });
});

describe("a neighbour that gives other bytes", () => {
  it("is not asked again in this installation, and the next one is", async (t) => {
    const { shop, blob, asset } = village(t);
    const way = wayTo([await owner(t, shop, "Liar", liar), await owner(t, shop, "Anna")]);
    const node = await cutOff(t, shop, way);
    await node.marketplace.install(ECHO);
    const files = way.asked.filter((one) => / (sha256|blake3) /.test(one));
    assert.deepEqual(files, [`Liar ${blob}`, `Anna ${blob}`, `Anna ${asset}`]);
  });

  it("alone brings nothing in, and the refusal says what happened", async (t) => {
    const { shop } = village(t);
    const node = await openNode(t, shop, from(shop, shop.folder));
    await node.marketplace.refresh();
    await node.marketplace.review(ECHO.id);
    await node.reopen({ ...from(shop, GONE), neighbours: wayTo([await owner(t, shop, "Liar", liar)]) });
    assert.equal(await reasonOf(node.marketplace.install(ECHO)), "neighbours_damaged");
    assert.deepEqual(node.leftovers(), []);
    assert.equal(node.staged.length, 0);
  });

  it("has had a hand in a file that came from two: both are out, a third gives the whole", async (t) => {
    const { shop, blob } = village(t);
    const way = wayTo([
      await owner(t, shop, "Liar", silentAfter(200, liar)),
      await owner(t, shop, "Anna"),
      await owner(t, shop, "Ben"),
    ]);
    const node = await cutOff(t, shop, way);
    await node.marketplace.install(ECHO);
    const packages = way.asked.filter((one) => one.includes(blob));
    assert.deepEqual(packages, [`Liar ${blob}`, `Anna ${blob} +200`, `Ben ${blob}`]);
  });

  it("cannot do it in any list, nor in the small files that they name: alone it brings no catalogue, and beside another it does no harm", async (t) => {
    const { shop } = village(t);
    const anna = await owner(t, shop, "Anna");
    const lists = ["timestamp", "snapshot", "targets", "index", "revocations"];
    for (const what of [...lists, "a blob", "without end"]) {
      const spoil: Spoil = (bytes, question) => {
        if (what === "without end") return question.kind === "meta" && question.file === "timestamp.json" ? flood() : bytes;
        const hit = question.kind === "meta" ? question.file.endsWith(`${what}.json`) : what === "a blob";
        return hit ? liar(bytes, { kind: "blob", by: "sha256", hash: "" }) : bytes;
      };
      const crooked = { ...anna, name: "Liar", spoil };
      const alone = await openNode(t, shop, { ...from(shop, GONE), neighbours: wayTo([crooked]) });
      assert.equal(await refusalOf(alone), "nobody_has_it", what);
      assert.deepEqual(alone.marketplace.search({ q: "" }), [], what);
      const both = await openNode(t, shop, { ...from(shop, GONE), neighbours: wayTo([crooked, anna]) });
      assert.equal(await refusalOf(both), "none", what);
      assert.equal(both.marketplace.search({ q: "" }).length, 1, what);
    }
  });

  it("nor in the lists that are read when somebody wants to install", async (t) => {
    const { shop } = village(t);
    const anna = await owner(t, shop, "Anna");
    for (const what of ["claimed", "ns-acme"]) {
      const spoil: Spoil = (bytes, question) =>
        question.kind === "meta" && question.file.endsWith(`.${what}.json`)
          ? liar(bytes, { kind: "blob", by: "sha256", hash: "" })
          : bytes;
      const crooked = { ...anna, name: "Liar", spoil };
      const alone = await openNode(t, shop, { ...from(shop, GONE), neighbours: wayTo([crooked]) });
      assert.equal(await reasonOf(alone.marketplace.install(ECHO)), "neighbours_damaged", what);
      const both = await openNode(t, shop, { ...from(shop, GONE), neighbours: wayTo([crooked, anna]) });
      await both.marketplace.install(ECHO);
      assert.equal(both.staged.length, 1, what);
    }
  });

  it("does not keep the catalogue of an honest one away", async (t) => {
    const { shop } = village(t);
    const way = wayTo([await owner(t, shop, "Liar", listLiar), await owner(t, shop, "Anna")]);
    const node = await openNode(t, shop, { ...from(shop, GONE), neighbours: way });
    assert.equal(await refusalOf(node), "none");
    await node.marketplace.install(ECHO);
  });
});

describe("a neighbour that falls silent", () => {
  it("in the middle of the catalogue has not been asked in vain: the next round begins with what came", async (t) => {
    const { shop } = village(t);
    shop.reopen(NOW + 60_000);
    for (const name of ["one", "two", "three", "four"]) shop.list(makePackage({ id: `acme/${name}`, key: shop.key }));
    shop.commit();
    const anna = await owner(t, shop, "Anna");
    let given = 0;
    const tired: Spoil = (bytes, question) =>
      question.kind === "meta" || (given += 1) !== 3 ? bytes : failing(new HnError("partition", { reason: "stream_cut" }));
    const way = wayTo([{ ...anna, spoil: tired }]);
    const node = await openNode(t, shop, { ...from(shop, GONE), neighbours: way });
    assert.equal(await refusalOf(node), "nobody_has_it");
    const first = way.asked.filter((one) => one.includes(" sha256 "));
    assert.equal(first.length, 3);
    assert.equal(await refusalOf(node), "none");
    const blobs = way.asked.filter((one) => one.includes(" sha256 "));
    for (const one of first.slice(0, 2)) assert.equal(blobs.filter((other) => other === one).length, 1, "it is here already");
    assert.equal(node.marketplace.search({ q: "" }).length, 5);
  });

  it("is followed by the next one, from the byte where it stopped", async (t) => {
    const { shop, blob, asset } = village(t);
    const way = wayTo([await owner(t, shop, "Anna", silentAfter(300)), await owner(t, shop, "Ben")]);
    const node = await cutOff(t, shop, way);
    await node.marketplace.install(ECHO);
    const files = way.asked.filter((one) => / (sha256|blake3) /.test(one));
    assert.deepEqual(files, [`Anna ${blob}`, `Ben ${blob} +300`, `Ben ${asset}`]);
  });

  it("is followed by the registry, which begins anew and is believed for the rest", async (t) => {
    const { shop, blob } = village(t);
    const { app, url } = await openServer({ folder: shop.folder, host: "127.0.0.1", port: 0 });
    t.after(() => app.close());
    const way = wayTo([await owner(t, shop, "Anna", silentAfter(300))]);
    const node = await openNode(t, shop, { ...from(shop, url), neighbours: way });
    await node.marketplace.install(ECHO);
    assert.equal(way.asked.filter((one) => one.includes(blob)).length, 1);
    assert.equal(node.staged.length, 1);
  });
});

describe("the order of sources", () => {
  it("is: what lies here, then neighbours, then a registry far away; a folder of this machine comes before neighbours", async (t) => {
    const { shop, blob } = village(t);
    const anna = await owner(t, shop, "Anna");
    const near = wayTo([anna]);
    const local = await openNode(t, shop, { ...from(shop, shop.folder), neighbours: near });
    await local.marketplace.install(ECHO);
    assert.equal(near.asked.filter((one) => / (sha256|blake3) /.test(one)).length, 0, "nobody learns what lies here anyway");

    const { app, url } = await openServer({ folder: shop.folder, host: "127.0.0.1", port: 0 });
    t.after(() => app.close());
    const far = wayTo([anna]);
    const node = await openNode(t, shop, { ...from(shop, url), neighbours: far });
    await node.marketplace.install(ECHO);
    assert.ok(far.asked.includes(`Anna ${blob}`));

    far.asked.length = 0;
    rmSync(join(node.dataDir, "marketplace", "store"), { recursive: true });
    await node.marketplace.install(ECHO);
    assert.equal(far.asked.filter((one) => one.includes(blob)).length, 0, "the package lies here still");
  });

  it("takes the newest catalogue, wherever it is", async (t) => {
    const { shop } = village(t);
    const old = folder(t);
    cpSync(shop.folder, old, { recursive: true });
    const behind = await openNode(t, shop, from(shop, old));
    await behind.marketplace.refresh();
    shop.reopen(NOW + 60_000);
    shop.list(makePackage({ id: ECHO.id, version: "1.1.0", key: shop.key }));
    shop.commit();
    const ahead = await openNode(t, shop, from(shop, shop.folder));
    await ahead.marketplace.refresh();
    const [before, now] = [versionAt(behind), versionAt(ahead)];
    assert.ok(now > before);

    const fresh = await openNode(t, shop, { ...from(shop, old), neighbours: wayTo([{ name: "Anna", node: ahead }]) });
    assert.equal(await refusalOf(fresh), "none");
    assert.equal(versionAt(fresh), now, "a neighbour is ahead of a folder that nobody keeps");
    const other = await openNode(t, shop, { ...from(shop, shop.folder), neighbours: wayTo([{ name: "Ben", node: behind }]) });
    assert.equal(await refusalOf(other), "none");
    assert.equal(versionAt(other), now, "and one that is behind holds nobody back");
  });

  it("waits a second for neighbours when the registry has answered, and five when it has not", async (t) => {
    const { shop } = village(t);
    const never: Spoil = (bytes, question) => (question.kind === "meta" ? endless(bytes) : bytes);
    const [dead, anna] = [await owner(t, shop, "Dead", never), await owner(t, shop, "Anna")];
    for (const [source, residents, ms] of [
      [shop.folder, [dead], 1000],
      [GONE, [dead, anna], 5000],
    ] as const) {
      const way = wayTo(residents);
      const node = await openNode(t, shop, { ...from(shop, source), neighbours: way });
      let answer: string | undefined;
      const asking = refusalOf(node).then((reason) => (answer = reason));
      await until("all are asked", () => way.asked.filter((one) => one.endsWith(" 2.root.json")).length === residents.length);
      await until("whoever answers has answered", () => way.asked.includes("Anna timestamp.json") || source !== GONE);
      // The registry's own answer starts the second; it comes at a time of the disk's choosing.
      await until("it is over", () => {
        if (answer === undefined) node.clock.advance(ms / 10);
        return answer !== undefined;
      });
      await asking;
      assert.equal(answer, "none");
      const tookMs = node.clock.now() - NOW;
      assert.ok(tookMs >= ms && tookMs < 3 * ms, `after ${tookMs} ms`);
    }
  });

  it("believes no number that nobody has signed", async (t) => {
    const { shop } = village(t);
    const boast: Spoil = (bytes, question) =>
      question.kind === "meta" && question.file === "timestamp.json" ? boasting(bytes) : bytes;
    const way = wayTo([await owner(t, shop, "Boaster", boast), await owner(t, shop, "Anna")]);
    const node = await openNode(t, shop, { ...from(shop, GONE), neighbours: way });
    assert.equal(await refusalOf(node), "none");
    assert.ok(versionAt(node) < 1_000_000);
  });

  it("does not fall for a neighbour who still believes keys that the registry has dropped", async (t) => {
    const { shop } = village(t);
    const backup = folder(t);
    cpSync(shop.folder, backup, { recursive: true });
    countFarAhead(shop, NOW + 60_000);
    const misled = await openNode(t, shop, from(shop, shop.folder));
    await misled.marketplace.refresh();
    assert.equal(versionAt(misled), 1_000_000);
    takeBack(shop, backup, NOW + 120_000);
    const node = await openNode(t, shop, {
      ...from(shop, shop.folder, join(backup, "root.json")),
      neighbours: wayTo([{ name: "Misled", node: misled }]),
    });
    assert.equal(await refusalOf(node), "none");
    assert.ok(versionAt(node) < 1_000_000);
    await node.marketplace.install(ECHO);
  });

  it("leaves a neighbour alone whose registry of the same name is another one", async (t) => {
    const { shop } = village(t);
    const other = openShop(t, { namespace: "acme", development: false });
    other.list(makePackage({ id: ECHO.id, version: "9.0.0", key: other.key }));
    other.reopen(NOW + 60_000);
    other.commit();
    const stranger = await openNode(t, other, from(other, other.folder));
    await stranger.marketplace.refresh();
    const node = await openNode(t, shop, { ...from(shop, shop.folder), neighbours: wayTo([{ name: "Dora", node: stranger }]) });
    assert.equal(await refusalOf(node), "none");
    assert.equal((await node.marketplace.show(ECHO.id)).latest, "1.0.0");
    await node.reopen({ ...from(shop, GONE), neighbours: wayTo([{ name: "Dora", node: stranger }]) });
    node.clock.advance(60_000);
    assert.equal(await refusalOf(node), "unreachable", "what is wrong with her copy is not the registry's fault");
  });

  it("passes on that a package was revoked", async (t) => {
    const { shop } = village(t);
    const node = await openNode(t, shop, from(shop, shop.folder));
    await node.marketplace.install(ECHO);
    shop.reopen(NOW + 60_000);
    shop.repository.revoke({ ns: "acme", name: "echo", severity: "revoked", reason: "It talks too much.", url: "" });
    shop.commit();
    const anna = await openNode(t, shop, from(shop, shop.folder));
    await anna.marketplace.refresh();
    await node.reopen({ ...from(shop, GONE), neighbours: wayTo([{ name: "Anna", node: anna }]) });
    node.clock.advance(60_000);
    await node.marketplace.refresh();
    assert.deepEqual(
      node.quarantined.map(({ id }) => id),
      [ECHO.id],
    );
  });
});

async function* failing(error: HnError): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(0);
  throw error;
}

async function* flood(): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(1000);
}

/** Gives nothing, and never ends. */
async function* endless(_bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
}

async function* boasting(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  yield Buffer.from(
    Buffer.concat(parts)
      .toString("utf8")
      .replace(/"version":\d+/g, '"version":1000000000'),
  );
}

describe("what a node gives", () => {
  it("is what a registry names and what is installed here, with its assets; no file of an operator's, nothing that is kept out", async (t) => {
    const { shop } = village(t);
    const secret = randomBytes(50);
    const { bytes: handed } = makePackage({ id: "acme/other", key: shop.key, manifest: assetOf(secret) });
    shop.repository.putBlob(secret);
    shop.commit();
    const node = await openNode(t, shop, from(shop, shop.folder));
    const { shelf } = node.marketplace;
    const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
    const release = (await node.marketplace.install(ECHO), node.staged[0]?.release);
    const file = release?.manifest.assets?.[0]?.files[0];
    assert.ok(release !== undefined && file !== undefined);
    assert.ok(shelf.blob("sha256", release.sha256) !== undefined);
    assert.equal(shelf.blob("sha256", file.sha256)?.sizeBytes, WEIGHTS.byteLength);
    assert.equal(shelf.blob("blake3", file.cid.slice(7))?.sizeBytes, WEIGHTS.byteLength);
    assert.equal(shelf.blob("blake3", release.sha256), undefined);

    await node.marketplace.importPackage(handed);
    assert.equal(shelf.blob("sha256", hash(handed)), undefined, "it waits to be installed");
    await node.marketplace.install({ ...ECHO, id: "acme/other" });
    assert.equal(node.staged[1]?.release.sha256, hash(handed));
    assert.equal(shelf.blob("sha256", hash(handed)), undefined, "no registry names it");
    assert.equal(shelf.blob("sha256", hash(secret)), undefined, "nor its assets");

    for (const name of ["root.json", "timestamp.json", "1.root.json"]) assert.ok(shelf.meta("village", name), name);
    for (const name of [`blob:${release.sha256}`, "timestamp", "../timestamp.json", "9.root.json", "1.nobody.json"])
      assert.equal(shelf.meta("village", name), undefined, name);
    assert.equal(shelf.meta("hearthnet", "timestamp.json"), undefined, "a registry that this node has not");

    node.quarantined.push({ id: ECHO.id, reason: undefined });
    assert.equal(shelf.blob("sha256", release.sha256), undefined);
    assert.equal(shelf.blob("blake3", file.cid.slice(7)), undefined);
  });

  it("is nothing of what was installed where the owner gives nothing, and the copies are gone", async (t) => {
    const { shop } = village(t);
    const node = await openNode(t, shop, from(shop, shop.folder));
    await node.marketplace.install(ECHO);
    const archives = join(node.dataDir, "marketplace", "archives");
    assert.equal(readdirSync(archives).length, 1);
    await node.reopen({ ...from(shop, shop.folder), keepsArchives: false });
    assert.deepEqual(readdirSync(archives), []);
    const quiet = await openNode(t, shop, { ...from(shop, shop.folder), keepsArchives: false });
    await quiet.marketplace.install(ECHO);
    assert.deepEqual(readdirSync(join(quiet.dataDir, "marketplace", "archives")), []);
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import type { BundleOrder, PluginManifest } from "../../host/src/contract/index.ts";
import { blobKey } from "../../host/src/format/index.ts";
import type { RegistrySource } from "../../host/src/marketplace/index.ts";
import { assetOf, folder, makePackage, type Node, openNode, openShop, reasonOf, type Shop } from "./shop.ts";

const DAY = 86_400_000;
const SCRIPT = join(import.meta.dirname, "attaching-process.ts");
const MODEL = Buffer.alloc(300_000, 7);

function put(shop: Shop, o: { id?: string; version?: string; manifest?: Partial<PluginManifest> } = {}): void {
  const made = makePackage({ ...o, key: shop.key });
  shop.list(made);
  for (const { files } of made.manifest.assets ?? []) {
    const [file] = files;
    const path = join(shop.folder, ...blobKey(file?.sha256 ?? "").split("/"));
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, MODEL);
  }
  shop.commit();
}

/** A node that trusts the shop's root and reaches nothing of it. */
function openFar(t: TestContext, shop: Shop, change: Parameters<typeof openNode>[2] = {}): Promise<Node> {
  const registries = [
    {
      id: "hearthnet",
      root: join(shop.folder, "root.json"),
      source: folder(t),
      namespaces: ["hearthnet/*", "*"],
      embedded: true,
    },
  ];
  return openNode(t, shop, { registries, ...change });
}

async function make(node: Node, out: string, change: Partial<BundleOrder> = {}): Promise<string> {
  await node.marketplace.bundles.make({
    plugins: ["hearthnet/echo"],
    out,
    withDependencies: false,
    withAssets: true,
    ...change,
  });
  return out;
}

async function stick(
  t: TestContext,
  o: { manifest?: Partial<PluginManifest> } = {},
): Promise<{ shop: Shop; near: Node; path: string }> {
  const shop = openShop(t);
  put(shop, { manifest: assetOf(MODEL), ...o });
  const near = await openNode(t, shop);
  return { shop, near, path: await make(near, join(folder(t), "echo.hnbundle")) };
}

const install = (node: Node, id = "hearthnet/echo"): Promise<unknown> =>
  node.marketplace.install({ id, grants: "all", grantedBy: "operator" });

/** What a refused bundle must not leave. */
function left(node: Node): string[] {
  const dir = join(node.dataDir, "marketplace");
  return ["tmp", "bundles", "assets"].flatMap((name) =>
    existsSync(join(dir, name)) ? readdirSync(join(dir, name)).map((entry) => `${name}/${entry}`) : [],
  );
}

/** A bundle as a folder, so that one thing in it can be changed. */
async function opened(t: TestContext, near: Node): Promise<string> {
  return (await make(near, `${join(folder(t), "open")}/`)).replace(/\/$/, "");
}

describe("a bundle on a stick", () => {
  it("brings a plugin with its model to a node that reaches nobody (marketplace §8)", async (t) => {
    const { shop, path } = await stick(t);
    const far = await openFar(t, shop);
    assert.equal(await reasonOf(install(far)), "unreachable");
    const facts = await far.marketplace.bundles.attach(path);
    assert.deepEqual(
      facts.plugins.map(({ id, version, usable }) => ({ id, version, usable })),
      [{ id: "hearthnet/echo", version: "1.0.0", usable: true }],
    );
    assert.deepEqual(facts.assets, { files: 1, size_bytes: MODEL.byteLength });
    assert.equal(facts.catalogues[0]?.standing, "newer");
    rmSync(path);
    assert.equal(far.marketplace.search({ q: "widerhall" })[0]?.id, "hearthnet/echo", "its catalogue can be searched");
    await install(far);
    const [file] = Object.values(far.staged[0]?.release.assets["model"] ?? {});
    assert.deepEqual(readFileSync(file ?? ""), MODEL);
  });

  it("may be a folder, and the copies stay after a restart until they are detached", async (t) => {
    const { shop, near } = await stick(t);
    const path = await opened(t, near);
    assert.ok(existsSync(join(path, "bundle.json")));
    const far = await openFar(t, shop);
    const { id } = await far.marketplace.bundles.attach(path);
    await far.reopen();
    assert.deepEqual(
      (await far.marketplace.bundles.list()).map((one) => one.id),
      [id],
    );
    await install(far);
    await far.marketplace.bundles.detach(id);
    assert.deepEqual(await far.marketplace.bundles.list(), []);
    assert.equal(existsSync(join(far.dataDir, "marketplace", "bundles", id)), false);
    assert.equal(await reasonOf(far.marketplace.bundles.detach(id)), "not_found");
  });

  it("carries what a plugin needs when asked, and says what is missing otherwise", async (t) => {
    const shop = openShop(t);
    put(shop, { id: "hearthnet/base", version: "1.2.0" });
    put(shop, { id: "hearthnet/base", version: "2.0.0" });
    put(shop, { manifest: { dependencies: { "hearthnet/base": "^1" } } });
    const near = await openNode(t, shop);
    const order = { plugins: ["hearthnet/echo@1.0.0"], withAssets: false };
    const alone = await near.marketplace.bundles.make({ ...order, out: join(folder(t), "a"), withDependencies: false });
    assert.deepEqual(alone.without, ["hearthnet/base"]);
    const both = await near.marketplace.bundles.make({ ...order, out: join(folder(t), "b"), withDependencies: true });
    assert.deepEqual(both.plugins, [
      { id: "hearthnet/echo", version: "1.0.0" },
      { id: "hearthnet/base", version: "1.2.0" },
    ]);
    assert.deepEqual(both.without, []);
  });

  it("is made for another platform, with that platform's files", async (t) => {
    const platforms = ["linux-arm64"];
    const { assets = [] } = assetOf(MODEL);
    const shop = openShop(t);
    put(shop, { manifest: { assets: assets.map((asset) => ({ ...asset, platforms: ["plan9-mips"] })) } });
    put(shop, { id: "hearthnet/far", manifest: { platforms } });
    const near = await openNode(t, shop);
    const made = (change: Partial<BundleOrder>): ReturnType<Node["marketplace"]["bundles"]["make"]> =>
      near.marketplace.bundles.make({
        plugins: ["hearthnet/echo"],
        out: join(folder(t), "x"),
        withDependencies: false,
        withAssets: true,
        ...change,
      });
    assert.equal((await made({})).assets, 0);
    assert.equal((await made({ platform: "plan9-mips" })).assets, 1);
    assert.equal(await reasonOf(made({ plugins: ["hearthnet/far"], platform: "linux-x64" })), "incompatible");
    assert.equal((await made({ plugins: ["hearthnet/far"], platform: "linux-arm64" })).plugins.length, 1);
  });

  it("raises the floors also where nothing is installed from it (marketplace §8)", async (t) => {
    const { shop, near, path } = await stick(t);
    put(shop, { version: "1.1.0" });
    near.clock.advance(60_000);
    const newer = await make(near, join(folder(t), "newer"));
    const far = await openFar(t, shop);
    await far.marketplace.bundles.attach(newer);
    await far.marketplace.bundles.detach((await far.marketplace.bundles.list())[0]?.id ?? "");
    const older = await far.marketplace.bundles.attach(path);
    assert.equal(older.catalogues[0]?.standing, "older", "the older catalogue is not taken");
    assert.equal(far.marketplace.search({})[0]?.latest, "1.1.0");
    assert.equal(older.plugins[0]?.usable, true, "its package is still offered");
    await far.marketplace.install({ id: "hearthnet/echo", version: "1.0.0", grants: "all", grantedBy: "operator" });
    assert.equal(far.staged[0]?.release.version, "1.0.0");
  });

  it("is not put back by a round with the registry that began before it came", async (t) => {
    const { shop, near } = await stick(t);
    const former = join(folder(t), "former");
    cpSync(shop.folder, former, { recursive: true });
    put(shop, { version: "1.1.0" });
    near.clock.advance(60_000);
    const newer = await make(near, join(folder(t), "newer"));
    const asked = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      const path = join(former, ...(request.url ?? "").split("/"));
      const answer = (): void =>
        void response.writeHead(existsSync(path) ? 200 : 404).end(existsSync(path) ? readFileSync(path) : "");
      if (request.url?.startsWith("/blobs/") !== true) return answer();
      asked.resolve();
      void go.promise.then(answer);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const root = join(shop.folder, "root.json");
    const registries = [{ id: "hearthnet", root, source, namespaces: ["hearthnet/*", "*"], embedded: true }];
    const far = await openFar(t, shop, { registries });
    const round = far.marketplace.refresh();
    await asked.promise;
    await far.marketplace.bundles.attach(newer);
    go.resolve();
    assert.equal((await round).registries[0]?.error?.reason, "rolled_back");
    assert.equal(far.marketplace.search({})[0]?.latest, "1.1.0");
  });

  it("tells a revocation to a node that no network tells it", async (t) => {
    const { shop, near, path } = await stick(t);
    const far = await openFar(t, shop);
    await far.marketplace.bundles.attach(path);
    await install(far);
    put(shop, { id: "hearthnet/other" });
    shop.repository.revoke({
      ns: "hearthnet",
      name: "echo",
      versions: ["1.0.0"],
      severity: "revoked",
      reason: "It is evil.",
      url: "https://a.example",
    });
    shop.commit();
    near.clock.advance(60_000);
    await far.marketplace.bundles.attach(await make(near, join(folder(t), "later"), { plugins: ["hearthnet/other"] }));
    assert.deepEqual(
      far.quarantined.map(({ id }) => id),
      ["hearthnet/echo"],
    );
  });

  it("may have ended on its way: what it says counts, and installing asks for the old catalogue (marketplace §2.3)", async (t) => {
    const shop = openShop(t, { development: false, namespace: "acme" });
    put(shop, { id: "acme/echo" });
    const registries = (source: string): RegistrySource[] => [
      { id: "acme", root: join(shop.folder, "root.json"), source, namespaces: ["acme/*"] },
    ];
    const near = await openNode(t, shop, { registries: registries(shop.folder) });
    const path = await make(near, join(folder(t), "acme"), { plugins: ["acme/echo"] });
    const far = await openNode(t, shop, { registries: registries(folder(t)) });
    far.clock.advance(9 * DAY);
    const facts = await far.marketplace.bundles.attach(path);
    assert.equal(facts.catalogues[0]?.age_seconds, 9 * 86_400);
    assert.equal(await reasonOf(install(far, "acme/echo")), "catalogue_expired");
    await far.reopen();
    const old = { id: "acme/echo", grants: "all", grantedBy: "operator", useOldCatalogue: true } as const;
    await far.marketplace.install(old);
    assert.equal(far.staged.length, 1);
  });

  it("brings the root of a registry that is known by its hash alone", async (t) => {
    const { shop, path } = await stick(t);
    const root = createHash("sha256")
      .update(readFileSync(join(shop.folder, "root.json")))
      .digest("hex");
    const registries = [
      { id: "village", root: { sha256: root }, source: folder(t), namespaces: ["hearthnet/*", "*"], embedded: true },
    ];
    const far = await openFar(t, shop, { registries });
    assert.equal(await reasonOf(install(far)), "unreachable");
    await far.marketplace.bundles.attach(path);
    await far.reopen();
    await install(far);
    assert.equal(far.staged.length, 1, "another name for the registry does not matter, its root does");
  });
});

describe("a bundle that is not what it should be is refused, and nothing of it stays", () => {
  const cases: [name: string, reason: string, spoil: (path: string) => void][] = [
    ["a truncated file", "damaged", (path) => truncateSync(path, readFileSync(path).byteLength - 5000)],
    ["no bytes at all", "damaged", (path) => truncateSync(path, 0)],
    ["bytes after the end", "damaged", (path) => appendFileSync(path, Buffer.alloc(512))],
  ];
  for (const [name, reason, spoil] of cases)
    it(`${name}: ${reason}`, async (t) => {
      const { shop, path } = await stick(t);
      spoil(path);
      const far = await openFar(t, shop);
      assert.equal(await reasonOf(far.marketplace.bundles.attach(path)), reason);
      assert.deepEqual(left(far), []);
    });

  it("a flipped byte, wherever it is: never taken for something else", async (t) => {
    const { shop, path } = await stick(t);
    const bytes = readFileSync(path);
    const far = await openFar(t, shop);
    const seen = new Map<string, number>();
    const seed = Number(process.env["HN_SEED"] ?? 20_261_129);
    let state = seed;
    for (let run = 0; run < 60; run++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const at = state % bytes.byteLength;
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const reason = await reasonOf(far.marketplace.bundles.attach(bytesOf(changed)));
      seen.set(reason, (seen.get(reason) ?? 0) + 1);
      // The table of contents is signed by nobody: a changed date in it says nothing.
      for (const { id } of await far.marketplace.bundles.list()) await far.marketplace.bundles.detach(id);
      assert.deepEqual(left(far), [], `seed ${seed}, byte ${at}`);
    }
    t.diagnostic(`seed ${seed}: ${JSON.stringify([...seen])}`);
    const allowed = new Set(["damaged", "archive_path", "wrong_key", "tampered", "none"]);
    assert.deepEqual(
      [...seen.keys()].filter((reason) => !allowed.has(reason)),
      [],
    );
    assert.ok((seen.get("damaged") ?? 0) > 40, "most of it is the model");
  });

  const folders: [name: string, reason: string, spoil: (path: string) => void][] = [
    ["an extra file", "tampered", (path) => writeFileSync(join(path, "blobs", "run.sh"), "x")],
    [
      "an extra blob",
      "tampered",
      (path) => {
        const key = blobKey(createHash("sha256").update("x").digest("hex"));
        mkdirSync(join(path, key, ".."), { recursive: true });
        writeFileSync(join(path, key), "x");
      },
    ],
    [
      "signed lists of a registry that it does not name",
      "tampered",
      (path) => cpSync(join(path, "tuf", "hearthnet"), join(path, "tuf", "other"), { recursive: true }),
    ],
    ["a missing file", "damaged", (path) => rmSync(join(path, "assets"), { recursive: true })],
    ["no signed lists", "damaged", (path) => rmSync(join(path, "tuf"), { recursive: true })],
    [
      "a signed list of another version",
      "damaged",
      (path) => {
        const tuf = join(path, "tuf", "hearthnet");
        const [name = ""] = readdirSync(tuf).filter((one) => one.includes("ns-hearthnet"));
        rmSync(join(tuf, name));
      },
    ],
    ["a link", "archive_path", (path) => symlinkSync("/etc/passwd", join(path, "passwd"))],
    [
      "a folder that is a link",
      "archive_path",
      (path) => {
        renameSync(join(path, "blobs"), `${path}-blobs`);
        symlinkSync(`${path}-blobs`, join(path, "blobs"));
      },
    ],
    ["no table of contents", "damaged", (path) => rmSync(join(path, "bundle.json"))],
    [
      "a package under another name",
      "unsigned",
      (path) => rewrite(path, ({ plugins: [plugin] }) => Object.assign(plugin ?? {}, { version: "9.0.0" })),
    ],
    [
      "a table of contents with a size that is not so",
      "damaged",
      (path) => rewrite(path, ({ plugins: [plugin] }) => Object.assign(plugin ?? {}, { size: 5 })),
    ],
    [
      "more than 64 GiB",
      "archive_limits",
      (path) =>
        rewrite(path, (contents) => {
          const grown = ["a", "b"].map((digit) => ({ sha256: digit.repeat(64), size: 40 * 1024 ** 3 }));
          contents.assets = contents.assets.flatMap((asset) => grown.map((change) => ({ ...asset, ...change })));
        }),
    ],
  ];
  for (const [name, reason, spoil] of folders)
    it(`${name}: ${reason}`, async (t) => {
      const { shop, near } = await stick(t);
      const path = await opened(t, near);
      spoil(path);
      const far = await openFar(t, shop);
      assert.equal(await reasonOf(far.marketplace.bundles.attach(path)), reason);
      assert.deepEqual(left(far), []);
      assert.deepEqual(far.marketplace.search({}), [], "nor is its catalogue taken");
    });

  it("a path where nothing can be read: not_found; a device: bad_request", async (t) => {
    const { shop } = await stick(t);
    const far = await openFar(t, shop);
    const dir = folder(t);
    for (const path of [join(dir, "none"), "/a\u0000b", `/${"x".repeat(5000)}`])
      assert.equal(await reasonOf(far.marketplace.bundles.attach(path)), "not_found");
    assert.equal(await reasonOf(far.marketplace.bundles.attach("/dev/zero")), "bad_request");
    assert.deepEqual(left(far), []);
  });

  it("a foreign root: wrong_key", async (t) => {
    const { path } = await stick(t);
    const other = openShop(t);
    other.commit();
    const far = await openFar(t, other);
    assert.equal(await reasonOf(far.marketplace.bundles.attach(path)), "wrong_key");
    assert.deepEqual(left(far), []);
  });

  it("a registry that this node does not know: wrong_key", async (t) => {
    const { path } = await stick(t);
    const other = openShop(t, { namespace: "acme" });
    other.commit();
    const registries = [{ id: "acme", root: join(other.folder, "root.json"), source: folder(t), namespaces: ["acme/*"] }];
    const far = await openNode(t, other, { registries });
    assert.equal(await reasonOf(far.marketplace.bundles.attach(path)), "wrong_key");
    assert.deepEqual(left(far), []);
  });

  it("older than the floors, with nothing that is offered any more: rolled_back", async (t) => {
    const { shop, near, path } = await stick(t);
    const far = await openNode(t, shop);
    await far.marketplace.refresh();
    // The registry's keeper makes the same version anew: what the stick holds is named by nobody.
    put(shop, { version: "1.0.0", manifest: { license: "MIT" } });
    near.clock.advance(60_000);
    far.clock.advance(60_000);
    await far.marketplace.refresh();
    assert.equal(await reasonOf(far.marketplace.bundles.attach(path)), "rolled_back");
    assert.deepEqual(left(far), []);
  });

  it("cancelled in the middle: nothing stays, here or on the stick", async (t) => {
    const { shop, near, path } = await stick(t);
    const far = await openFar(t, shop);
    const abort = new AbortController();
    const attaching = far.marketplace.bundles.attach(path, { signal: abort.signal, onProgress: () => abort.abort() });
    await assert.rejects(attaching, { name: "AbortError" });
    assert.deepEqual(left(far), []);
    const again = new AbortController();
    const out = folder(t);
    const order = { plugins: ["hearthnet/echo"], out: join(out, "x"), withDependencies: false, withAssets: true };
    await assert.rejects(near.marketplace.bundles.make(order, { signal: again.signal, onProgress: () => again.abort() }), {
      name: "AbortError",
    });
    assert.deepEqual(readdirSync(out), []);
    assert.deepEqual(
      left(near).filter((name) => name.startsWith("tmp/")),
      [],
    );
  });

  it("ended by a kill at any step: the next start is clean, and it can be attached", async (t) => {
    const { shop, path } = await stick(t);
    for (const step of ["1", "50", "100", "kept"]) {
      const dataDir = folder(t);
      const words = ["--no-warnings", "--conditions=hearthnet-source", SCRIPT, shop.folder, dataDir, path, step];
      const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] });
      const [, signal] = (await once(child, "exit")) as [number | null, string | null];
      assert.equal(signal, "SIGKILL", step);
      const far = await openFar(t, shop, { dataDir });
      assert.deepEqual(left(far), [], step);
      assert.deepEqual(await far.marketplace.bundles.list(), [], step);
      await far.marketplace.bundles.attach(path);
      await install(far);
      assert.equal(far.staged.length, 1, step);
    }
  });

  it("does not write over what is there", async (t) => {
    const { near, path } = await stick(t);
    const before = readFileSync(path);
    assert.equal(await reasonOf(make(near, path)), "bad_request");
    assert.deepEqual(readFileSync(path), before);
  });
});

async function* bytesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

interface Contents {
  plugins: { version: string; size: number }[];
  assets: { sha256: string; size: number }[];
}

function rewrite(path: string, change: (contents: Contents) => void): void {
  const file = join(path, "bundle.json");
  const contents = JSON.parse(readFileSync(file, "utf8")) as Contents;
  change(contents);
  writeFileSync(file, JSON.stringify(contents));
}

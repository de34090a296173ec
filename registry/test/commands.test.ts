import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { describe, it } from "node:test";
import { blobCid } from "@hearthnet/host/format";
import { elf } from "../../host/test/runtime/fixtures/elf.ts";
import { openServer } from "../src/1-http/server.ts";
import { COMMANDS } from "../src/commands/index.ts";
import { desk, run, type Desk } from "./desk.ts";

describe("the keeper of a registry", () => {
  it("makes one, lets a publisher in, publishes, withdraws; keys stay private", async (t) => {
    const { cwd, pack } = await desk(t);
    const done = await run(cwd, ["publish", pack("1.0.0"), "--key", "acme.key", "--json"]);
    assert.deepEqual([done.code, done.json["published"]], [0, [{ id: "acme/echo", version: "1.0.0" }]], done.out);
    assert.equal((await run(cwd, ["yank", "acme/echo@1.0.0", "--key", "acme.key"])).code, 0);
    for (const name of readdirSync(join(cwd, "registry-keys")))
      if (name.endsWith(".key")) assert.equal(statSync(join(cwd, "registry-keys", name)).mode & 0o777, 0o600, name);
    const published = readdirSync(join(cwd, "registry"), { recursive: true, withFileTypes: true });
    for (const entry of published)
      if (entry.isFile())
        assert.doesNotMatch(readFileSync(join(entry.parentPath, entry.name), "latin1"), /PRIVATE KEY/, entry.name);
  });

  const REFUSALS: [name: string, words: (pack: Desk["pack"]) => string[], code: number, told: RegExp][] = [
    ["a version that exists with other content", (pack) => ["publish", pack("1.0.0"), "--key", "acme.key"], 0, /Published/],
    ["a version that is not newer", (pack) => ["publish", pack("0.9.0"), "--key", "acme.key"], 1, /version_old/],
    [
      "a package signed by somebody else",
      (pack) => ["publish", pack("2.0.0", { key: "other" }), "--key", "acme.key"],
      1,
      /wrong_key/,
    ],
    ["a list that its publisher does not sign", (pack) => ["publish", pack("2.0.0")], 1, /signer_missing/],
    ["a namespace that is taken", () => ["add-namespace", "acme", "--key", "other.key.pub"], 1, /namespace_taken/],
    ["a reserved namespace", () => ["add-namespace", "hearthnet", "--key", "other.key.pub"], 1, /namespace_taken/],
    ["a namespace that is no name", () => ["add-namespace", "Acme!", "--key", "other.key.pub"], 2, /a-z/],
    ["a key that is none", () => ["add-namespace", "third", "--key", "echo.hnp"], 1, /cannot|PEM|ENOENT/],
    ["a version that is not there", () => ["yank", "acme/echo@7.0.0", "--key", "acme.key"], 1, /not_found/],
    ["a name that is no version", () => ["yank", "acme"], 2, /ID@VERSION/],
    ["a key that is another publisher's", (pack) => ["publish", pack("2.0.0"), "--key", "other.key"], 1, /signer_foreign/],
    ["a key file that is not there", (pack) => ["publish", pack("2.0.0"), "--key", "acne.key"], 1, /key_missing/],
    [
      "a public key in place of the private one",
      (pack) => ["publish", pack("2.0.0"), "--key", "acme.key.pub"],
      1,
      /key_(invalid|permissions)/,
    ],
    [
      "a folder of keys that is not there",
      (pack) => ["publish", pack("2.0.0"), "--key", "acme.key", "--keys", "typo"],
      1,
      /key_missing/,
    ],
    [
      "an asset that no package names",
      (pack) => ["publish", pack("2.0.0"), "--key", "acme.key", "--asset", "acme.key.pub"],
      1,
      /asset_unknown/,
    ],
    ["a plugin that is none", () => ["revoke", "acme", "--reason", "x"], 2, /ID@VERSION/],
    ["a revocation without a reason", () => ["revoke", "acme/echo"], 2, /--reason/],
    ["half a certificate", () => ["serve", "--cert", "x.pem"], 2, /go together/],
    ["an unknown command", () => ["publsh"], 2, /There is no command/],
    ["an unknown option", () => ["publish", "x", "--nope"], 2, /--help/],
    ["a missing argument", () => ["publish"], 2, /FILE… is missing/],
    ["a file that is not there", () => ["publish", "nothing.hnp"], 1, /ENOENT/],
    ["a folder without a registry", () => ["publish", "x", "--out", "elsewhere"], 1, /no_registry/],
    ["a port that is none", () => ["serve", "--port", "x"], 2, /0 to 65535/],
  ];
  it("is told what is wrong with each wish, and nothing changes", async (t) => {
    const { cwd, pack, published } = await desk(t);
    assert.equal((await run(cwd, ["publish", pack("1.0.0"), "--key", "acme.key"])).code, 0);
    for (const [name, words, code, told] of REFUSALS) {
      const before = published();
      const said = await run(cwd, words(pack));
      assert.equal(said.code, code, `${name}: ${said.out}${said.err}`);
      assert.match(`${said.out}${said.err}`, told, name);
      if (code !== 0) assert.deepEqual(published(), before, name);
    }
    for (const mistake of ["elsewhere", "typo", "acne.key"])
      assert.ok(!existsSync(join(cwd, mistake)), `a typing mistake makes no ${mistake}`);
  });

  it("takes no machine code among assets that a plugin does not ask for", async (t) => {
    const { cwd, pack, published } = await desk(t);
    const bytes = elf("linux-x64");
    writeFileSync(join(cwd, "tool"), bytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const file = { path: "words", sha256, cid: blobCid(bytes).cid, sizeBytes: bytes.byteLength, sources: [] };
    const packed = pack("1.0.0", { manifest: { assets: [{ name: "data", license: "MIT", files: [file] }] } });
    const before = published();
    const said = await run(cwd, ["publish", packed, "--key", "acme.key", "--asset", "tool", "--json"]);
    assert.equal(said.code, 1);
    assert.equal(said.json["reason"], "native_undeclared");
    assert.deepEqual(published(), before);
  });

  it("is warned of a key file that others can read", async (t) => {
    const { cwd, pack } = await desk(t);
    chmodSync(join(cwd, "registry-keys", "snapshot.key"), 0o644);
    assert.match((await run(cwd, ["publish", pack("1.0.0"), "--key", "acme.key"])).err, /key_permissions[\s\S]*chmod 600/);
  });

  it("finds help with every command", async (t) => {
    const { cwd } = await desk(t);
    for (const { name } of COMMANDS) assert.match((await run(cwd, [...name, "--help"])).out, /Example: hearthnet registry/);
  });
});

it("a server gives the registry's files and nothing beside them", async (t) => {
  const { cwd, pack } = await desk(t);
  await run(cwd, ["publish", pack("1.0.0"), "--key", "acme.key"]);
  const { app, url } = await openServer({ folder: join(cwd, "registry"), host: "127.0.0.1", port: 0 });
  t.after(() => app.close());
  const get = (path: string): Promise<{ status: number; cache: string }> =>
    new Promise((resolve, reject) => {
      request(`${url}`, { path }, (response) => {
        response.resume();
        response.on("end", () => resolve({ status: response.statusCode ?? 0, cache: String(response.headers["cache-control"]) }));
      })
        .on("error", reject)
        .end();
    });
  assert.deepEqual(await get("/tuf/timestamp.json"), { status: 200, cache: "no-cache" });
  assert.match((await get("/tuf/1.root.json")).cache, /no-cache|immutable/);
  const [part = ""] = readdirSync(join(cwd, "registry", "blobs", "sha256"));
  const [blob = ""] = readdirSync(join(cwd, "registry", "blobs", "sha256", part));
  assert.match((await get(`/blobs/sha256/${part}/${blob}`)).cache, /immutable/);
  for (const path of [
    "/",
    "/tuf/",
    "/../registry-keys/root.key",
    "/%2e%2e/registry-keys/root.key",
    "/tuf/..%2f..%2fregistry-keys/root.key",
    "/.git/config",
  ])
    assert.ok([403, 404].includes((await get(path)).status), path);
});

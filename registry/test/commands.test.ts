import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createPublisherKey, openPublisherKey, writePackage } from "@hearthnet/host/format";
import { openServer } from "../src/1-http/server.ts";
import { COMMANDS } from "../src/commands/index.ts";
import { runCommand } from "../src/commands/run.ts";

const NOW = Date.UTC(2026, 6, 1, 12);

interface Said {
  code: number;
  out: string;
  err: string;
  json: Record<string, unknown>;
}

async function run(cwd: string, words: string[], now = NOW): Promise<Said> {
  const said: Said = {
    code: -1,
    out: "",
    err: "",
    get json() {
      return JSON.parse(said.out) as Record<string, unknown>;
    },
  };
  said.code = await runCommand(words, {
    commands: COMMANDS,
    cwd,
    now,
    out: (text) => (said.out += `${text}\n`),
    err: (text) => (said.err += `${text}\n`),
  });
  return said;
}

/** A folder with a registry, a publisher's key and a package. */
async function desk(t: TestContext): Promise<{ cwd: string; pack: (version: string, key?: string) => string }> {
  const cwd = mkdtempSync(join(tmpdir(), "hearthnet-registry-"));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  assert.equal((await run(cwd, ["init"])).code, 0);
  for (const name of ["acme", "other"]) {
    const { privatePem, publicPem } = createPublisherKey("");
    const open = createPrivateKey({ key: privatePem, passphrase: "" }).export({ type: "pkcs8", format: "pem" });
    writeFileSync(join(cwd, `${name}.key`), open, { mode: 0o600 });
    writeFileSync(join(cwd, `${name}.key.pub`), publicPem);
  }
  assert.equal((await run(cwd, ["add-namespace", "acme", "--key", "acme.key.pub"])).code, 0);
  return {
    cwd,
    pack: (version, key = "acme") => {
      const manifest = {
        manifestVersion: 1,
        id: "acme/echo",
        version,
        kind: "service",
        tier: { min: "process" },
        displayName: { en: "Echo" },
        description: { en: "Says it again." },
        license: "Apache-2.0",
        engines: { hearthnet: ">=0.1.0" },
        platforms: ["any"],
        entry: { main: "dist/main.mjs" },
        contributes: {},
        permissions: [],
      };
      const files = new Map([
        ["hearthnet.plugin.json", { bytes: Buffer.from(JSON.stringify(manifest)) }],
        ["dist/main.mjs", { bytes: Buffer.from(`export default "${version}";\n`) }],
      ]);
      const name = `echo-${version}-${key}.hnp`;
      writeFileSync(
        join(cwd, name),
        writePackage(files, openPublisherKey(readFileSync(join(cwd, `${key}.key`), "utf8"), null)).bytes,
      );
      return name;
    },
  };
}

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

  const REFUSALS: [
    name: string,
    words: (pack: (version: string, key?: string) => string) => string[],
    code: number,
    told: RegExp,
  ][] = [
    [
      "a version that exists with other content",
      (pack) => ["publish", pack("1.0.0", "acme"), "--key", "acme.key"],
      0,
      /Published/,
    ],
    ["a version that is not newer", (pack) => ["publish", pack("0.9.0"), "--key", "acme.key"], 1, /version_old/],
    ["a package signed by somebody else", (pack) => ["publish", pack("2.0.0", "other"), "--key", "acme.key"], 1, /wrong_key/],
    ["a list that its publisher does not sign", (pack) => ["publish", pack("2.0.0")], 1, /signer_missing/],
    ["a namespace that is taken", () => ["add-namespace", "acme", "--key", "other.key.pub"], 1, /namespace_taken/],
    ["a reserved namespace", () => ["add-namespace", "hearthnet", "--key", "other.key.pub"], 1, /namespace_taken/],
    ["a namespace that is no name", () => ["add-namespace", "Acme!", "--key", "other.key.pub"], 2, /a-z/],
    ["a key that is none", () => ["add-namespace", "third", "--key", "echo.hnp"], 1, /cannot|PEM|ENOENT/],
    ["a version that is not there", () => ["yank", "acme/echo@7.0.0", "--key", "acme.key"], 1, /not_found/],
    ["a name that is no version", () => ["yank", "acme"], 2, /ID@VERSION/],
    ["an unknown command", () => ["publsh"], 2, /There is no command/],
    ["an unknown option", () => ["publish", "x", "--nope"], 2, /--help/],
    ["a missing argument", () => ["publish"], 2, /FILE… is missing/],
    ["a file that is not there", () => ["publish", "nothing.hnp"], 1, /ENOENT/],
    ["a folder without a registry", () => ["publish", "x", "--out", "elsewhere"], 1, /no_registry/],
    ["a port that is none", () => ["serve", "--port", "x"], 2, /0 to 65535/],
  ];
  it("is told what is wrong with each wish, and nothing changes", async (t) => {
    const { cwd, pack } = await desk(t);
    assert.equal((await run(cwd, ["publish", pack("1.0.0"), "--key", "acme.key"])).code, 0);
    for (const [name, words, code, told] of REFUSALS) {
      const before = readFileSync(join(cwd, "registry", "tuf", "timestamp.json"), "utf8");
      const said = await run(cwd, words(pack));
      assert.equal(said.code, code, `${name}: ${said.out}${said.err}`);
      assert.match(`${said.out}${said.err}`, told, name);
      if (code !== 0) assert.equal(readFileSync(join(cwd, "registry", "tuf", "timestamp.json"), "utf8"), before, name);
    }
    assert.ok(!existsSync(join(cwd, "elsewhere")), "a typing mistake makes no folders");
  });

  it("is warned of a key file that others can read", async (t) => {
    const { cwd, pack } = await desk(t);
    chmodSync(join(cwd, "registry-keys", "snapshot.key"), 0o644);
    assert.match((await run(cwd, ["publish", pack("1.0.0"), "--key", "acme.key"])).err, /key_permissions[\s\S]*chmod 600/);
  });

  it("finds help with every command", async (t) => {
    const { cwd } = await desk(t);
    for (const { name } of COMMANDS) assert.match((await run(cwd, [name, "--help"])).out, /Example: hearthnet registry/);
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

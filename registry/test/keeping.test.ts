import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { blobCid, indexTarget, readIndexShard, readRevocations, type IndexRow } from "@hearthnet/host/format";
import type { PluginManifest } from "@hearthnet/host/contract";
import { desk, NOW, run, type Desk } from "./desk.ts";

const DAY_MS = 86_400_000;

interface Signed {
  signed: {
    version: number;
    expires: string;
    meta: Record<string, { version: number; length: number; hashes: { sha256: string } }>;
    targets: Record<string, { hashes: { sha256: string }; custom?: { status: string } }>;
  };
}

function read({ cwd }: Desk, name: string): Signed {
  return JSON.parse(readFileSync(join(cwd, "registry", "tuf", `${name}.json`), "utf8")) as Signed;
}

/** A role as a reader finds it: from the timestamp on. */
function role(at: Desk, name: string): Signed {
  const { version } = read(at, "timestamp").signed.meta["snapshot.json"] ?? { version: 0 };
  const snapshot = read(at, `${version}.snapshot`);
  return name === "snapshot" ? snapshot : read(at, `${snapshot.signed.meta[`${name}.json`]?.version ?? 0}.${name}`);
}

function blob({ cwd }: Desk, sha256: string): Buffer {
  return readFileSync(join(cwd, "registry", "blobs", "sha256", sha256.slice(0, 2), sha256));
}

function rows(at: Desk): IndexRow[] {
  return Object.values(role(at, "index").signed.targets).flatMap(({ hashes }) => readIndexShard(blob(at, hashes.sha256)));
}

function move(at: Desk, away: boolean, names: RegExp): void {
  const [here, there] = [join(at.cwd, "registry-keys"), join(at.cwd, "safe")];
  mkdirSync(there, { recursive: true });
  const [from, to] = away ? [here, there] : [there, here];
  for (const name of readdirSync(from)) if (names.test(name)) renameSync(join(from, name), join(to, name));
}

function asset(bytes: Buffer, change: object = {}): Partial<PluginManifest> {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const file = { path: "weights.bin", sha256, cid: blobCid(bytes).cid, sizeBytes: bytes.byteLength, sources: [] };
  return { assets: [{ name: "model", license: "MIT", files: [file], ...change }] };
}

describe("keys that lie elsewhere", () => {
  it("are missed only when their role has changed", async (t) => {
    const at = await desk(t);
    move(at, true, /^(root|targets|claimed)-/);
    assert.equal(
      (await run(at.cwd, ["publish", at.pack("1.0.0"), "--key", "acme.key"])).code,
      0,
      "publishing needs none of them",
    );
    const before = at.published();
    const refused = await run(at.cwd, ["add-namespace", "other", "--key", "other.key.pub"]);
    assert.match(refused.err, /role claimed.*2 of its keys[\s\S]*key_missing[\s\S]*claimed-1\.key/);
    assert.deepEqual(at.published(), before);
    move(at, false, /^claimed-1/);
    assert.equal((await run(at.cwd, ["add-namespace", "other", "--key", "other.key.pub"])).code, 1, "one of two is not enough");
    move(at, false, /^claimed-3/);
    assert.equal((await run(at.cwd, ["add-namespace", "other", "--key", "other.key.pub"])).code, 0);
  });

  it("are asked for in time, while everything else goes on", async (t) => {
    const at = await desk(t);
    move(at, true, /^(root|targets|claimed)-/);
    const later = NOW + 70 * DAY_MS;
    const said = await run(at.cwd, ["refresh"], { now: later });
    assert.equal(said.code, 0);
    assert.match(said.out, /role targets ends on 2026-09-29[\s\S]*role claimed ends on/);
    assert.doesNotMatch(said.out, /role root/);
    assert.ok(Date.parse(read(at, "timestamp").signed.expires) > later, "the timestamp is fresh");
    move(at, false, /./);
    assert.doesNotMatch((await run(at.cwd, ["refresh"], { now: later })).out, /ends on/);
    assert.ok(Date.parse(role(at, "targets").signed.expires) > later + 80 * DAY_MS);
  });

  it("of another registry do not touch this one", async (t) => {
    const [at, other] = [await desk(t), await desk(t)];
    const before = at.published();
    const keys = join(other.cwd, "registry-keys");
    const said = await run(at.cwd, ["refresh", "--keys", keys]);
    assert.match(said.err, /key_foreign/);
    assert.match((await run(at.cwd, ["init", "--keys", keys])).err, /key_foreign/);
    assert.deepEqual(at.published(), before);
  });

  it("may be locked; the passphrase comes from standard input or the environment", async (t) => {
    const at = await desk(t);
    const open = createPrivateKey(readFileSync(join(at.cwd, "acme.key"), "utf8"));
    const locked = open.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open sesame" });
    writeFileSync(join(at.cwd, "locked.key"), locked, { mode: 0o600 });
    const words = ["publish", at.pack("1.0.0"), "--key", "locked.key"];
    assert.match((await run(at.cwd, words)).err, /passphrase_missing/);
    assert.match((await run(at.cwd, words, { env: { HEARTHNET_KEY_PASSPHRASE: "wrong" } })).err, /passphrase_wrong/);
    assert.equal((await run(at.cwd, [...words, "--passphrase-stdin"], { stdin: "open sesame\n" })).code, 0);
    const next = ["publish", at.pack("1.1.0"), "--key", "locked.key"];
    assert.equal((await run(at.cwd, next, { env: { HEARTHNET_KEY_PASSPHRASE: "open sesame" } })).code, 0);
  });
});

describe("a catalogue", () => {
  it("shows the newest version that is not withdrawn", async (t) => {
    const at = await desk(t);
    for (const version of ["1.0.0", "1.10.0"])
      assert.equal((await run(at.cwd, ["publish", at.pack(version), "--key", "acme.key"])).code, 0);
    assert.deepEqual(
      rows(at).map(({ id, v }) => [id, v]),
      [["acme/echo", "1.10.0"]],
    );
    await run(at.cwd, ["yank", "acme/echo@1.10.0", "--key", "acme.key"]);
    assert.deepEqual(
      rows(at).map(({ v }) => v),
      ["1.0.0"],
    );
    assert.equal(role(at, "ns-acme").signed.targets["acme/echo/1.10.0.hnp"]?.custom?.status, "yanked");
    await run(at.cwd, ["yank", "acme/echo@1.0.0", "--key", "acme.key"]);
    assert.deepEqual(rows(at), []);
    assert.ok(indexTarget("acme/echo").startsWith("_registry/index/"));
  });

  it("names what was revoked, and never forgets it", async (t) => {
    const at = await desk(t);
    await run(at.cwd, ["revoke", "acme/echo@1.0.0", "--reason", "It steals."]);
    await run(at.cwd, ["revoke", "acme/worse", "--reason", "All of it.", "--url", "https://example.org/1"]);
    const target = role(at, "revocations").signed.targets["_registry/revocations.json"];
    const list = readRevocations(blob(at, target?.hashes.sha256 ?? ""));
    assert.equal(list.seq, 2);
    assert.deepEqual(
      list.entries.map(({ name, versions, reason }) => [name, versions, reason]),
      [
        ["echo", ["1.0.0"], "It steals."],
        ["worse", undefined, "All of it."],
      ],
    );
  });

  it("names length and hash of every part", async (t) => {
    const at = await desk(t);
    await run(at.cwd, ["publish", at.pack("1.0.0"), "--key", "acme.key"]);
    const names = Object.entries(role(at, "snapshot").signed.meta);
    assert.deepEqual(names.map(([name]) => name).sort(), [
      "claimed.json",
      "index.json",
      "ns-acme.json",
      "revocations.json",
      "targets.json",
    ]);
    for (const [name, { version, length, hashes }] of names) {
      const bytes = readFileSync(join(at.cwd, "registry", "tuf", `${version}.${name}`));
      assert.deepEqual([bytes.byteLength, createHash("sha256").update(bytes).digest("hex")], [length, hashes.sha256], name);
    }
  });
});

describe("assets", () => {
  it("come with the package that names them, or it is not published", async (t) => {
    const at = await desk(t);
    const bytes = randomBytes(3_000_000);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(at.cwd, "weights.bin"), bytes);
    const words = ["publish", at.pack("1.0.0", { manifest: asset(bytes) }), "--key", "acme.key"];
    const before = at.published();
    assert.match((await run(at.cwd, words)).err, /model\/weights\.bin[\s\S]*asset_missing/);
    writeFileSync(join(at.cwd, "wrong.bin"), bytes.subarray(1));
    assert.match((await run(at.cwd, [...words, "--asset", "wrong.bin"])).err, /asset_unknown/);
    assert.deepEqual(at.published(), before);
    assert.equal((await run(at.cwd, [...words, "--asset", "weights.bin"])).code, 0);
    assert.ok(blob(at, sha256).equals(bytes));
    const next = at.pack("1.1.0", { manifest: asset(bytes) });
    assert.equal((await run(at.cwd, ["publish", next, "--key", "acme.key"])).code, 0, "it is here already");
    const optional = at.pack("2.0.0", { manifest: asset(randomBytes(9), { optional: true }) });
    assert.equal((await run(at.cwd, ["publish", optional, "--key", "acme.key"])).code, 0, "what is optional may be missing");
  });
});

describe("a registry's folder", () => {
  it("is changed by one command at a time; a dead one does not block", async (t) => {
    const at = await desk(t);
    const lock = join(at.cwd, "registry", ".lock");
    writeFileSync(lock, String(process.pid));
    assert.match((await run(at.cwd, ["refresh"])).err, new RegExp(`process ${process.pid}[\\s\\S]*busy`));
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    writeFileSync(lock, String(child.pid));
    assert.equal((await run(at.cwd, ["refresh"])).code, 0);
    assert.ok(!existsSync(lock));
  });

  it("is cleaned of what nobody names, after readers have ended", async (t) => {
    const at = await desk(t);
    const model = randomBytes(1000);
    writeFileSync(join(at.cwd, "weights.bin"), model);
    const first = at.pack("1.0.0", { manifest: asset(model) });
    await run(at.cwd, ["publish", first, "--key", "acme.key", "--asset", "weights.bin"]);
    await run(at.cwd, ["publish", at.pack("1.1.0"), "--key", "acme.key"]);
    const root = join(at.cwd, "registry");
    mkdirSync(join(root, "tmp"), { recursive: true });
    writeFileSync(join(root, "tmp", "half"), "half");
    const stamp = (ms: number): void => {
      for (const name of at.published().keys()) utimesSync(join(root, name), ms / 1000, ms / 1000);
    };
    stamp(NOW);
    await run(at.cwd, ["refresh"], { now: NOW + 60_000 });
    assert.ok(at.published().has("tmp/half"), "a minute later somebody may still read");
    stamp(NOW);
    await run(at.cwd, ["refresh"], { now: NOW + 2 * 3_600_000 });
    const left = [...at.published().keys()];
    assert.equal(left.filter((name) => name.startsWith("tmp/")).length, 0);
    assert.equal(left.filter((name) => name.endsWith(".snapshot.json")).length, 1);
    assert.equal(
      left.filter((name) => name.startsWith("blobs/")).length,
      5,
      "two packages, an asset, an index part, revocations",
    );
    assert.ok(blob(at, createHash("sha256").update(model).digest("hex")).equals(model));
  });

  it("is the old or the new one after a kill in the middle of a write, and the next command goes on", async (t) => {
    const at = await desk(t);
    assert.equal((await run(at.cwd, ["publish", at.pack("1.0.0"), "--key", "acme.key"])).code, 0);
    const file = at.pack("1.1.0");
    let survived = 0;
    for (let stop = 1; survived === 0 && stop < 40; stop++) {
      const script = join(import.meta.dirname, "killed-publish.ts");
      const child = spawn(
        process.execPath,
        ["--no-warnings", "--conditions=hearthnet-source", script, at.cwd, file, String(stop)],
        {
          stdio: ["ignore", "ignore", "inherit"],
        },
      );
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      if (signal === null) {
        assert.equal(code, 0);
        survived = stop;
      } else assert.equal(signal, "SIGKILL");
      const versions = Object.keys(role(at, "ns-acme").signed.targets);
      const index = rows(at).map(({ v }) => v);
      assert.deepEqual(versions.length === 2 ? ["1.1.0"] : ["1.0.0"], index, `stop ${stop}: one view`);
      for (const { hashes } of Object.values(role(at, "ns-acme").signed.targets)) blob(at, hashes.sha256);
    }
    assert.ok(survived > 6, "it was killed between every two writes");
    assert.deepEqual(
      rows(at).map(({ v }) => v),
      ["1.1.0"],
    );
  });
});

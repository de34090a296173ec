import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, chmodSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { Header } from "tar";
import {
  fromKeyObject,
  recheckFolder,
  unpackPackage,
  verifyPackage,
  writePackage,
  type PackageFile,
} from "../../../src/format/index.ts";
import { refusal } from "../../support/people.ts";

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const KEY = fromKeyObject(publicKey);
const ID = "acme/demo";

export function manifest(change: object = {}): object {
  return {
    manifestVersion: 1,
    id: ID,
    version: "1.0.0",
    kind: "service",
    tier: { min: "process" },
    displayName: { en: "Demo" },
    description: { en: "A demo." },
    license: "Apache-2.0",
    engines: { hearthnet: ">=0.1" },
    platforms: ["any"],
    entry: { main: "dist/main.mjs" },
    contributes: {},
    permissions: [],
    ...change,
  };
}

function files(change: Record<string, string> = {}): Map<string, PackageFile> {
  const texts = {
    "hearthnet.plugin.json": JSON.stringify(manifest()),
    "dist/main.mjs": "export default {};\n",
    "dist/other.mjs": "export const other = 1;\n",
    ...change,
  };
  return new Map(Object.entries(texts).map(([path, text]) => [path, { bytes: Buffer.from(text) }]));
}

function pack(key: KeyObject = privateKey, change: Record<string, string> = {}): Buffer {
  return Buffer.from(writePackage(files(change), key).bytes);
}

/** Our header, whatever the altered content. */
function squeeze(tar: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]), gzipSync(tar, { level: 9 }).subarray(10)]);
}

interface Entry {
  path: string;
  content?: string;
  type?: "File" | "SymbolicLink" | "Link" | "Directory" | "CharacterDevice" | "FIFO";
  linkpath?: string;
  mode?: number;
  size?: number;
}

/** A tar with any entries, hostile ones included. */
function tarOf(entries: Entry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const e of entries) {
    const content = Buffer.from(e.content ?? "");
    const block = Buffer.alloc(512);
    new Header({
      path: e.path,
      mode: e.mode ?? 0o644,
      uid: 0,
      gid: 0,
      size: e.size ?? content.length,
      mtime: new Date(0),
      type: e.type ?? "File",
      linkpath: e.linkpath ?? "",
      uname: "",
      gname: "",
      devmaj: 0,
      devmin: 0,
    }).encode(block, 0);
    blocks.push(block, content, Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** Entries of a good package, to be altered. */
function entriesOf(bytes: Buffer): Entry[] {
  const tar = gunzipSync(bytes);
  const out: Entry[] = [];
  for (let at = 0; tar[at] !== 0;) {
    const header = new Header(tar, at);
    const size = header.size ?? 0;
    out.push({ path: String(header.path), content: tar.toString("utf8", at + 512, at + 512 + size), mode: header.mode ?? 0 });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return out;
}

/** Verifies through the same door as an installation and checks that a refusal leaves nothing behind. */
async function refusedWith(
  t: TestContext,
  bytes: Uint8Array,
  reason: string,
  o: { code?: string; id?: string } = {},
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "hn-package-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const before = new Set(readdirSync(tmpdir()));
  await assert.rejects(unpackPackage(bytes, { root, opId: "op", keys: [KEY] }), (error: unknown) =>
    refusal(
      o.code ?? (["tampered", "unsigned", "wrong_key"].includes(reason) ? "invalid_signature" : "bad_request"),
      reason,
    )(error),
  );
  assert.deepEqual(readdirSync(join(root, "tmp")), [], "tmp is empty");
  assert.deepEqual(readdirSync(join(root, "store", "sha256")), [], "store is empty");
  for (const name of readdirSync(tmpdir()))
    if (name.startsWith("evil")) assert.ok(before.has(name), `${name} was written outside`);
}

describe("a good package", () => {
  it("is the same bytes every time, unpacks read-only and is found unchanged later", async (t) => {
    assert.deepEqual(pack(), pack());
    const root = mkdtempSync(join(tmpdir(), "hn-package-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const done = await unpackPackage(pack(), { root, opId: "op", keys: [KEY] });
    assert.equal(done.keyId, KEY.keyId);
    assert.equal(readFileSync(join(done.dir, "dist/main.mjs"), "utf8"), "export default {};\n");
    assert.deepEqual(recheckFolder(done.dir), []);
    chmodSync(join(done.dir, "dist/main.mjs"), 0o644);
    writeFileSync(join(done.dir, "dist/main.mjs"), "evil");
    writeFileSync(join(done.dir, "dist/extra.mjs"), "evil");
    assert.deepEqual(recheckFolder(done.dir).sort(), ["dist/extra.mjs", "dist/main.mjs"]);
  });
});

describe("a tampered package is refused with its exact class (marketplace §5.1, §11)", () => {
  it("one flipped byte in transit is damaged", async (t) => {
    const bytes = pack();
    for (const at of [3, 9, 40, bytes.length >> 1, bytes.length - 1]) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 0x10;
      await refusedWith(t, altered, "damaged");
    }
    await assert.rejects(
      verifyPackage(bytes, { keys: [KEY], expected: { sha256: "0".repeat(64), id: ID, version: "1.0.0" } }),
      refusal("bad_request", "damaged"),
    );
  });

  it("a changed, renamed, swapped, extra or missing file is tampered", async (t) => {
    const good = entriesOf(pack());
    const change = (f: (e: Entry) => Entry): Buffer => squeeze(tarOf(good.map(f).sort((a, b) => (a.path < b.path ? -1 : 1))));
    const main = good.find((e) => e.path === "dist/main.mjs")?.content ?? "";
    const other = good.find((e) => e.path === "dist/other.mjs")?.content ?? "";
    await refusedWith(
      t,
      change((e) => (e.path === "dist/main.mjs" ? { ...e, content: "export default 1;;\n" } : e)),
      "tampered",
    );
    await refusedWith(
      t,
      change((e) => (e.path === "dist/other.mjs" ? { ...e, path: "dist/other2.mjs" } : e)),
      "tampered",
    );
    await refusedWith(
      t,
      change((e) =>
        e.path === "dist/main.mjs" ? { ...e, content: other } : e.path === "dist/other.mjs" ? { ...e, content: main } : e,
      ),
      "tampered",
    );
    await refusedWith(
      t,
      change((e) => (e.path === "dist/main.mjs" ? { ...e, mode: 0o755 } : e)),
      "tampered",
    );
    await refusedWith(t, squeeze(tarOf([...good, { path: "zz-extra", content: "x" }])), "tampered");
    await refusedWith(t, squeeze(tarOf(good.filter((e) => e.path !== "dist/other.mjs"))), "tampered");
  });

  it("a list rewritten to fit the changed file is still tampered: the publisher signed the list", async (t) => {
    const rewritten = writePackage(files({ "dist/main.mjs": "export default 'evil';\n" })).bytes;
    const signature = entriesOf(pack()).find((e) => e.path.startsWith("sig/")) as Entry;
    const entries = [...entriesOf(Buffer.from(rewritten)), signature].sort((a, b) => (a.path < b.path ? -1 : 1));
    await refusedWith(t, squeeze(tarOf(entries)), "tampered");
  });

  it("no signature, and another publisher's valid signature", async (t) => {
    await refusedWith(t, writePackage(files()).bytes, "unsigned");
    await refusedWith(t, pack(generateKeyPairSync("ed25519").privateKey), "wrong_key");
  });

  it("another plugin under this name", async () => {
    const bytes = pack();
    const { sha256 } = writePackage(files(), privateKey);
    await assert.rejects(
      verifyPackage(bytes, { keys: [KEY], expected: { sha256, id: "acme/other", version: "1.0.0" } }),
      refusal("invalid_signature", "tampered"),
    );
  });
});

describe("a hostile archive is refused and writes nothing (marketplace §11)", () => {
  const evil: [string, Entry[], string][] = [
    ["parent path", [{ path: "../evil", content: "x" }], "archive_path"],
    ["absolute path", [{ path: "/tmp/evil", content: "x" }], "archive_path"],
    ["path through a parent", [{ path: "a/../../evil", content: "x" }], "archive_path"],
    ["backslash", [{ path: "..\\evil", content: "x" }], "archive_path"],
    ["drive", [{ path: "C:evil", content: "x" }], "archive_path"],
    ["symlink", [{ path: "link", type: "SymbolicLink", linkpath: "/tmp" }], "archive_path"],
    ["hardlink", [{ path: "link", type: "Link", linkpath: "/etc/passwd" }], "archive_path"],
    ["device", [{ path: "dev", type: "CharacterDevice" }], "archive_path"],
    ["fifo", [{ path: "fifo", type: "FIFO" }], "archive_path"],
    ["folder entry", [{ path: "d/", type: "Directory" }], "archive_path"],
    ["device name", [{ path: "aux.txt", content: "x" }], "archive_path"],
    ["trailing dot", [{ path: "a.", content: "x" }], "archive_path"],
    [
      "same name twice",
      [
        { path: "a", content: "x" },
        { path: "a", content: "y" },
      ],
      "archive_path",
    ],
    [
      "names that differ by case",
      [
        { path: "A", content: "x" },
        { path: "a", content: "y" },
      ],
      "archive_path",
    ],
    [
      "a file that is also a folder",
      [
        { path: "a", content: "x" },
        { path: "a/b", content: "y" },
      ],
      "archive_path",
    ],
    ["not in normal form", [{ path: "u\u0308", content: "x" }], "archive_path"],
    ["setuid mode", [{ path: "a", content: "x", mode: 0o4755 }], "archive_path"],
    ["size longer than the archive", [{ path: "a", content: "x", size: 5000 }], "damaged"],
    ["no list", [{ path: "a", content: "x" }], "tampered"],
  ];
  for (const [name, entries, reason] of evil)
    it(name, async (t) => {
      await refusedWith(t, squeeze(tarOf(entries)), reason);
      assert.equal(existsSync("/tmp/evil"), false);
    });

  it("a bomb is stopped by its ratio, long before it is unpacked", async (t) => {
    const before = process.memoryUsage().rss;
    await refusedWith(t, squeeze(tarOf([{ path: "zeros", content: "\0".repeat(200 * 1024 * 1024) }])), "archive_limits");
    // The bomb itself was made in this process, so only gross misbehaviour shows here.
    assert.ok(process.memoryUsage().rss - before < 600 * 1024 * 1024);
  });

  it("two members, bytes behind the end, and every truncation", async (t) => {
    const bytes = pack();
    await refusedWith(t, Buffer.concat([bytes, bytes]), "damaged");
    await refusedWith(t, Buffer.concat([bytes, Buffer.from("x")]), "damaged");
    for (let at = 0; at < bytes.length; at += 97) await refusedWith(t, bytes.subarray(0, at), "damaged");
    await refusedWith(t, squeeze(Buffer.concat([gunzipSync(bytes), Buffer.alloc(512)])), "damaged");
  });
});

describe("what happens beside the package is not blamed on it", () => {
  it("a cancelled reading throws the signal's reason and leaves nothing", async (t) => {
    const root = mkdtempSync(join(tmpdir(), "hn-package-"));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const reason = new Error("cancelled");
    await assert.rejects(
      unpackPackage(pack(), { root, opId: "op", keys: [KEY], signal: AbortSignal.abort(reason) }),
      (e) => e === reason,
    );
    assert.deepEqual(readdirSync(join(root, "tmp")), []);
    assert.deepEqual(readdirSync(join(root, "store", "sha256")), []);
  });
});

it("takes the signature in one spelling only, so that no bit of a package can differ", async () => {
  const tar = gunzipSync(pack()).toString("latin1");
  for (const [from, to] of [
    ['=="}]}', '=9"}]}'],
    ['{"payload":', '{"payload" :'],
  ] as const) {
    assert.ok(tar.includes(from), from);
    const cut = from.length === to.length ? tar.replace(from, to) : tar.replace(from, to).replace('"}]}\0', '"}]}');
    await assert.rejects(verifyPackage(squeeze(Buffer.from(cut, "latin1")), { keys: [KEY] }), to);
  }
});

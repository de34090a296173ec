/** Encryption on the disk. @source 30 §7 */
import assert from "node:assert/strict";
import test from "node:test";
import { DatabaseSync } from "node:sqlite";
import { openChunk, openText, sealChunk, sealText } from "../../src/seal/box.ts";
import { Keyring } from "../../src/seal/keyring.ts";
import { openRoot } from "../../src/seal/root.ts";
import { ROOT_BYTES } from "../support/test-store.ts";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";

const CID = `blake3:${"0".repeat(64)}`;
const OTHER = `blake3:${"1".repeat(64)}`;
const NODE_KEY = new Uint8Array(32).fill(5);

test("known answer: root 09 × 32 and an id of zeros", async () => {
  const key = (await openRoot(ROOT_BYTES)).chunkKey(CID);
  assert.equal(Buffer.from(key).toString("hex"), "ea74ce8e3ea8e6bc8e8a605d22ae500f28dc3c1fb8da9bd9954910456b496aa8");
});

test("a sealed chunk opens for its own id and whole, and for nothing else", async () => {
  const key = (await openRoot(ROOT_BYTES)).chunkKey(CID);
  const bytes = new TextEncoder().encode("nobody's business");
  const sealed = sealChunk(key, CID, bytes);
  assert.equal(Buffer.from(sealed.subarray(0, 4)).toString(), "HNB1");
  assert.equal(sealed.byteLength, 4 + bytes.byteLength + 16);
  assert.deepEqual(Buffer.from(openChunk(key, CID, sealed) ?? []), Buffer.from(bytes));
  assert.equal(openChunk(key, OTHER, sealed), null, "the id is bound to it");
  for (let at = 0; at < sealed.byteLength; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(openChunk(key, CID, changed), null, `byte ${at}`);
    assert.equal(openChunk(key, CID, sealed.subarray(0, at)), null, `cut at ${at}`);
  }
});

test("the same text is never sealed the same way twice", () => {
  const text = new TextEncoder().encode("a list of chunks");
  const [one, two] = [sealText(NODE_KEY, "x", text), sealText(NODE_KEY, "x", text)];
  assert.notDeepEqual(one, two);
  assert.deepEqual(Buffer.from(openText(NODE_KEY, "x", one) ?? []), Buffer.from(text));
  assert.equal(openText(NODE_KEY, "y", one), null);
});

test("names on the disk cannot be computed from a known file", async () => {
  const [mine, theirs] = await Promise.all([openRoot(ROOT_BYTES), openRoot(new Uint8Array(32).fill(8))]);
  assert.match(mine.diskName(CID), /^[0-9a-f]{64}$/);
  assert.notEqual(mine.diskName(CID), theirs.diskName(CID));
  assert.equal(mine.diskName(CID), (await openRoot(ROOT_BYTES)).diskName(CID));
  assert.notEqual(mine.diskName(CID), mine.diskName(OTHER));
});

test("the root opens on its own node, with the passphrase once there is one, and nowhere else", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hn-files-keyring-"));
  const path = join(folder, "keys.db");
  try {
    const db = new DatabaseSync(path);
    const ring = new Keyring(db, NODE_KEY);
    const first = await ring.open();
    assert.ok(first);
    const name = first.diskName(CID);
    assert.equal((await ring.open())?.diskName(CID), name, "made once");
    assert.equal(await new Keyring(db, new Uint8Array(32).fill(6)).open(), null, "the disk in another computer");
    assert.equal(ring.hasPassphrase, false);
    assert.equal(await ring.change(undefined, "correct horse"), true);
    assert.equal(ring.hasPassphrase, true);
    assert.equal(await ring.open(), null, "locked");
    assert.equal(await ring.open("wrong horse"), null);
    assert.equal((await ring.open("correct horse"))?.diskName(CID), name, "the same root");
    assert.equal(await ring.change("wrong horse", null), false);
    assert.equal(await ring.change("correct horse", null), true);
    assert.equal((await ring.open())?.diskName(CID), name);
    db.close();
    assert.ok(!readFileSync(path).includes("correct horse"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

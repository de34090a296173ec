/** What the store keeps, gives out and refuses. @source 30 §1, §3, §4 */
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { afterEach } from "node:test";
import { writeFileSync } from "node:fs";
import { CHUNK_BYTES, makeManifest, type Manifest } from "../../src/cid/manifest.ts";
import { assertSame, bytesOf, flipBit, HOUR, once, openTestStore, filesIn, type TestStore } from "../support/test-store.ts";

const open: TestStore[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function fresh(change: Parameters<typeof openTestStore>[0] = {}): Promise<TestStore> {
  const made = await openTestStore(change);
  open.push(made);
  return made;
}

/** Of bytes that are not put anywhere. */
function manifestOf({ hasher }: TestStore, bytes: Uint8Array): Manifest {
  const chunks = [];
  for (let at = 0; at === 0 || at < bytes.byteLength; at += CHUNK_BYTES) {
    const part = bytes.subarray(at, at + CHUNK_BYTES);
    chunks.push({ cid: hasher.cid(part), size_bytes: part.byteLength });
  }
  return makeManifest(hasher, chunks);
}

const part = (bytes: Uint8Array, i: number): Uint8Array => bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
const BIG = bytesOf(2 * CHUNK_BYTES + 100, 1);

test("what was stored comes out again, also after a restart", async () => {
  let it = await fresh();
  const { cid, chunks } = await it.put(BIG);
  assert.equal(chunks.length, 3);
  assertSame(await it.bytesOf(cid), Buffer.from(BIG));
  const empty = await it.put(new Uint8Array(0));
  assert.equal(empty.cid, "blake3:1759d13c6086795fe82f6c435243c5a1940ecc493bfc2d05e4a004eb7c799e07");
  it = await it.reopen();
  open.push(it);
  assertSame(await it.bytesOf(cid), Buffer.from(BIG));
  assertSame(await it.bytesOf(empty.cid), Buffer.alloc(0));
});

test("files lie where spec 30 says, and nothing is left beside them", async () => {
  const it = await fresh();
  const { cid, chunks } = await it.put(BIG);
  const place = (id: string, kind: string): string => `${id.slice(7, 9)}/${id.slice(9)}.${kind}`;
  assert.deepEqual(filesIn(it.dir), [...chunks.map((c) => place(c.cid, "bin")), place(cid, "manifest.json")].toSorted());
});

test("chunk by chunk: only what is missing is wanted, in any order, and nothing false is taken", async () => {
  const it = await fresh();
  const manifest = manifestOf(it, BIG);
  const incoming = await it.store.receive(manifest, { visibility: "community", origin: "fetched" });
  assert.deepEqual(incoming.missing(), [0, 1, 2]);
  await incoming.write(2, part(BIG, 2));
  assert.deepEqual([...incoming.bitmap()], [0b100]);
  await assert.rejects(incoming.write(0, part(BIG, 1)), { code: "bad_request", reason: "hash_mismatch" });
  await assert.rejects(incoming.write(1, part(BIG, 1).subarray(1)), { reason: "hash_mismatch" });
  await assert.rejects(incoming.write(3, part(BIG, 1)), { reason: "hash_mismatch" });
  await assert.rejects(incoming.finish(), { reason: "hash_mismatch" }, "two chunks are missing");
  assert.equal(it.store.complete(manifest.cid), false);
  assert.equal(await it.store.manifest(manifest.cid, "member"), null, "half a file is none (30 §4.3)");
  incoming.close();
  const again = await it.store.incoming(manifest.cid);
  assert.deepEqual(again?.missing(), [0, 1]);
  await Promise.all([again?.write(0, part(BIG, 0)), again?.write(1, part(BIG, 1)), again?.write(1, part(BIG, 1))]);
  await again?.finish();
  assertSame(await it.bytesOf(manifest.cid), Buffer.from(BIG));
  assert.equal(await it.store.incoming(manifest.cid), null);
});

test("what is here already is not wanted again, and lies here once", async () => {
  const it = await fresh();
  const { cid } = await it.put(BIG);
  const files = it.chunkFiles();
  const again = await it.store.receive(manifestOf(it, BIG), { visibility: "community", origin: "put", owner: "ed25519:ada" });
  assert.deepEqual(again.missing(), []);
  await again.finish();
  const more = bytesOf(3 * CHUNK_BYTES, 1);
  const longer = await it.store.receive(manifestOf(it, more), { visibility: "community", origin: "put", owner: "ed25519:ada" });
  assert.deepEqual(longer.missing(), [2], "it begins like the first");
  longer.close();
  const same = await it.put(bytesOf(CHUNK_BYTES, 1));
  assert.notEqual(same.cid, cid);
  assert.deepEqual(it.chunkFiles(), files);
});

test("a blob of one chunk many times over needs it once", async () => {
  const it = await fresh();
  const zeros = new Uint8Array(4 * CHUNK_BYTES);
  const manifest = manifestOf(it, zeros);
  const incoming = await it.store.receive(manifest, { visibility: "community", origin: "put" });
  await incoming.write(3, part(zeros, 3));
  assert.deepEqual(incoming.missing(), []);
  await incoming.finish();
  assert.equal(it.chunkFiles().length, 1);
  assertSame(await it.bytesOf(manifest.cid), Buffer.from(zeros));
  assert.equal((await it.store.remove(manifest.cid)).freedBytes, CHUNK_BYTES);
  assert.deepEqual(filesIn(it.dir), []);
});

test("deleting takes along what nobody else needs, and nothing more", async () => {
  const it = await fresh();
  const one = await it.put(BIG);
  const two = await it.put(bytesOf(2 * CHUNK_BYTES, 1));
  assert.deepEqual(await it.store.remove(one.cid), { deleted: true, freedBytes: 100 });
  assertSame(await it.bytesOf(two.cid), Buffer.from(bytesOf(2 * CHUNK_BYTES, 1)));
  assert.equal(it.store.stat(one.cid, "own"), null);
  assert.deepEqual(await it.store.remove(one.cid), { deleted: false, freedBytes: 0 });
  await it.store.remove(two.cid);
  assert.deepEqual(filesIn(it.dir), []);
});

test("a chunk that the disk has changed is noticed, put aside, and wanted again (30 §4.2)", async () => {
  const it = await fresh();
  const manifest = await it.put(BIG);
  const other = await it.put(bytesOf(CHUNK_BYTES, 1));
  const [first] = manifest.chunks;
  assert.ok(first);
  flipBit(join(it.dir, first.cid.slice(7, 9), `${first.cid.slice(9)}.bin`), 1000);
  assert.equal(await it.store.readChunk(first.cid, "own"), null);
  assert.deepEqual(it.damaged, ["chunk"]);
  assert.deepEqual(it.store.missing(manifest.cid), [0]);
  assert.equal(it.store.complete(manifest.cid), false);
  assert.equal(it.store.complete(other.cid), false, "so is every other blob that has it");
  assert.equal(it.store.hasChunk(first.cid, "own"), false);
  assert.ok(!it.chunkFiles().some((name) => name.endsWith(`${first.cid.slice(9)}.bin`)));
  const again = await it.store.receive(manifest, { visibility: "community", origin: "fetched" });
  assert.deepEqual(again.missing(), [0]);
  await again.write(0, part(BIG, 0));
  await again.finish();
  assertSame(await it.bytesOf(manifest.cid), Buffer.from(BIG));
});

for (const [what, harm] of [
  ["cut off", (path: string) => writeFileSync(path, new Uint8Array(10))],
  ["empty", (path: string) => writeFileSync(path, new Uint8Array(0))],
  ["longer", (path: string) => writeFileSync(path, new Uint8Array(CHUNK_BYTES + 1))],
] as const)
  test(`a file that is ${what} counts as damaged`, async () => {
    const it = await fresh();
    const { cid, chunks } = await it.put(BIG);
    harm(join(it.dir, it.chunkFiles()[0] ?? ""));
    assert.equal(await it.bytesOf(cid), null);
    assert.ok(it.store.missing(cid).length > 0 && chunks.length === 3);
  });

test("a description that the disk has changed is put aside, and the file can be brought anew", async () => {
  const it = await fresh();
  const { cid } = await it.put(BIG);
  flipBit(join(it.dir, cid.slice(7, 9), `${cid.slice(9)}.manifest.json`), 30);
  const after = await it.reopen();
  open.push(after);
  assert.equal(await after.store.manifest(cid, "own"), null);
  assert.equal(after.store.complete(cid), false);
  const again = await after.store.receive(manifestOf(after, BIG), { visibility: "community", origin: "fetched" });
  await again.finish();
  assertSame(await after.bytesOf(cid), Buffer.from(BIG));
});

test("who sees what: private for this node alone, community for members, public for all (30 §3)", async () => {
  const it = await fresh();
  const cids = {
    private: (await it.put(bytesOf(10, 2), { visibility: "private" })).cid,
    community: (await it.put(bytesOf(10, 3))).cid,
    public: (await it.put(bytesOf(10, 4), { visibility: "public" })).cid,
  };
  const seen = { own: ["private", "community", "public"], member: ["community", "public"], federated: ["public"] } as const;
  for (const viewer of ["own", "member", "federated"] as const)
    for (const [visibility, cid] of Object.entries(cids)) {
      const sees = (seen[viewer] as readonly string[]).includes(visibility);
      const manifest = await it.store.manifest(cid, viewer);
      assert.equal(manifest !== null, sees, `${viewer} ${visibility}`);
      assert.equal(it.store.stat(cid, viewer) !== null, sees);
      const chunk = manifest?.chunks[0]?.cid ?? (await it.store.manifest(cid, "own"))?.chunks[0]?.cid ?? "";
      assert.equal(it.store.hasChunk(chunk, viewer), sees);
      assert.equal((await it.store.readChunk(chunk, viewer)) !== null, sees);
    }
  const listed = (viewer: "own" | "member" | "federated"): string[] => it.store.list({ viewer, limit: 10 });
  assert.deepEqual(listed("own"), [cids.community, cids.public].toSorted(), "a list never shows private ones");
  assert.deepEqual(listed("federated"), [cids.public]);
  await it.store.share(cids.private, "community");
  assert.ok(await it.store.manifest(cids.private, "member"));
  await it.store.share(cids.public, "private");
  assert.equal(await it.store.manifest(cids.public, "member"), null);
});

test("nobody gets at somebody's own file by naming its chunks", async () => {
  const it = await fresh();
  const mine = await it.put(BIG, { visibility: "private" });
  // A member puts it; a neighbour's description of it is fetched; the same under another id.
  for (const facts of [
    { visibility: "community", origin: "put", owner: "ed25519:mallory" },
    { visibility: "private", origin: "put", owner: "ed25519:mallory" },
    { visibility: "community", origin: "fetched" },
    { visibility: "public", origin: "replica" },
  ] as const) {
    const incoming = await it.store.receive(mine, facts);
    assert.deepEqual(incoming.missing(), [0, 1, 2], JSON.stringify(facts));
    await assert.rejects(incoming.finish(), { reason: "hash_mismatch" });
    incoming.close();
  }
  const twisted = makeManifest(it.hasher, mine.chunks.slice(0, 1));
  const incoming = await it.store.receive(twisted, { visibility: "community", origin: "put", owner: "ed25519:mallory" });
  assert.deepEqual(incoming.missing(), [0]);
  for (const { cid } of mine.chunks) assert.equal(await it.store.readChunk(cid, "member"), null);
  assert.equal(await it.store.manifest(mine.cid, "member"), null);
  // Whoever has the bytes may share them; the own file stays as it is.
  await incoming.write(0, part(BIG, 0));
  await incoming.finish();
  assert.ok(await it.store.readChunk(mine.chunks[0]?.cid ?? "", "member"));
  assert.equal(it.store.stat(mine.cid, "own")?.visibility, "private");
});

test("what lies here both as one's own and shared is two, until it is shared", async () => {
  const it = await fresh();
  const meta = { note: "from the doctor" };
  const { cid } = await it.put(BIG, { visibility: "private", meta, pin: true });
  await it.put(BIG, { owner: "ed25519:ada" });
  assert.deepEqual(it.store.stat(cid, "own")?.meta, meta);
  assert.equal(it.store.stat(cid, "member")?.meta, undefined, "what the owner noted is not what others see");
  await it.store.share(cid, "community");
  assert.equal(it.store.shared().length, 1);
  assert.equal(it.store.stat(cid, "member")?.pinned, true);
  assert.equal((await it.store.remove(cid)).deleted, true);
  assert.deepEqual(filesIn(it.dir), []);
});

test("a full disk takes nothing and loses nothing", async () => {
  const it = await fresh();
  const before = await it.put(bytesOf(1000, 5));
  const files = filesIn(it.dir);
  it.bounds = { totalBytes: 1e9, freeBytes: 1000 + CHUNK_BYTES };
  async function* filling(): AsyncGenerator<Uint8Array, void, void> {
    yield part(BIG, 0);
    it.bounds = { totalBytes: 1e9, freeBytes: 1000 + CHUNK_BYTES - 1 };
    yield part(BIG, 1);
  }
  const facts = { visibility: "community", origin: "put" } as const;
  await assert.rejects(it.store.takeIn(filling(), facts), { code: "capacity_exceeded", reason: "disk_full" });
  await assert.rejects(it.store.receive(manifestOf(it, BIG), { visibility: "community", origin: "put" }), {
    reason: "disk_full",
  });
  await it.audit();
  assert.deepEqual(filesIn(it.dir), files);
  assertSame(await it.bytesOf(before.cid), Buffer.from(bytesOf(1000, 5)));
  it.bounds = { totalBytes: 1e9, freeBytes: 1000 + BIG.byteLength };
  const incoming = await it.store.receive(manifestOf(it, BIG), { visibility: "community", origin: "put" });
  await assert.rejects(it.put(bytesOf(10, 6)), { reason: "disk_full" }, "the room is set aside");
  incoming.close();
  await it.put(bytesOf(10, 6));
});

test("a member stores no more than their share; what others have put does not count (30 §4.7)", async () => {
  const it = await fresh({
    limits: () => ({ maxBlobBytes: 1e9, quotaBytesPerMember: 3 * CHUNK_BYTES, minFreeBytes: 0, quotaBytes: null }),
  });
  const facts = { visibility: "community", origin: "put" } as const;
  const [ada, ben] = [
    { ...facts, owner: "ed25519:ada" },
    { ...facts, owner: "ed25519:ben" },
  ];
  const incoming = await it.store.receive(manifestOf(it, BIG), ada);
  await assert.rejects(it.store.receive(manifestOf(it, bytesOf(CHUNK_BYTES, 9)), ada), {
    code: "capacity_exceeded",
    reason: "member_quota_full",
  });
  (await it.store.receive(manifestOf(it, bytesOf(CHUNK_BYTES, 9)), ben)).close();
  (await it.store.receive(manifestOf(it, BIG), ada)).close();
  for (const i of incoming.missing()) await incoming.write(i, part(BIG, i));
  await incoming.finish();
  (await it.store.receive(manifestOf(it, BIG), ben)).close();
  await assert.rejects(
    it.put(bytesOf(CHUNK_BYTES, 10), { owner: "ed25519:ada" }),
    { reason: "member_quota_full" },
    "in one piece as well",
  );
  (await it.store.receive(manifestOf(it, bytesOf(9 * CHUNK_BYTES, 9)), facts)).close();
});

test("no blob is larger than the limit, whatever a stream says of itself", async () => {
  const it = await fresh({
    limits: () => ({ maxBlobBytes: CHUNK_BYTES, quotaBytesPerMember: 1e9, minFreeBytes: 0, quotaBytes: null }),
  });
  await assert.rejects(it.put(BIG), { code: "bad_request", reason: "too_large" });
  await assert.rejects(it.store.receive(manifestOf(it, BIG), { visibility: "community", origin: "put" }), {
    reason: "too_large",
  });
  await it.audit();
  assert.deepEqual(filesIn(it.dir), []);
});

test("a stream that breaks off leaves nothing", async () => {
  const it = await fresh();
  async function* broken(): AsyncGenerator<Uint8Array, void, void> {
    yield BIG;
    throw new Error("gone");
  }
  await assert.rejects(it.store.takeIn(broken(), { visibility: "community", origin: "put" }), /gone/);
  await it.audit();
  assert.deepEqual(filesIn(it.dir), []);
});

test("after a start strays are swept away and lost chunks are missed", async () => {
  const it = await fresh();
  const { cid, chunks } = await it.put(BIG);
  const stray = join(it.dir, chunks[0]?.cid.slice(7, 9) ?? "", `${"f".repeat(62)}.bin`);
  writeFileSync(stray, "x");
  const lost = chunks[1]?.cid ?? "";
  const { rmSync } = await import("node:fs");
  rmSync(join(it.dir, lost.slice(7, 9), `${lost.slice(9)}.bin`));
  assert.deepEqual(await it.audit(), { strayFiles: 1, lostChunks: 1 });
  assert.deepEqual(it.store.missing(cid), [1]);
});

test("lists go on where they ended and know prefixes", async () => {
  const it = await fresh();
  const cids: string[] = [];
  for (let seed = 0; seed < 20; seed += 1) cids.push((await it.put(bytesOf(5, 100 + seed))).cid);
  cids.sort();
  assert.deepEqual(it.store.list({ viewer: "member", limit: 7 }), cids.slice(0, 7));
  assert.deepEqual(it.store.list({ viewer: "member", limit: 7, after: cids[6] ?? "" }), cids.slice(7, 14));
  const prefix = cids[10]?.slice(0, 9) ?? "";
  assert.deepEqual(
    it.store.list({ viewer: "member", limit: 9, prefix }),
    cids.filter((cid) => cid.startsWith(prefix)),
  );
});

test("what is told of comings and goings does not tell of private ones", async () => {
  const it = await fresh();
  const told: string[] = [];
  it.store.on(({ kind, cid, why }) => told.push(`${kind} ${why} ${cid.slice(7, 11)}`));
  const mine = await it.put(bytesOf(5, 1), { visibility: "private" });
  const shared = await it.put(bytesOf(5, 2));
  await it.store.remove(mine.cid);
  await it.store.remove(shared.cid);
  assert.deepEqual(told, [`complete put ${shared.cid.slice(7, 11)}`, `gone delete ${shared.cid.slice(7, 11)}`]);
});

test("an upload that nobody goes on with is given up, and what it shares with others stays (30 §5.4)", async () => {
  const it = await fresh();
  const kept = await it.put(bytesOf(CHUNK_BYTES, 1));
  const incoming = await it.store.receive(manifestOf(it, BIG), { visibility: "community", origin: "put", owner: "ed25519:ada" });
  await incoming.write(1, part(BIG, 1));
  incoming.close();
  const rules = { threshold: 0.8, target: 0.7, partialTtlMs: HOUR };
  it.clock.at += HOUR - 1;
  assert.equal((await it.collect(rules)).expired, 0);
  it.clock.at += 1;
  assert.equal((await it.collect(rules)).expired, 1);
  assert.equal(await it.store.incoming(incoming.manifest.cid), null);
  assert.equal(it.chunkFiles().length, 1);
  assertSame(await it.bytesOf(kept.cid), Buffer.from(bytesOf(CHUNK_BYTES, 1)));
  await assert.rejects(incoming.write(0, part(BIG, 0)), { code: "not_found" }, "whoever held on to it learns so");
});

test("streams are read at the pace of the disk", async () => {
  const it = await fresh();
  let ahead = 0;
  let most = 0;
  async function* source(): AsyncGenerator<Uint8Array, void, void> {
    for (let i = 0; i < 20; i += 1) {
      ahead += 1;
      most = Math.max(most, ahead - it.chunkFiles().length);
      yield bytesOf(CHUNK_BYTES, 1000 + i);
    }
  }
  await it.store.takeIn(source(), { visibility: "community", origin: "put" });
  assert.ok(most <= 6, `${most} chunks were in memory`);
});

test("once the bytes are there it does not matter how they came", async () => {
  const it = await fresh();
  const { cid } = await it.store.takeIn(once(BIG), {
    visibility: "community",
    origin: "put",
    filename: "a/b.txt",
    mime_type: "TEXT/plain",
  });
  const { filename, mime_type } = it.store.stat(cid, "member") ?? {};
  assert.deepEqual([filename, mime_type], ["ab.txt", "text/plain"]);
});

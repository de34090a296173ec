/** Files change their form on the disk when the settings say so, and a disk alone tells nothing of private ones. @source 30 §7 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { afterEach } from "node:test";
import { openRoot } from "../../src/seal/root.ts";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import { assertSame, bytesOf, filesIn, openTestStore, ROOT_BYTES, type TestStore } from "../support/test-store.ts";

const open: TestStore[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function fresh(change: Parameters<typeof openTestStore>[0] = {}): Promise<TestStore> {
  const made = await openTestStore(change);
  open.push(made);
  return made;
}

const TEXT = Buffer.concat([Buffer.from("the doctor's letter ".repeat(20_000)), Buffer.from("end")]);

/** Everything that lies on the disk, the database with it. */
function diskText({ dir }: TestStore): Buffer {
  const folder = join(dir, "..");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => /\.(bin|json|db|db-wal)$/.test(name));
  return Buffer.concat([Buffer.from(names.join("\n")), ...files.map((name) => readFileSync(join(folder, name)))]);
}

test("a stolen disk shows no private file, and not even whether a known one is there", async () => {
  const it = await fresh();
  const facts = { visibility: "private", meta: { about: "knee surgery" } } as const;
  const { cid, chunks } = await it.store.takeIn(
    (async function* () {
      yield TEXT;
    })(),
    { ...facts, origin: "put", filename: "letter.txt" },
  );
  it.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const disk = diskText(it);
  for (const secret of ["doctor", "letter.txt", "knee", ...[cid, ...chunks.map((c) => c.cid)].map((one) => one.slice(9, 40))])
    assert.ok(!disk.includes(secret), secret);
  assertSame(await it.bytesOf(cid), TEXT);
  assert.equal(it.store.stat(cid, "own")?.filename, "letter.txt");
  // The control: plain, all of that is found.
  const plain = await fresh({ atRest: "off" });
  await plain.put(TEXT, facts);
  plain.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const open_ = diskText(plain);
  for (const known of ["doctor", "knee", cid.slice(9, 40)]) assert.ok(open_.includes(known), known);
});

test("locked, private files are there for nobody; the owner is told so, others are not", async () => {
  let it = await fresh();
  const { cid } = await it.put(TEXT, { visibility: "private" });
  const shared = await it.put(bytesOf(10, 1));
  it = await it.reopen({ root: null });
  open.push(it);
  const locked = { code: "capacity_exceeded", reason: "locked" };
  assert.equal(it.store.locked(), true);
  assert.throws(() => it.store.stat(cid, "own"), locked);
  assert.equal(it.store.stat(cid, "member"), null);
  assert.equal(await it.store.manifest(cid, "own"), null);
  await assert.rejects(it.put(TEXT, { visibility: "private" }), locked);
  await assert.rejects(it.store.remove(cid), locked);
  assert.throws(() => it.store.pin(cid, true), locked);
  assertSame(await it.bytesOf(shared.cid), Buffer.from(bytesOf(10, 1)), "what is shared goes on");
  await it.put(bytesOf(10, 2));
  await it.audit();
  assert.equal(await it.recoder.run(), 0);
  it.vault.unlock(await openRoot(ROOT_BYTES));
  assertSame(await it.bytesOf(cid), TEXT);
});

for (const [from, to] of [
  ["off", "all"],
  ["off", "personal"],
  ["personal", "all"],
  ["personal", "off"],
  ["all", "off"],
  ["all", "personal"],
] as const)
  test(`from ${from} to ${to}: everything is there before, meanwhile and after`, async () => {
    const it = await fresh({ atRest: from });
    const kept = [
      await it.put(TEXT, { visibility: "private", meta: { a: 1 } }),
      await it.put(bytesOf(2 * CHUNK_BYTES + 5, 1)),
      // Half of it is private as well.
      await it.put(bytesOf(CHUNK_BYTES, 1), { visibility: "private" }),
      await it.put(TEXT, { visibility: "public" }),
      await it.put(new Uint8Array(0), { visibility: "private" }),
    ];
    const before = await Promise.all(kept.map(({ cid }) => it.bytesOf(cid)));
    const names = filesIn(it.dir);
    it.vault.mode = to;
    assert.ok(it.recoder.left() > 0);
    const reading = kept.map(({ cid }) => it.bytesOf(cid));
    await it.recoder.run();
    for (const [i, bytes] of (await Promise.all(reading)).entries()) assertSame(bytes, before[i] ?? null, `meanwhile ${i}`);
    assert.equal(it.recoder.left(), 0);
    assert.notDeepEqual(filesIn(it.dir), names);
    for (const [i, { cid }] of kept.entries()) assertSame(await it.bytesOf(cid), before[i] ?? null, `${i}`);
    assert.deepEqual(await it.audit(), { strayFiles: 0, lostChunks: 0 });
    const sealed = filesIn(it.dir).filter((name) => readFileSync(join(it.dir, name)).subarray(0, 4).equals(Buffer.from("HNB1")));
    if (to === "off") assert.deepEqual(sealed, []);
    if (to === "all") assert.equal(sealed.length, filesIn(it.dir).length);
    for (const { cid } of kept) await it.store.remove(cid);
    assert.deepEqual(filesIn(it.dir), []);
  });

test("shared, a private file lies plain; taken back, it lies encrypted again", async () => {
  const it = await fresh();
  const { cid } = await it.put(TEXT, { visibility: "private" });
  await it.store.share(cid, "community");
  await it.recoder.run();
  assert.equal(it.store.stat(cid, "member")?.sealed, false);
  assert.ok(diskText(it).includes("doctor"));
  await it.store.share(cid, "private");
  await it.recoder.run();
  assert.equal(it.store.stat(cid, "own")?.sealed, true);
  assert.ok(!diskText(it).includes("doctor"));
  assertSame(await it.bytesOf(cid), TEXT);
});

test("everything encrypted, lists of what is shared are the same", async () => {
  const it = await fresh({ atRest: "all" });
  const cids = [(await it.put(bytesOf(5, 1))).cid, (await it.put(bytesOf(5, 2))).cid].toSorted();
  await it.put(bytesOf(5, 3), { visibility: "private" });
  assert.deepEqual(it.store.list({ viewer: "member", limit: 10 }), cids);
  assert.deepEqual(it.store.list({ viewer: "member", limit: 10, after: cids[0] ?? "" }), cids.slice(1));
  assert.deepEqual(
    it.store
      .shared()
      .map(({ cid }) => cid)
      .toSorted(),
    cids,
  );
});

test("put while locked, found twice after: it becomes one", async () => {
  let it = await fresh();
  const secret = await it.put(TEXT, { visibility: "private" });
  it = await it.reopen({ root: null });
  open.push(it);
  await it.put(TEXT);
  it.vault.unlock(await openRoot(ROOT_BYTES));
  await it.store.share(secret.cid, "public");
  await it.recoder.run();
  assertSame(await it.bytesOf(secret.cid), TEXT);
  assert.equal(it.store.shared().length, 1);
  await it.audit();
  await it.store.remove(secret.cid);
  await it.audit();
  assert.deepEqual(filesIn(it.dir), []);
});

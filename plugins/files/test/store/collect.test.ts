/** Making room. @source 30 §4.4 */
import assert from "node:assert/strict";
import test, { afterEach } from "node:test";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import { assertSame, bytesOf, filesIn, HOUR, openTestStore, type TestStore } from "../support/test-store.ts";

const RULES = { threshold: 0.8, target: 0.7, partialTtlMs: HOUR };
/** Of a disk of a hundred chunks. */
const TOTAL = 100 * CHUNK_BYTES;

let it: TestStore;
afterEach(() => it.close());

/** A disk on which nothing lies but the store, and as many chunks of others as `others` says. */
async function onDisk(others: () => number): Promise<TestStore> {
  it = await openTestStore({
    disk: async () => [{ kind: "disk", totalBytes: TOTAL, freeBytes: TOTAL - (others() + it.chunkFiles().length) * CHUNK_BYTES }],
  });
  return it;
}

test("above the threshold the ones that were not used for longest go, until the target, and nothing else", async () => {
  let others = 60;
  await onDisk(() => others);
  const cids: string[] = [];
  for (let i = 0; i < 15; i += 1) {
    cids.push((await it.put(bytesOf(CHUNK_BYTES, i))).cid);
    it.clock.at += 1000;
  }
  it.clock.at += 2 * HOUR;
  assert.deepEqual(await it.collect(RULES), { evicted: 0, expired: 0, freedBytes: 0 }, "75 of 100 is not too much");
  others = 66;
  // Used once more: now the second is the oldest.
  await it.bytesOf(cids[0] ?? "");
  it.store.pin(cids[1] ?? "", true);
  const gone: string[] = [];
  it.store.on(({ kind, why, cid }) => gone.push(`${kind} ${why} ${cid}`));
  assert.deepEqual(await it.collect(RULES), { evicted: 11, expired: 0, freedBytes: 11 * CHUNK_BYTES });
  assert.deepEqual(
    gone,
    cids.slice(2, 13).map((cid) => `gone evicted ${cid}`),
  );
  for (const [i, cid] of cids.entries()) assert.equal(it.store.complete(cid), i < 2 || i > 12, `${i}`);
});

test("pinned, young, guarded ones and those under way stay, however full the disk is", async () => {
  let others = 50;
  await onDisk(() => others);
  const pinned = await it.put(bytesOf(10, 1), { pin: true });
  const guarded = await it.put(bytesOf(10, 2));
  const underWay = await it.put(bytesOf(10, 3));
  it.clock.at += 2 * HOUR;
  const young = await it.put(bytesOf(10, 4));
  others = 99;
  it.store.guard([guarded.cid]);
  const reading = await it.store.receive(underWay, { visibility: "community", origin: "put" });
  assert.equal((await it.collect(RULES)).evicted, 0);
  reading.close();
  it.store.guard([]);
  assert.equal((await it.collect(RULES)).evicted, 2);
  assert.deepEqual(
    [pinned, guarded, underWay, young].map(({ cid }) => it.store.complete(cid)),
    [true, false, false, true],
  );
  it.store.pin(pinned.cid, false);
  it.clock.at += 2 * HOUR;
  assert.equal((await it.collect(RULES)).evicted, 2);
  assert.deepEqual(filesIn(it.dir), []);
});

test("evicting a file does not take chunks from another (Python's fault)", async () => {
  let others = 0;
  await onDisk(() => others);
  const old = await it.put(bytesOf(3 * CHUNK_BYTES, 1));
  it.clock.at += 2 * HOUR;
  const kept = await it.put(bytesOf(2 * CHUNK_BYTES, 1));
  others = 90;
  await it.collect(RULES);
  assert.equal(it.store.complete(old.cid), false);
  assertSame(await it.bytesOf(kept.cid), Buffer.from(bytesOf(2 * CHUNK_BYTES, 1)));
});

test("what the operator has granted bounds as the disk does", async () => {
  it = await openTestStore({
    disk: async () => [
      { kind: "disk", totalBytes: 1e15, freeBytes: 1e15 },
      { kind: "quota", totalBytes: 10 * CHUNK_BYTES, freeBytes: 10 * CHUNK_BYTES - it.store.usedBytes() },
    ],
  });
  const first = await it.put(bytesOf(9 * CHUNK_BYTES, 1));
  await assert.rejects(it.put(bytesOf(2 * CHUNK_BYTES, 77)), { reason: "disk_full" });
  it.clock.at += 2 * HOUR;
  assert.equal((await it.collect(RULES)).evicted, 1);
  assert.equal(it.store.complete(first.cid), false);
});

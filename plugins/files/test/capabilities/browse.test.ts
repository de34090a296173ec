/** What this node's own people see of everything that is here. */
import assert from "node:assert/strict";
import test, { afterEach } from "node:test";
import { browse, type BrowseDeps, type BrowseOutput } from "../../src/capabilities/browse.ts";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import type { BlobFacts } from "../../src/store/index.ts";
import { bytesOf, once, openTestStore, type TestStore } from "../support/test-store.ts";

const ME = `ed25519:${"M".repeat(43)}`;
const BEN = `ed25519:${"B".repeat(43)}`;
const opened: TestStore[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

interface Shelf {
  at: TestStore;
  put(name: string, facts?: Partial<BlobFacts>): Promise<string>;
  browse(input?: { query?: string; after?: string; limit?: number }): Promise<BrowseOutput>;
  names(input?: { query?: string; after?: string; limit?: number }): Promise<(string | undefined)[]>;
}

function shelf(at: TestStore, change: Partial<BrowseDeps> = {}): Shelf {
  opened.push(at);
  const replication = async () => ({ accepts: false, kept_bytes: 0, budget_bytes: 1, kbps: 4096, resting: false });
  const config = () => ({ desired_copies: 3, max_blob_bytes: 1000, default_visibility: "community" as const });
  const ask = (input: object = {}): Promise<BrowseOutput> =>
    browse(input, { store: at.store, self: ME, holders: () => new Set(), config, replication, ...change });
  return {
    at,
    put: async (name, facts = {}) => {
      const bytes = new TextEncoder().encode(`what stands in ${name}`);
      const said = { visibility: "private" as const, origin: "put" as const, filename: name, mime_type: "text/plain" };
      return (await at.store.takeIn(once(bytes), { ...said, ...facts })).cid;
    },
    browse: ask,
    names: async (input) => (await ask(input)).items.map(({ filename }) => filename),
  };
}

/** As many rows as nobody wants to wait for: copies of the one that is not encrypted, under names of their own. */
function manyMore({ db }: TestStore, count: number): void {
  const columns = db.prepare("SELECT group_concat(name) AS list FROM pragma_table_info('blob') WHERE name NOT IN ('id', 'name')");
  const { list } = columns.get() as { list: string };
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO blob(name, ${list}) SELECT lower(hex(randomblob(32))), ${list} FROM blob, n WHERE sealed = 0`);
}

test("private ones are among them, with their names, newest first, in pages that lose and repeat none", async () => {
  const it = shelf(await openTestStore());
  const all: string[] = [];
  for (let i = 0; i < 7; i++) {
    all.unshift(`${i}.txt`);
    await it.put(`${i}.txt`, i % 2 === 0 ? {} : { visibility: "community" });
  }
  assert.deepEqual(await it.names(), all);
  const seen: (string | undefined)[] = [];
  let after: string | undefined;
  do {
    const page = await it.browse({ limit: 3, ...(after === undefined ? {} : { after }) });
    seen.push(...page.items.map(({ filename }) => filename));
    after = page.next;
    // What comes in between belongs before everything that was shown.
    await it.put(`later ${seen.length}`);
  } while (after !== undefined);
  assert.deepEqual(seen, all);
});

test("a search finds part of a name in any case and spelling, and the beginning of an id, behind any number of others", async () => {
  const it = shelf(await openTestStore());
  const cid = await it.put("Größe der M\u00fchle.pdf");
  await it.put("leaf", { visibility: "community" });
  manyMore(it.at, 250);
  assert.deepEqual(await it.names({ query: " mu\u0308HLE" }), ["Größe der M\u00fchle.pdf"]);
  assert.deepEqual(await it.names({ query: cid.slice(0, 20) }), ["Größe der M\u00fchle.pdf"]);
  assert.deepEqual(await it.names({ query: cid.slice("blake3:".length, 30) }), ["Größe der M\u00fchle.pdf"]);
  assert.deepEqual(await it.names({ query: "%" }), []);
  assert.equal((await it.names({ query: "LEAF", limit: 200 })).length, 200);
});

test("says of each what is so: who else holds what is shared and wanted, and of private ones nothing", async () => {
  const asked: string[] = [];
  const holders = (cid: string): ReadonlySet<string> => (asked.push(cid), new Set([BEN, ME]));
  const it = shelf(await openTestStore(), { holders });
  const own = await it.put("own", { pin: true });
  const shared = await it.put("shared", { visibility: "public", pin: true, origin: "fetched" });
  const [second, first] = (await it.browse()).items;
  assert.deepEqual(second, {
    cid: shared,
    size_bytes: "what stands in shared".length,
    filename: "shared",
    mime_type: "text/plain",
    visibility: "public",
    pinned: true,
    complete: true,
    origin: "fetched",
    created_at: it.at.clock.at,
    holders: [BEN],
    wanted_copies: 3,
  });
  assert.deepEqual([first?.cid, first?.holders, first?.wanted_copies], [own, [], 0]);
  assert.deepEqual(asked, [shared], "the log is not asked about what is nobody's business");
});

test("what lies here both as one's own and shared is one row, and what is half here says so", async () => {
  const it = shelf(await openTestStore());
  const cid = await it.put("twice");
  await it.put("twice", { visibility: "community" });
  assert.deepEqual(
    (await it.browse()).items.map((item) => [item.cid, item.visibility]),
    [[cid, "community"]],
  );
  const bytes = bytesOf(2 * CHUNK_BYTES, 4);
  const other = await openTestStore();
  opened.push(other);
  const manifest = await other.put(bytes);
  const incoming = await it.at.store.receive(manifest, { visibility: "community", origin: "fetched" });
  await incoming.write(0, bytes.subarray(0, CHUNK_BYTES));
  incoming.close();
  const [half] = (await it.browse()).items;
  assert.deepEqual([half?.cid, half?.complete], [manifest.cid, false]);
});

test("the meter counts what is used, what still fits beside what must stay free, and what is on its way", async () => {
  const it = shelf(await openTestStore());
  it.at.bounds = { totalBytes: 10_000, freeBytes: 5000 };
  await it.put("some");
  const used = "what stands in some".length;
  const { used_bytes, free_bytes, limit_bytes } = await it.browse();
  assert.deepEqual({ used_bytes, free_bytes, limit_bytes }, { used_bytes: used, free_bytes: 4000, limit_bytes: 4000 + used });
  const room = await it.at.space.keep(1500);
  assert.equal((await it.browse()).free_bytes, 2500);
  room.give();
  it.at.bounds = { totalBytes: 10_000, freeBytes: 10 };
  assert.equal((await it.browse()).free_bytes, 0);
});

test("a locked store shows what is not locked, and says so", async () => {
  const at = await openTestStore();
  const before = shelf(at);
  await before.put("secret");
  await before.put("open", { visibility: "community" });
  const locked = shelf(await at.reopen({ root: null }));
  const { items, locked: isLocked } = await locked.browse();
  assert.deepEqual([items.map(({ filename }) => filename), isLocked], [["open"], true]);
});

/** Cut off before any one commit: what was there is there, or wholly gone, and a sweep leaves nothing else. @source 30 §4.1 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import { assertSame, bytesOf, filesIn, openTestStore, type TestStore } from "../support/test-store.ts";

const KEPT = bytesOf(2 * CHUNK_BYTES, 1);
const OTHER = bytesOf(CHUNK_BYTES + 9, 1);
const NEW = bytesOf(CHUNK_BYTES + 5, 3);

const ACTS: Record<string, (it: TestStore, cids: { kept: string; other: string }) => Promise<unknown>> = {
  "storing a file": (it) => it.put(NEW),
  "storing one that is there already": (it) => it.put(KEPT, { pin: true }),
  "deleting a file": (it, { kept }) => it.store.remove(kept),
  "sharing a file": async (it, { other }) => {
    await it.store.share(other, "public");
    await it.recoder.run();
  },
  "encrypting everything": (it) => {
    it.vault.mode = "all";
    return it.recoder.run();
  },
  "encrypting nothing": (it) => {
    it.vault.mode = "off";
    return it.recoder.run();
  },
};

/** The process ends just before its commit number `n`. @returns whether it came to that */
function cutOff({ db }: TestStore, n: number): () => boolean {
  const exec = db.exec.bind(db);
  let commits = 0;
  db.exec = (sql) => {
    if (sql === "COMMIT") commits += 1;
    if (commits >= n && sql !== "ROLLBACK" && !sql.startsWith("PRAGMA")) throw new Error("the process has ended");
    exec(sql);
  };
  return () => {
    db.exec = exec;
    return commits >= n;
  };
}

for (const [what, act] of Object.entries(ACTS))
  test(`cut off while ${what}`, async () => {
    for (let n = 1; ; n += 1) {
      assert.ok(n < 50, "it never came to an end");
      let it = await openTestStore();
      try {
        const kept = await it.put(KEPT);
        const other = await it.put(OTHER, { visibility: "private" });
        const cut = cutOff(it, n);
        await act(it, { kept: kept.cid, other: other.cid }).catch((error: Error) => assert.match(error.message, /has ended/));
        if (!cut()) return;
        it = await it.reopen({ atRest: it.vault.mode });
        assert.equal((await it.audit()).lostChunks, 0, `at commit ${n}`);
        await it.recoder.run();
        for (const [{ cid }, bytes] of [
          [kept, KEPT],
          [other, OTHER],
        ] as const) {
          const there = it.store.complete(cid);
          assert.ok(there || what === "deleting a file", `${cid} is lost at commit ${n}`);
          assertSame(await it.bytesOf(cid), there ? Buffer.from(bytes) : null, `at commit ${n}`);
        }
        assert.deepEqual(it.damaged, []);
        it.clock.at += 3_600_000;
        await it.collect({ threshold: 1, target: 1, partialTtlMs: 3_600_000 });
        for (const cid of [...it.store.list({ viewer: "own", limit: 9 }), other.cid]) await it.store.remove(cid);
        await it.audit();
        assert.deepEqual(
          filesIn(it.dir).filter((name) => !name.endsWith(".tmp")),
          [],
          `strays at commit ${n}`,
        );
      } finally {
        it.close();
      }
    }
  });

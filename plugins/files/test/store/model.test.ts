/** Any order of storing, sharing, deleting, damaging, changing the form and ending: what the store says is what a plain list would say. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import fc from "fast-check";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import { assertSame, bytesOf, filesIn, flipBit, HOUR, openTestStore, type TestStore } from "../support/test-store.ts";

/** Few contents that begin alike, so that chunks are shared. */
const CONTENTS = [
  bytesOf(CHUNK_BYTES, 1),
  bytesOf(2 * CHUNK_BYTES, 1),
  bytesOf(CHUNK_BYTES + 7, 1),
  bytesOf(7, 2),
  new Uint8Array(0),
];
const RUNS = Number(process.env["HN_MODEL_RUNS"] ?? 12);

const content = fc.nat({ max: CONTENTS.length - 1 });
const visibility = fc.constantFrom("private", "community", "public");
const step = fc.oneof(
  fc.record({ do: fc.constant("put" as const), content, visibility }),
  fc.record({ do: fc.constant("put" as const), content, visibility }),
  fc.record({ do: fc.constant("remove" as const), content }),
  fc.record({ do: fc.constant("share" as const), content, visibility }),
  fc.record({ do: fc.constant("mode" as const), mode: fc.constantFrom("off" as const, "personal" as const, "all" as const) }),
  fc.record({ do: fc.constant("reopen" as const) }),
  fc.record({ do: fc.constant("audit" as const) }),
  fc.record({ do: fc.constant("flip" as const), file: fc.nat({ max: 20 }) }),
);

/** What lies here of one content: as one's own, shared, or both. */
type Known = { own?: true; shared?: "community" | "public" };

test("the store and a list say the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      let it = await openTestStore();
      const model = new Map<number, Known>();
      const damaged = new Set<string>();
      const cids: string[] = [];
      for (const bytes of CONTENTS) cids.push((await probe(bytes)).cid);
      try {
        let mode: "off" | "personal" | "all" = "personal";
        for (const one of steps) {
          switch (one.do) {
            case "put": {
              await it.put(CONTENTS[one.content] ?? new Uint8Array(0), { visibility: one.visibility });
              const known = model.get(one.content) ?? {};
              if (one.visibility === "private") known.own = true;
              else known.shared ??= one.visibility;
              model.set(one.content, known);
              break;
            }
            case "remove":
              await it.store.remove(cids[one.content] ?? "");
              model.delete(one.content);
              break;
            case "share":
              if (model.has(one.content) !== (await it.store.share(cids[one.content] ?? "", one.visibility)))
                assert.fail("share");
              if (model.has(one.content))
                model.set(one.content, one.visibility === "private" ? { own: true } : { shared: one.visibility });
              break;
            case "mode":
              mode = one.mode;
              it.vault.mode = mode;
              await it.recoder.run();
              assert.equal(it.recoder.left(), 0);
              break;
            case "reopen":
              it = await it.reopen({ atRest: mode });
              break;
            case "audit":
              assert.equal((await it.audit()).lostChunks, 0);
              break;
            case "flip": {
              // Bytes of an empty file cannot be changed.
              const files = it.chunkFiles();
              const name = files[one.file % Math.max(1, files.length)];
              if (name === undefined) break;
              const path = join(it.dir, name);
              const { statSync } = await import("node:fs");
              if (statSync(path).size === 0) break;
              flipBit(path);
              damaged.add(name);
            }
          }
          if (damaged.size > 0) {
            // Reading finds it; then the model forgets what cannot be whole any more, and it is deleted.
            for (const cid of cids) await it.bytesOf(cid);
            for (const [i, cid] of cids.entries())
              if (model.has(i) && !it.store.complete(cid)) {
                await it.store.remove(cid);
                model.delete(i);
              }
            damaged.clear();
          }
          await agree(it, { model, cids });
        }
        it.clock.at += 10 * HOUR;
        await it.recoder.run();
        await it.audit();
        for (const cid of cids) await it.store.remove(cid);
        assert.deepEqual(filesIn(it.dir), [], "nothing is left behind");
        assert.ok(readdirSync(it.dir).length < 300);
      } finally {
        it.close();
      }
    }),
    { numRuns: RUNS, ...(process.env["HN_SEED"] === undefined ? {} : { seed: Number(process.env["HN_SEED"]) }) },
  );
});

async function agree(
  it: TestStore,
  { model, cids }: { model: ReadonlyMap<number, Known>; cids: readonly string[] },
): Promise<void> {
  for (const [i, cid] of cids.entries()) {
    const known = model.get(i);
    const whole = known === undefined ? null : Buffer.from(CONTENTS[i] ?? []);
    assertSame(await it.bytesOf(cid), whole, `content ${i}`);
    assert.equal((await it.store.manifest(cid, "member")) !== null, known?.shared !== undefined, `content ${i} for members`);
    assert.equal((await it.store.manifest(cid, "federated")) !== null, known?.shared === "public", `content ${i} for others`);
  }
  const counts = it.db
    .prepare("SELECT refs, (SELECT count(*) FROM part WHERE chunk_id = chunk.id) AS parts FROM chunk")
    .all() as { refs: number; parts: number }[];
  for (const { refs, parts } of counts) assert.equal(refs, parts);
  assert.ok(
    counts.every(({ refs }) => refs > 0),
    "what nobody needs is gone",
  );
}

async function probe(bytes: Uint8Array): Promise<{ cid: string }> {
  const it = await openTestStore();
  try {
    return await it.put(bytes);
  } finally {
    it.close();
  }
}

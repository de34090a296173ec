/** Reading ahead, no further than the reader needs. @source 30 §4.3 */
import assert from "node:assert/strict";
import test, { afterEach } from "node:test";
import type { Principal } from "@hearthnet/sdk-plugin";
import { read } from "../../src/capabilities/read.ts";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import type { Store } from "../../src/store/index.ts";
import { bytesOf, flipBit, openTestStore, type TestStore } from "../support/test-store.ts";
import { join } from "node:path";

let it: TestStore;
afterEach(() => it.close());

const caller: Principal = { kind: "member", node_id: `ed25519:${"A".repeat(43)}`, community_id: null, level: "member" };

type Frames = AsyncGenerator<{ event: string; data: Record<string, unknown> }, unknown, void>;

function reading(store: Store, cid: string): Frames {
  return read({ input: { cid }, caller, elapsedMs: () => 0 }, store) as unknown as Frames;
}

test("at most four chunks are read before the reader has taken the ones before", async () => {
  it = await openTestStore();
  const { cid } = await it.put(bytesOf(20 * CHUNK_BYTES, 1));
  let begun = 0;
  const counting = Object.assign(Object.create(it.store) as Store, {
    ...bound(it.store),
    readChunk: (id: string, viewer: "member") => {
      begun += 1;
      return it.store.readChunk(id, viewer);
    },
  });
  let taken = 0;
  for await (const { event } of reading(counting, cid)) {
    if (event !== "chunk") continue;
    taken += 1;
    // A reader that is slow: everything that would be read meanwhile is.
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(begun <= taken + 4, `${begun} were read when ${taken} were taken`);
  }
  assert.deepEqual([begun, taken], [20, 20]);
});

test("a reader that leaves early leaves nothing running", async () => {
  it = await openTestStore();
  const { cid } = await it.put(bytesOf(20 * CHUNK_BYTES, 1));
  const frames = reading(it.store, cid);
  await frames.next();
  await frames.next();
  await frames.return(undefined);
  assert.equal((await frames.next()).done, true);
});

test("a file of which a chunk turns out damaged ends with not_found, and is not offered again", async () => {
  it = await openTestStore();
  const { cid, chunks } = await it.put(bytesOf(3 * CHUNK_BYTES, 1));
  const last = chunks[2]?.cid ?? "";
  flipBit(join(it.dir, last.slice(7, 9), `${last.slice(9)}.bin`), 5);
  const events: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { event } of reading(it.store, cid)) events.push(event);
    },
    { code: "not_found" },
  );
  assert.deepEqual(events, ["manifest", "chunk", "chunk"]);
  assert.throws(() => read({ input: { cid }, caller, elapsedMs: () => 0 }, it.store), { code: "not_found" });
});

/** Methods that go on working on the store itself when they are called on another object. */
function bound(store: Store): Partial<Store> {
  return {
    hasChunk: (...args) => store.hasChunk(...args),
    stat: (...args) => store.stat(...args),
    manifest: (...args) => store.manifest(...args),
  };
}

/** What is noted beside a file stays here. @source 30 §2 "meta" */
import assert from "node:assert/strict";
import test, { afterEach } from "node:test";
import type { Frame, Principal } from "@hearthnet/sdk-plugin";
import { read } from "../../src/capabilities/read.ts";
import { blobStoreRole } from "../../src/role/blob-store.ts";
import { once, openTestStore, type TestStore } from "../support/test-store.ts";

const BEN: Principal = { kind: "member", node_id: `ed25519:${"B".repeat(43)}`, community_id: null, level: "member" };

let it: TestStore;
afterEach(() => it.close());

async function keep(meta: object): Promise<string> {
  it = await openTestStore();
  const role = blobStoreRole(() => ({ store: it.store, fetching: undefined as never }));
  const input = { visibility: "community" as const, meta: meta as never };
  const { cid } = await role.put({ input } as never, once(new TextEncoder().encode("a page")) as never, {});
  return cid;
}

test("a note has 64 KiB of JSON at most, counted in bytes", async () => {
  const room = 65_536 - JSON.stringify({ note: "" }).length;
  await keep({ note: "x".repeat(room) });
  it.close();
  for (const note of ["x".repeat(room + 1), "ä".repeat(room / 2 + 1)])
    await assert.rejects(keep({ note }), { code: "bad_request", reason: "too_large" });
});

test("a note is here for this node's own, and is not sent with the file", async () => {
  const cid = await keep({ from: "the doctor" });
  assert.deepEqual(it.store.stat(cid, "own")?.meta, { from: "the doctor" });
  const sent: Frame[] = [];
  for await (const one of read({ input: { cid }, caller: BEN, elapsedMs: () => 0 }, it.store) as AsyncGenerator<
    Frame,
    object,
    void
  >)
    sent.push(one);
  assert.ok(sent.length > 1 && !JSON.stringify(sent).includes("doctor"));
});

/** An upload that broke off, and its time to go on. @source 30 §5.4, §11 */
import assert from "node:assert/strict";
import test, { afterEach } from "node:test";
import { frame, type Frame, type Principal } from "@hearthnet/sdk-plugin";
import { put, resume, type PutDeps } from "../../src/capabilities/put.ts";
import { CHUNK_BYTES, type Manifest } from "../../src/cid/manifest.ts";
import { bytesOf, HOUR, openTestStore, type TestStore } from "../support/test-store.ts";

const MINUTE = 60_000;
const CHUNKS = 10;
const BEFORE = 6;
const BYTES = bytesOf(CHUNKS * CHUNK_BYTES, 3);
const ANNA: Principal = { kind: "member", node_id: `ed25519:${"A".repeat(43)}`, community_id: null, level: "trusted" };

let it: TestStore;
afterEach(() => it.close());

function deps(): PutDeps {
  const { store, hasher, clock } = it;
  return { store, hasher, defaultVisibility: () => "community", partialTtlMs: () => HOUR, now: () => clock.at };
}

interface Sent {
  wanted: number[];
  done: Record<string, unknown>;
}

/** Sends what is asked for, `atMost` of it. */
async function send(
  manifest: Manifest,
  open: (frames: () => AsyncIterable<Frame>) => AsyncGenerator<Frame, object, void>,
  atMost: number = CHUNKS,
): Promise<Sent> {
  const wanted: number[] = [];
  async function* chunks(): AsyncGenerator<Frame, void, void> {
    for (const i of wanted.slice(0, atMost)) {
      const data_b64 = BYTES.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
      yield frame("chunk", { i, cid: manifest.chunks[i]?.cid, data_b64 });
    }
  }
  const answers = open(chunks);
  for (;;) {
    const next = await answers.next();
    if (next.done === true) return { wanted, done: { ...next.value } };
    const { needed, missing } = next.value.data as { needed?: number[]; missing?: number[] };
    if (next.value.event === "ready") wanted.push(...(needed ?? missing ?? []));
  }
}

const call = { caller: ANNA, data: undefined, elapsedMs: () => 0 };
const putting = (manifest: Manifest, atMost?: number): Promise<Sent> =>
  send(
    manifest,
    (frames) => put({ ...call, input: { manifest, client_id: "phone" }, frames }, deps()) as AsyncGenerator<Frame, object, void>,
    atMost,
  );
const resuming = (manifest: Manifest, atMost?: number): Promise<Sent> =>
  send(
    manifest,
    (frames) => resume({ ...call, input: { manifest_cid: manifest.cid, client_id: "phone" }, frames }, deps()),
    atMost,
  );

/** Sixty of a hundred parts are here. */
async function brokenOff(): Promise<Manifest> {
  const elsewhere = await openTestStore();
  const manifest = await elsewhere.put(BYTES);
  elsewhere.close();
  it = await openTestStore();
  await assert.rejects(putting(manifest, BEFORE));
  assert.equal(it.chunkFiles().length, BEFORE);
  return manifest;
}

test("after ten minutes it goes on with what is missing, and an hour counts from the last byte", async () => {
  const manifest = await brokenOff();
  it.clock.at += 10 * MINUTE;
  await assert.rejects(resuming(manifest, 1), { code: "bad_request" });
  it.clock.at += 55 * MINUTE;
  const { wanted, done } = await resuming(manifest);
  assert.deepEqual(wanted, [7, 8, 9]);
  assert.equal(done["received"], 3);
  assert.deepEqual(await it.bytesOf(manifest.cid), Buffer.from(BYTES));
});

test("after sixty-one minutes it starts over, and what came of it is gone once room is made", async () => {
  const manifest = await brokenOff();
  it.clock.at += 61 * MINUTE;
  await assert.rejects(resuming(manifest), { code: "expired", reason: "upload_expired" });
  await it.collect({ threshold: 1, target: 1, partialTtlMs: HOUR });
  assert.deepEqual(it.chunkFiles(), []);
  const { wanted } = await putting(manifest);
  assert.equal(wanted.length, CHUNKS);
  assert.deepEqual(await it.bytesOf(manifest.cid), Buffer.from(BYTES));
});

/** Files through the role `blob-store`, held by a confined plugin that really stores them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, Principal } from "../../../src/contract/index.ts";
import { blobCid } from "../../../src/identity/index.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";
import { until } from "../../support/until.ts";
import { openNeighbourhood } from "./neighbours.ts";
import { shelf } from "./shelf.ts";

const skip = hasBubblewrap() ? false : "needs bubblewrap";
/** Stores and reads as it is asked, under its own authority or the caller's. */
const READER = `
  const { own, put, open, stat, size, fetch } = req.input;
  const blobs = own ? ctx.blobs : req.blobs;
  if (fetch) { const frames = []; const all = blobs.fetch(fetch); for (let next = await all.next(); ; next = await all.next()) { if (next.done) return { frames, size: next.value.size }; frames.push(next.value.event); } }
  if (stat) return { ...(await blobs.stat(stat)) };
  if (open) {
    const file = await blobs.open(open);
    let sum = 0, count = 0;
    for await (const part of file.stream()) { count += part.byteLength; for (const byte of part) sum = (sum + byte) % 65521; }
    return { size: file.size, count, sum };
  }
  const bytes = size === undefined ? new TextEncoder().encode(put) : undefined;
  const many = async function* () { for (let left = size; left > 0; left -= 300000) yield new Uint8Array(Math.min(300000, left)).fill(left % 251); };
  return { cid: await blobs.put(bytes ?? many(), { visibility: req.input.visibility ?? "private", mime: "text/plain", meta: { from: "test" } }) };`;
const ALL = [
  allow("blobs.read", { visibility: "private", own: true }),
  allow("blobs.write", { visibility: "public", quotaMb: 64 }),
];

const as = (kind: Principal["kind"], plugin?: string): { caller: Principal } => ({
  caller: {
    kind,
    node_id: `ed25519:${"A".repeat(43)}`,
    community_id: null,
    level: "member",
    ...(plugin === undefined ? {} : { plugin_id: plugin }),
  },
});

test("stores bytes and streams, gives them back whole, and names them as everybody does (30 §1)", { skip }, async (t) => {
  const { install, ask, world } = await openNeighbourhood(t);
  await install({ name: "reader", does: READER, grants: ALL });
  assert.deepEqual(await ask("reader", { put: "hello", own: true }), { code: "not_implemented", reason: "blob_store_missing" });
  const { id } = await install(shelf());
  const { cid } = (await ask("reader", { put: "hello", own: true })) as { cid: string };
  assert.equal(cid, "blake3:b8cc5fcfd8bf41058109ac42f3372ab5cf85c099d19a95580391038483dae3a6");
  assert.deepEqual(await ask("reader", { open: cid, own: true }), { size: 5, count: 5, sum: 532 });
  assert.deepEqual(await ask("reader", { stat: cid, own: true }), {
    size: 5,
    visibility: "private",
    mime: "text/plain",
    meta: { from: "test" },
    by: "plugin dev/reader",
  });
  assert.deepEqual(await ask("reader", { fetch: cid, own: true }), { frames: ["progress"], size: 5 });
  for (const size of [262_144, 3_000_000, 20_000_000]) {
    const bytes = new Uint8Array(size);
    for (let left = size, at = 0; left > 0; left -= 300_000, at += 300_000) bytes.fill(left % 251, at, at + 300_000);
    const stored = (await ask("reader", { size, own: true })) as { cid: string };
    assert.equal(stored.cid, blobCid(bytes).cid, `${size} bytes`);
    const back = await ask("reader", { open: stored.cid, own: true });
    assert.deepEqual(
      [back["size"], back["count"], back["sum"]],
      [size, size, bytes.reduce((sum, byte) => (sum + byte) % 65_521, 0)],
    );
  }
  const rows = world.runtime.ledger(300).rows.filter(({ op, plugin }) => op === "blobs.open" && plugin === "dev/reader");
  assert.ok(
    rows.some(({ target, bytes_in }) => target === cid.slice(7, 19) && bytes_in === 5),
    "twelve digits and the bytes (§8.1)",
  );
  const puts = world.runtime.ledger(300).rows.filter(({ op }) => op === "blobs.put");
  assert.ok(puts.some(({ bytes_out }) => bytes_out === 20_000_000));
  await world.runtime.disable(id);
  assert.deepEqual(await ask("reader", { stat: cid, own: true }), { code: "not_implemented", reason: "blob_store_missing" });
});

test(
  "a private file is nobody's through a plugin but the owner's: the caller needs the right as well (§3.4.6, A21)",
  { skip },
  async (t) => {
    const { install, ask, world } = await openNeighbourhood(t);
    await install(shelf());
    await install({ name: "reader", does: READER, grants: ALL });
    await install({ name: "peeping", grants: [allow("blobs.read", { visibility: "community", own: true })] });
    const put = async (visibility: string): Promise<string> =>
      (await ask("reader", { put: `a file that is ${visibility}`, visibility, own: true }))["cid"] as string;
    const files = { private: await put("private"), community: await put("community"), public: await put("public") };
    const absent = `blake3:${"0".repeat(64)}`;
    const sees = async (caller: { caller: Principal }): Promise<JsonObject> => {
      const out: JsonObject = {};
      for (const [name, cid] of Object.entries({ ...files, absent })) {
        const answer = await ask("reader", { open: cid }, caller);
        out[name] = answer["code"] ?? "read";
        assert.equal(
          (await ask("reader", { stat: cid }, caller))["code"] ?? "read",
          out[name],
          "what is said of it is as secret as itself",
        );
      }
      return out;
    };
    const no = "not_found";
    assert.deepEqual(await sees(as("self")), { private: "read", community: "read", public: "read", absent: no });
    assert.deepEqual(await sees(as("member")), { private: no, community: "read", public: "read", absent: no });
    assert.deepEqual(await sees(as("federated")), { private: no, community: no, public: "read", absent: no });
    assert.deepEqual(await sees(as("stranger")), { private: no, community: no, public: no, absent: no });
    assert.deepEqual(await sees(as("plugin", "dev/peeping")), { private: no, community: "read", public: "read", absent: no });
    assert.deepEqual(await sees(as("plugin", "dev/nobody")), { private: no, community: no, public: no, absent: no });
    const denied = world.runtime.ledger(300).rows.filter(({ verdict, op }) => verdict === "deny" && op.startsWith("blobs."));
    const of = (cid: string): number =>
      denied.filter(({ target }) => target === cid.slice(7, 19)).reduce((sum, { count }) => sum + count, 0);
    assert.deepEqual(
      [of(files.private), of(files.community), of(files.public), of(absent)],
      [10, 6, 4, 0],
      "each refusal, not what is absent",
    );
    assert.deepEqual(await ask("reader", { put: "x" }, as("stranger")), { code: "unauthorized", reason: "caller_right" });
    assert.ok(((await ask("reader", { put: "by a member" }, as("member")))["cid"] as string).startsWith("blake3:"));
    assert.equal((await ask("shelf"))["last"], "member", "the store knows for whom it stores");
  },
);

test("a plugin's own grant bounds what it reads and shows, and how much it stores (§3.1 blobs.*)", { skip }, async (t) => {
  const { install, ask } = await openNeighbourhood(t);
  await install(shelf());
  await install({ name: "writer", does: READER, grants: ALL });
  await install({
    name: "narrow",
    does: READER,
    grants: [allow("blobs.read", { visibility: "community" }), allow("blobs.write", { visibility: "private", quotaMb: 1 })],
  });
  const hidden = (await ask("writer", { put: "hidden", own: true }))["cid"] as string;
  const shown = (await ask("writer", { put: "shown", visibility: "community", own: true }))["cid"] as string;
  const none = { code: "permission_denied", reason: null };
  assert.deepEqual(await ask("narrow", { open: hidden }, as("self")), none, "the owner may, the plugin may not");
  assert.deepEqual(await ask("narrow", { open: shown, own: true }), none, "without own:true nothing under its own authority");
  assert.equal((await ask("narrow", { open: shown }))["count"], 5);
  assert.deepEqual(await ask("narrow", { put: "x", visibility: "community" }), none);
  assert.deepEqual(await ask("narrow", { open: "blake3:no" }), { code: "bad_request", reason: null });
  assert.equal((await ask("narrow", { size: 900_000 }))["code"], undefined);
  assert.deepEqual(await ask("narrow", { size: 200_001 }), { code: "quota_exceeded", reason: null });
  assert.equal((await ask("narrow", { size: 100_000 }))["code"], undefined, "what was refused does not count");
});

test(
  "a caller that leaves in the middle of a file ends it at both ends, and both plugins go on (§5.3.2)",
  { skip },
  async (t) => {
    const { install, ask, world } = await openNeighbourhood(t);
    const { id: store } = await install(shelf());
    const { id: reader } = await install({ name: "reader", does: READER, grants: ALL });
    const pids = (): (number | undefined)[] => [store, reader].map((id) => world.runtime.get(id)?.evidence?.pid);
    const before = pids();
    for (let n = 0; n < 5; n += 1) {
      const leaving = new AbortController();
      const call = ask("reader", { size: 60_000_000 }, { ...as("member"), signal: leaving.signal });
      const begun = n;
      await until("the file is under way", async () => Number((await ask("shelf"))["puts"]) > begun);
      leaving.abort(new Error("gone"));
      await assert.rejects(call, { message: "gone" });
    }
    assert.equal((await ask("reader", { put: "after that", own: true }))["code"], undefined);
    assert.deepEqual(pids(), before);
  },
);

test("a store that gives other bytes, or another name, is found out (30 §4.2)", { skip }, async (t) => {
  const { install, ask } = await openNeighbourhood(t);
  const lie = `roles: { "blob-store": {
    stat: async () => ({ size: 3, visibility: "public" }),
    open: async () => ({ stat: { size: 3, visibility: "public" }, data: new Uint8Array([1, 2, 3]) }),
    put: async (req, data) => { for await (const part of data) void part; return { cid: "blake3:${"1".repeat(64)}" }; },
    fetch: async function* () { return {}; } } },`;
  await install({ name: "liar", more: lie, manifest: { roles: ["blob-store"] } });
  await install({ name: "reader", does: READER, grants: ALL });
  const altered = { code: "internal_error", reason: "blob_altered" };
  assert.deepEqual(await ask("reader", { open: `blake3:${"2".repeat(64)}`, own: true }), altered);
  assert.deepEqual(await ask("reader", { put: "x", own: true }), altered);
  await install(shelf());
  assert.deepEqual(
    await ask("reader", { put: "x", own: true }),
    { code: "not_implemented", reason: "blob_store_missing" },
    "two are none",
  );
});

test("an isolate reads and stores as a process does", { skip }, async (t) => {
  const { install, ask } = await openNeighbourhood(t);
  await install(shelf());
  await install({ name: "reader", tier: "isolate", does: READER, grants: ALL });
  const { cid } = (await ask("reader", { size: 1_000_000, own: true })) as { cid: string };
  assert.equal((await ask("reader", { open: cid, own: true }))["count"], 1_000_000);
});

/** Content ids by the protocol's known answers, and whom no description fools. @source 30 §1 */
import assert from "node:assert/strict";
import test, { before } from "node:test";
import fc from "fast-check";
import vectors from "../../../../test/vectors/blob-cid.json" with { type: "json" };
import { openHasher, type Hasher } from "../../src/cid/blake3.ts";
import { chunksOf } from "../../src/cid/chunks.ts";
import { blobCid, CHUNK_BYTES, makeManifest, readManifest, type Chunk, type Manifest } from "../../src/cid/manifest.ts";
import { collectManifest, MANIFEST_PIECE, manifestFrames } from "../../src/cid/pieces.ts";

const BYTES: Record<string, Uint8Array> = {
  hello: new TextEncoder().encode("hello"),
  empty: new Uint8Array(0),
  A_then_B: Buffer.concat([Buffer.alloc(CHUNK_BYTES, 0x41), Buffer.alloc(CHUNK_BYTES, 0x42)]),
};

let hasher: Hasher;
before(async () => {
  hasher = await openHasher();
});

async function describe(pieces: readonly Uint8Array[]): Promise<Manifest> {
  const chunks: Chunk[] = [];
  for await (const bytes of chunksOf(from(pieces))) chunks.push({ cid: hasher.cid(bytes), size_bytes: bytes.byteLength });
  return makeManifest(hasher, chunks);
}

async function* from(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces;
}

for (const { name, chunks, cid } of vectors.cases)
  test(`known answer ${name}`, async () => {
    const bytes = BYTES[name];
    assert.ok(bytes, "the test does not know these bytes");
    const made = await describe([bytes]);
    assert.deepEqual(
      made.chunks.map(({ cid: id, size_bytes }) => ({ cid: id, size_bytes })),
      chunks,
    );
    assert.equal(made.cid, cid);
    assert.deepEqual(readManifest(hasher, JSON.parse(JSON.stringify(made))), made);
  });

test("order counts: what is put together the other way round is another blob (F1)", () => {
  const [a, b] = ["A", "B"].map((letter) => ({ cid: hasher.cid(Buffer.alloc(CHUNK_BYTES, letter)), size_bytes: CHUNK_BYTES }));
  assert.ok(a && b);
  assert.notEqual(blobCid(hasher, [a, b]), blobCid(hasher, [b, a]));
});

test("the id does not depend on the pieces in which a stream comes", async () => {
  const bytes = fc.uint8Array({ maxLength: 2000 });
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 20 }), fc.nat({ max: 2 * CHUNK_BYTES }), async (pieces, more) => {
      const all = [Buffer.alloc(more, 7), ...pieces];
      const [cut, whole] = await Promise.all([describe(all), describe([Buffer.concat(all)])]);
      assert.deepEqual(cut, whole);
      assert.equal(cut.size_bytes, more + pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
    }),
    { numRuns: 25 },
  );
});

const LIES: [string, (m: Manifest) => unknown][] = [
  ["something else", () => "blake3:"],
  ["another id", (m) => ({ ...m, cid: `blake3:${"0".repeat(64)}` })],
  ["no id", (m) => ({ ...m, cid: "../../etc/passwd" })],
  ["an id in capitals", (m) => ({ ...m, cid: m.cid.toUpperCase() })],
  ["an id of another kind", (m) => ({ ...m, cid: `sha256:${"0".repeat(64)}` })],
  ["another chunk size", (m) => ({ ...m, chunk_size_bytes: 65_536 })],
  ["another size", (m) => ({ ...m, size_bytes: m.size_bytes + 1 })],
  ["no chunks", (m) => ({ ...m, chunks: [] })],
  ["chunks out of order", (m) => ({ ...m, chunks: m.chunks.toReversed() })],
  ["a chunk without an id", (m) => ({ ...m, chunks: m.chunks.map((c) => ({ ...c, cid: "x" })) })],
  ["a short chunk in the middle", (m) => ({ ...m, chunks: m.chunks.map((c) => ({ ...c, size_bytes: 5 })) })],
  [
    "a chunk that is too large",
    (m) => ({ ...m, chunks: m.chunks.map((c, i) => (i === 1 ? { ...c, size_bytes: CHUNK_BYTES + 1 } : c)) }),
  ],
  ["an empty last chunk", (m) => ({ ...m, chunks: m.chunks.map((c, i) => (i === 1 ? { ...c, size_bytes: 0 } : c)) })],
  [
    "a size that is no whole number",
    (m) => ({ ...m, chunks: m.chunks.map((c, i) => (i === 1 ? { ...c, size_bytes: 1.5 } : c)) }),
  ],
  ["more than 40 000 chunks", (m) => ({ ...m, chunks: Array.from({ length: 40_001 }, (_, i) => ({ ...m.chunks[0], i })) })],
];

for (const [what, lie] of LIES)
  test(`refuses a description with ${what}`, async () => {
    const honest = await describe([Buffer.alloc(CHUNK_BYTES, 1), new Uint8Array([2, 3])]);
    assert.throws(() => readManifest(hasher, lie(honest)), { code: "bad_request", reason: "manifest_invalid" });
  });

test("takes nothing over that was not checked", async () => {
  const honest = await describe([new Uint8Array([1])]);
  const sent = { ...honest, filename: "../a\u202e.txt", mime_type: "Text/HTML; charset=x", surplus: { deep: true } };
  assert.deepEqual(readManifest(hasher, sent), { ...honest, filename: "a.txt", mime_type: "text/html" });
});

test("a description of many chunks travels in pieces that fit into a frame, and is whole again", async () => {
  const size = { cid: hasher.cid(Buffer.alloc(CHUNK_BYTES)), size_bytes: CHUNK_BYTES };
  const made = makeManifest(
    hasher,
    Array.from({ length: 2 * MANIFEST_PIECE + 1 }, () => size),
  );
  const [first, ...rest] = [...manifestFrames(made)];
  assert.ok(first);
  assert.equal(rest.length, 2);
  for (const piece of [first, ...rest]) assert.ok(JSON.stringify(piece).length < 1_048_576);
  const next = (): Promise<(typeof rest)[number] | undefined> => Promise.resolve(rest.shift());
  assert.deepEqual(await collectManifest(hasher, first.data, next), made);
  await assert.rejects(
    collectManifest(hasher, first.data, async () => undefined),
    { reason: "manifest_invalid" },
    "whoever stops before the end has not described the file",
  );
});

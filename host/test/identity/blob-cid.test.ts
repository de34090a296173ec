/** Both ways to the id of a file give the same one: before the fast hash is compiled, and after. @source 30 §1 */
import assert from "node:assert/strict";
import { it } from "node:test";
import { blake3 as reference } from "@noble/hashes/blake3.js";
import { blobCid, canonicalText, createBlobCid } from "../../src/identity/index.ts";
import { until } from "../support/until.ts";

const CHUNK = 262_144;
const MIB = 1_048_576;
const SIZES = [0, 1, 63, 64, 65, 1024, 1025, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17];

const hexOf = (bytes: Uint8Array): string => `blake3:${Buffer.from(reference(bytes)).toString("hex")}`;

function expected(bytes: Uint8Array): ReturnType<typeof blobCid> {
  const chunks: { cid: string; size_bytes: number }[] = [];
  for (let at = 0; at < bytes.byteLength || chunks.length === 0; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK);
    chunks.push({ cid: hexOf(chunk), size_bytes: chunk.byteLength });
  }
  const text = canonicalText({ chunk_size_bytes: CHUNK, chunks, size_bytes: bytes.byteLength });
  return { cid: hexOf(new TextEncoder().encode(text)), chunks };
}

function bytesOf(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + (at >> 9)) & 255));
}

function inPieces(bytes: Uint8Array, piece: number): ReturnType<typeof blobCid> {
  const running = createBlobCid();
  for (let at = 0; at < bytes.byteLength; at += piece) running.update(bytes.subarray(at, at + piece));
  return running.digest();
}

const mibPerSecond = (mib: number): number => {
  const bytes = Buffer.alloc(mib * MIB, 7);
  const { user } = process.cpuUsage();
  blobCid(bytes);
  return (mib * 1e6) / Math.max(1, process.cpuUsage().user - user);
};

it("a file's id is the same whichever hash is there, in pieces of any size (30 §1)", async () => {
  const files = SIZES.map((size) => bytesOf(size));
  const wanted = files.map(expected);
  const found = (): unknown[] => files.map((bytes) => blobCid(bytes));
  // Nothing is awaited between these: what is compiled in the background is not there yet.
  assert.deepEqual(found(), wanted);
  const slow = mibPerSecond(8);
  const half = createBlobCid();
  const last = files.at(-1) ?? assert.fail();
  half.update(last.subarray(0, CHUNK + 5));
  await until("it is faster", () => mibPerSecond(8) > 2 * slow || undefined);
  assert.deepEqual(found(), wanted);
  half.update(last.subarray(CHUNK + 5));
  assert.deepEqual(half.digest(), wanted.at(-1), "also where it comes in the middle of a file");
  for (const piece of [1000, CHUNK - 1, CHUNK, 400_000])
    assert.deepEqual(
      files.map((bytes) => inPieces(bytes, piece)),
      wanted,
      `pieces of ${piece}`,
    );
  process.stdout.write(`figure: ${slow.toFixed(0)} MiB/s CPU before, ${mibPerSecond(64).toFixed(0)} after\n`);
});

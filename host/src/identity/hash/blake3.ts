import { blake3 as blake3Bytes } from "@noble/hashes/blake3.js";
import type { Cid, JsonSchema } from "../../contract/index.ts";
import { canonicalBytes } from "../canonical/write.ts";

export const CHUNK_SIZE_BYTES = 262_144;

/** @returns `blake3:` + 64 hex digits @source 00 §3 */
export function blake3(bytes: Uint8Array): Cid {
  return `blake3:${Buffer.from(blake3Bytes(bytes)).toString("hex")}`;
}

/** Running digest. */
export function createBlake3(): { update(bytes: Uint8Array): void; digest(): Cid } {
  const hash = blake3Bytes.create();
  return { update: (bytes) => void hash.update(bytes), digest: () => `blake3:${Buffer.from(hash.digest()).toString("hex")}` };
}

export function isCid(value: unknown): value is Cid {
  return typeof value === "string" && /^blake3:[0-9a-f]{64}$/.test(value);
}

/** @source 03 §3 */
export function schemaHash(o: {
  name: string;
  version: string;
  request_schema: JsonSchema;
  response_schema: JsonSchema | null;
  stream_schema: JsonSchema | null;
}): Cid {
  const { name, version, request_schema, response_schema, stream_schema } = o;
  return blake3(canonicalBytes({ name, version, request_schema, response_schema, stream_schema }));
}

/** @source 06 §1 */
export function dhtKey(text: string): Cid {
  return blake3(new TextEncoder().encode(text));
}

export interface BlobDigest {
  cid: Cid;
  chunks: { cid: Cid; size_bytes: number }[];
}

/** Id of a blob by its chunks in order. @source 30 §1 */
export function blobCid(bytes: Uint8Array): BlobDigest {
  const running = createBlobCid();
  running.update(bytes);
  return running.digest();
}

/** As `blobCid`, over pieces of any size, without holding the blob. */
export function createBlobCid(): { update(bytes: Uint8Array): void; digest(): BlobDigest } {
  const chunks: BlobDigest["chunks"] = [];
  let chunk = blake3Bytes.create();
  let filled = 0;
  let total = 0;
  const close = (): void => {
    chunks.push({ cid: `blake3:${Buffer.from(chunk.digest()).toString("hex")}`, size_bytes: filled });
    chunk = blake3Bytes.create();
    filled = 0;
  };
  return {
    update: (bytes) => {
      for (let at = 0; at < bytes.byteLength;) {
        const part = bytes.subarray(at, at + CHUNK_SIZE_BYTES - filled);
        chunk.update(part);
        filled += part.byteLength;
        at += part.byteLength;
        if (filled === CHUNK_SIZE_BYTES) close();
      }
      total += bytes.byteLength;
    },
    digest: () => {
      if (filled > 0 || chunks.length === 0) close();
      return { cid: blake3(canonicalBytes({ chunk_size_bytes: CHUNK_SIZE_BYTES, chunks, size_bytes: total })), chunks };
    },
  };
}

import { blake3 as blake3Bytes } from "@noble/hashes/blake3.js";
import type { IHasher } from "hash-wasm";
import type { Cid } from "../../contract/index.ts";
import { canonicalBytes } from "../canonical/write.ts";
import { blake3 } from "./blake3.ts";

const CHUNK_SIZE_BYTES = 262_144;

export interface BlobDigest {
  cid: Cid;
  chunks: { cid: Cid; size_bytes: number }[];
}

/** WebAssembly, ten times as fast; one for all, as a chunk is hashed in one go. Compiled once there is something to hash: most commands have nothing. */
let compiled: IHasher | undefined;
let compiling: Promise<void> | undefined;

/** Undefined where it is not compiled yet, or cannot be: the result is the same without it. */
function compiledHasher(): IHasher | undefined {
  compiling ??= import("hash-wasm")
    .then(({ createBLAKE3 }) => createBLAKE3())
    .then(
      (hasher) => void (compiled = hasher),
      () => {},
    );
  return compiled;
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
  let chunk = Buffer.alloc(0);
  let filled = 0;
  let total = 0;
  const take = (bytes: Uint8Array): void => {
    chunks.push({ cid: `blake3:${chunkHex(bytes)}`, size_bytes: bytes.byteLength });
  };
  return {
    update: (bytes) => {
      for (let at = 0; at < bytes.byteLength;) {
        const part = bytes.subarray(at, at + CHUNK_SIZE_BYTES - filled);
        at += part.byteLength;
        if (part.byteLength === CHUNK_SIZE_BYTES) {
          take(part);
          continue;
        }
        if (chunk.byteLength === 0) chunk = Buffer.allocUnsafe(CHUNK_SIZE_BYTES);
        chunk.set(part, filled);
        filled += part.byteLength;
        if (filled < CHUNK_SIZE_BYTES) continue;
        take(chunk);
        filled = 0;
      }
      total += bytes.byteLength;
    },
    digest: () => {
      if (filled > 0 || chunks.length === 0) take(chunk.subarray(0, filled));
      return { cid: blake3(canonicalBytes({ chunk_size_bytes: CHUNK_SIZE_BYTES, chunks, size_bytes: total })), chunks };
    },
  };
}

function chunkHex(bytes: Uint8Array): string {
  const hasher = compiledHasher();
  if (hasher === undefined) return Buffer.from(blake3Bytes(bytes)).toString("hex");
  return hasher.init().update(bytes).digest("hex");
}

/** A blob on its way in, chunk by chunk. @source 30 §4.1, §5.4 */
import { hexOf } from "../cid/blake3.ts";
import type { Manifest } from "../cid/manifest.ts";
import { notHere, refuse } from "../refusal.ts";
import type { Parts } from "./reading.ts";
import type { ChunkRecord } from "./rows.ts";
import type { Reserved } from "./space.ts";
import type { Incoming } from "./types.ts";

export interface IncomingOptions {
  parts: Parts;
  blobId: number;
  owner: string | null;
  clientId: string | null;
  lastByteAt: number;
  manifest: Manifest;
  /** It lies here as somebody's own, which whoever brings it is not to learn: every chunk is wanted, and proves that they have it. */
  hidden: boolean;
  room: Reserved;
  onComplete: () => void;
}

export class IncomingBlob implements Incoming {
  readonly manifest: Manifest;
  readonly #o: IncomingOptions;
  /** Places that are to be proven yet. */
  readonly #unproven: Set<number> | null;

  constructor(options: IncomingOptions) {
    this.#o = options;
    this.manifest = options.manifest;
    this.#unproven = options.hidden ? new Set(options.manifest.chunks.keys()) : null;
  }

  get owner(): string | null {
    return this.#o.owner;
  }

  get clientId(): string | null {
    return this.#o.clientId;
  }

  get lastByteAt(): number {
    return this.#o.lastByteAt;
  }

  missing(): number[] {
    if (this.#unproven !== null) return [...this.#unproven];
    return this.#o.parts.rows.missing(this.#o.blobId);
  }

  bitmap(): Uint8Array {
    return bitmapOf(this.manifest.chunks.length, this.missing());
  }

  async write(i: number, bytes: Uint8Array): Promise<void> {
    const { parts, blobId, room } = this.#o;
    const wanted = this.manifest.chunks[i];
    if (wanted === undefined) throw refuse("hash_mismatch", `The file has no chunk ${i}. Send only what was asked for.`);
    if (bytes.byteLength !== wanted.size_bytes || parts.hasher.hex(bytes) !== hexOf(wanted.cid))
      throw refuse("hash_mismatch", `Chunk ${i} is not what the file's description says. Read it again and send it once more.`);
    await storeChunk(parts, {
      cid: wanted.cid,
      bytes,
      chunk: () =>
        parts.rows.get<ChunkRecord>(
          "SELECT chunk.* FROM part JOIN chunk ON chunk.id = part.chunk_id WHERE part.blob_id = ? AND part.i = ?",
          blobId,
          i,
        ),
      mark: ({ id }) => {
        // A chunk may stand in several places of one blob.
        parts.rows.run("UPDATE part SET ready = 1 WHERE blob_id = ? AND chunk_id = ?", blobId, id);
        parts.rows.run("UPDATE blob SET last_byte_at = ? WHERE id = ?", parts.now(), blobId);
      },
    });
    room.spend(bytes.byteLength);
    this.#unproven?.delete(i);
  }

  async finish(): Promise<void> {
    const { parts, blobId, onComplete } = this.#o;
    const { rows, tx, files } = parts;
    const row = rows.blob(blobId);
    if (row === undefined) throw notHere();
    const missing = this.missing();
    if (row.complete === 1 && missing.length === 0) return this.close();
    if (missing.length > 0)
      throw refuse(
        "hash_mismatch",
        `${missing.length} chunks of the file are still missing. Send them, or resume the upload later.`,
      );
    await files.settle();
    tx.durably(() => {
      // One may have been found damaged meanwhile.
      if (rows.missing(blobId).length > 0)
        throw refuse("hash_mismatch", "A chunk of the file was damaged on the disk. Send the file again.");
      rows.run("UPDATE blob SET complete = 1, last_access = ? WHERE id = ?", parts.now(), blobId);
    });
    this.close();
    onComplete();
  }

  close(): void {
    this.#o.room.give();
  }
}

/** @returns bit i of the whole, lowest first: it is not among the missing */
export function bitmapOf(count: number, missing: readonly number[]): Uint8Array {
  const bits = new Uint8Array(Math.ceil(count / 8)).fill(255);
  for (const i of missing) bits[i >> 3] = (bits[i >> 3] ?? 0) & ~(1 << (i & 7));
  if (count % 8 !== 0) bits[bits.length - 1] = (bits.at(-1) ?? 0) & ((1 << (count % 8)) - 1);
  return bits;
}

/**
 * Puts verified bytes where the chunk's row says, unless they lie there already.
 * @param o.chunk  asked twice, as things may change while the bytes are written; undefined: nobody wants it any more
 * @param o.mark   in the same transaction as the chunk's row
 * @throws not_found · capacity_exceeded reason disk_full
 */
export async function storeChunk(
  parts: Parts,
  o: { cid: string; bytes: Uint8Array; chunk: () => ChunkRecord | undefined; mark: (chunk: ChunkRecord) => void },
): Promise<void> {
  const { rows, tx, files, vault } = parts;
  for (;;) {
    const before = o.chunk();
    if (before === undefined) throw notHere();
    if (before.held === 1) {
      const taken = tx.run(() => {
        const now = o.chunk();
        if (now?.held === 1) o.mark(now);
        return now?.held === 1;
      });
      if (taken) return;
      continue;
    }
    const written = await files.write(before.name, "bin", vault.packChunk(o.cid, before.sealed === 1, o.bytes));
    try {
      const placed = tx.run(() => {
        const now = o.chunk();
        if (now?.name !== before.name) return false;
        written.place();
        rows.run("UPDATE chunk SET held = 1 WHERE id = ?", now.id);
        o.mark(now);
        return true;
      });
      if (placed) return;
    } finally {
      written.discard();
    }
  }
}

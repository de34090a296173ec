import type { Parts } from "./reading.ts";
import type { BlobFacts } from "./types.ts";

export interface NewBlob {
  name: string;
  sealed: boolean;
  /** Its id is not known yet. */
  staged: boolean;
  facts: BlobFacts;
  chunkCount: number;
  sizeBytes: number;
}

/** A blob's row, without its parts. @returns its id */
export function insertBlob({ rows, now }: Parts, blob: NewBlob, label: Uint8Array): number {
  const { facts } = blob;
  const at = now();
  return rows.insert(
    `INSERT INTO blob(name, private, sealed, staged, complete, size_bytes, chunk_count, visibility, pinned, owner, client_id, origin, created_at,
      last_access, last_byte_at, label) VALUES(?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    blob.name,
    facts.visibility === "private" ? 1 : 0,
    blob.sealed ? 1 : 0,
    blob.staged ? 1 : 0,
    blob.sizeBytes,
    blob.chunkCount,
    facts.visibility,
    facts.pin === true ? 1 : 0,
    facts.owner ?? null,
    facts.clientId ?? null,
    facts.origin,
    at,
    at,
    at,
    label,
  );
}

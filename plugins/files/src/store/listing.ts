/** What is here, in order of the ids. @source 30 §2 file.list */
import type { Parts, Reading } from "./reading.ts";
import { SEEN, type BlobRecord } from "./rows.ts";
import type { BlobRow, Origin, Viewer } from "./types.ts";

export class Listing {
  readonly #parts: Parts;
  readonly #reading: Reading;

  constructor(parts: Parts, reading: Reading) {
    this.#parts = parts;
    this.#reading = reading;
  }

  list({ viewer, prefix = "", after, limit }: { viewer: Viewer; prefix?: string; after?: string; limit: number }): string[] {
    const start = prefix.replace(/^blake3:/, "");
    const from = after === undefined ? "" : after.slice("blake3:".length);
    const plain = this.#parts.rows
      .all<{ name: string }>(
        `SELECT name FROM blob WHERE private = 0 AND ${SEEN[viewer]} AND sealed = 0 AND complete = 1 AND staged = 0
          AND name > ? AND name >= ? AND name < ? ORDER BY name LIMIT ?`,
        from,
        start,
        `${start}g`,
        limit,
      )
      .map(({ name }) => name);
    const found = [...plain, ...this.#sealed(viewer).filter((hex) => hex > from && hex.startsWith(start))];
    return [...new Set(found)]
      .toSorted()
      .slice(0, limit)
      .map((hex) => `blake3:${hex}`);
  }

  shared({ pinned, origin }: { pinned?: boolean; origin?: Origin }): BlobRow[] {
    const { rows } = this.#parts;
    return rows
      .all<BlobRecord>("SELECT * FROM blob WHERE private = 0 AND complete = 1 AND staged = 0 ORDER BY id")
      .filter((row) => (pinned === undefined || (row.pinned === 1) === pinned) && (origin === undefined || row.origin === origin))
      .flatMap((row) => this.rowOf(row) ?? []);
  }

  /** Null when what it is cannot be read now. */
  rowOf(row: BlobRecord): BlobRow | null {
    const label = this.#reading.label(row);
    if (label === null) return null;
    const { size_bytes, chunk_count, visibility, owner, origin, created_at, last_access } = row;
    return {
      ...label,
      size_bytes,
      chunk_count,
      complete: row.complete === 1,
      visibility,
      pinned: row.pinned === 1,
      sealed: row.sealed === 1,
      owner,
      origin,
      created_at,
      last_access,
    };
  }

  /** Shared ones whose ids only the root tells: few, unless everything is encrypted. */
  #sealed(viewer: Viewer): string[] {
    return this.#parts.rows
      .all<BlobRecord>(`SELECT * FROM blob WHERE private = 0 AND ${SEEN[viewer]} AND sealed = 1 AND complete = 1 AND staged = 0`)
      .flatMap((row) => this.#reading.label(row)?.cid.slice("blake3:".length) ?? []);
  }
}

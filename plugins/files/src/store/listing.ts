/** What is here, in order of the ids. @source 30 §2 file.list */
import { setImmediate as turn } from "node:timers/promises";
import type { Parts, Reading } from "./reading.ts";
import { SEEN, type BlobRecord } from "./rows.ts";
import type { BlobRow, Browsed, Origin, Viewer } from "./types.ts";

/** Rows that are looked at before others get their turn. */
const AT_ONCE = 200;

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

  /** Names lie encrypted where their files do, so a search looks at each. */
  async browse({ query = "", before, limit }: { query?: string; before?: number; limit: number }): Promise<Browsed> {
    const { rows } = this.#parts;
    const wanted = query.trim().normalize("NFC").toLowerCase();
    const found: BlobRow[] = [];
    for (let last = before ?? Number.MAX_SAFE_INTEGER; ; await turn()) {
      const some = rows.all<BlobRecord>(`SELECT * FROM blob WHERE staged = 0 AND id < ? ORDER BY id DESC LIMIT ${AT_ONCE}`, last);
      for (const row of some) {
        last = row.id;
        const told = this.rowOf(row);
        if (told === null || !isNamed(told, wanted) || !this.#isFirst(row, told.cid)) continue;
        found.push(told);
        if (found.length === limit) return { rows: found, next: last };
      }
      if (some.length < AT_ONCE) return { rows: found, next: null };
    }
  }

  /** What lies here both as one's own and shared is shown once: whole before partial, shared before private. */
  #isFirst({ id }: BlobRecord, cid: string): boolean {
    const { rows, vault } = this.#parts;
    const same = rows.blobs(vault.names(cid), "own");
    return same.length < 2 || same.toSorted((a, b) => b.complete - a.complete || a.private - b.private)[0]?.id === id;
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

/** Part of its name, or how its id begins. */
function isNamed({ cid, filename = "" }: BlobRow, wanted: string): boolean {
  return filename.normalize("NFC").toLowerCase().includes(wanted) || cid.startsWith(wanted) || cid.startsWith(`blake3:${wanted}`);
}

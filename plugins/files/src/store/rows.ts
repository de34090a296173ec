/** What is asked of the tables, in one place. */
import type { Database, Visibility } from "@hearthnet/sdk-plugin";
import type { Origin, Viewer } from "./types.ts";

export interface BlobRecord {
  id: number;
  name: string;
  private: number;
  sealed: number;
  staged: number;
  complete: number;
  size_bytes: number;
  chunk_count: number;
  visibility: Visibility;
  pinned: number;
  owner: string | null;
  client_id: string | null;
  origin: Origin;
  created_at: number;
  last_access: number;
  last_byte_at: number;
  label: Uint8Array;
}

export interface ChunkRecord {
  id: number;
  name: string;
  sealed: number;
  size_bytes: number;
  held: number;
  refs: number;
}

/** What a viewer sees, as a condition on `blob`. @source 30 §3 */
export const SEEN: Record<Viewer, string> = {
  own: "1",
  member: "blob.private = 0",
  federated: "blob.visibility = 'public'",
};

type Statement = ReturnType<Database["prepare"]>;
type Values = (string | number | null | Uint8Array)[];

export class Rows {
  readonly db: Database;
  readonly #prepared = new Map<string, Statement>();

  constructor(db: Database) {
    this.db = db;
  }

  get<T>(sql: string, ...values: Values): T | undefined {
    return this.#statement(sql).get(...values) as T | undefined;
  }

  all<T>(sql: string, ...values: Values): T[] {
    return this.#statement(sql).all(...values) as T[];
  }

  /** @returns how many rows it changed */
  run(sql: string, ...values: Values): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  /** @returns id of the new row */
  insert(sql: string, ...values: Values): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid);
  }

  /** Both where it lies here as somebody's own and shared as well: the own one first. */
  blobs(names: readonly [string, string], viewer: Viewer): BlobRecord[] {
    const sql = `SELECT * FROM blob WHERE name IN (?, ?) AND staged = 0 AND ${SEEN[viewer]} ORDER BY private DESC`;
    return this.all<BlobRecord>(sql, ...names);
  }

  blob(id: number): BlobRecord | undefined {
    return this.get<BlobRecord>("SELECT * FROM blob WHERE id = ?", id);
  }

  chunk(names: readonly [string, string]): ChunkRecord | undefined {
    return this.get<ChunkRecord>("SELECT * FROM chunk WHERE name IN (?, ?) ORDER BY held DESC, sealed LIMIT 1", ...names);
  }

  /** Some blob that this viewer sees may use it. */
  sees(chunkId: number, viewer: Viewer): boolean {
    const sql = `SELECT 1 FROM part JOIN blob ON blob.id = part.blob_id WHERE part.chunk_id = ? AND part.ready = 1 AND blob.staged = 0 AND ${SEEN[viewer]} LIMIT 1`;
    return this.get(sql, chunkId) !== undefined;
  }

  missing(blobId: number): number[] {
    return this.all<{ i: number }>("SELECT i FROM part WHERE blob_id = ? AND ready = 0 ORDER BY i", blobId).map(({ i }) => i);
  }

  missingBytes(blobId: number): number {
    const sql =
      "SELECT coalesce(sum(size_bytes), 0) AS bytes FROM chunk WHERE held = 0 AND id IN (SELECT chunk_id FROM part WHERE blob_id = ? AND ready = 0)";
    return this.get<{ bytes: number }>(sql, blobId)?.bytes ?? 0;
  }

  ownedBytes(owner: string): number {
    return (
      this.get<{ bytes: number }>("SELECT coalesce(sum(size_bytes), 0) AS bytes FROM blob WHERE owner = ?", owner)?.bytes ?? 0
    );
  }

  usedBytes(): number {
    return this.get<{ bytes: number }>("SELECT coalesce(sum(size_bytes), 0) AS bytes FROM chunk WHERE held = 1")?.bytes ?? 0;
  }

  #statement(sql: string): Statement {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const made = this.db.prepare(sql);
    this.#prepared.set(sql, made);
    return made;
  }
}

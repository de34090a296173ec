/** Key-value store of one plugin, in the host. @source plugin-platform §3.1 storage.kv */
import type { JsonValue } from "../../contract/index.ts";
import { HnError, openDatabase, parseStrictJson, type Database } from "../../foundation/index.ts";

const MIGRATIONS = [
  "CREATE TABLE entry(key TEXT PRIMARY KEY COLLATE BINARY, value TEXT NOT NULL, version INTEGER NOT NULL, size INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];
const KEY_BYTES = 512;
const LIST_MAX = 1000;
/** An answer must fit into one header. */
const LIST_BYTES = 524_288;
const utf8 = new TextEncoder();

interface Row {
  key: string;
  value: string;
  version: number;
  size: number;
}

export class KvStore {
  readonly #db: Database;

  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
  }

  get(key: string): { value: JsonValue; version: number } | null {
    const row = this.#row(checkKey(key));
    return row === undefined ? null : { value: parseStrictJson(row.value), version: row.version };
  }

  /** @throws quota_exceeded · bad_request */
  put(key: string, value: JsonValue, o: { quotaBytes: number; ifVersion?: number }): { written: boolean; version: number } {
    const text = JSON.stringify(value);
    const size = utf8.encode(checkKey(key)).byteLength + utf8.encode(text).byteLength;
    return this.#db.transaction(() => {
      const old = this.#row(key);
      const present = old?.version ?? 0;
      if (o.ifVersion !== undefined && o.ifVersion !== present) return { written: false, version: present };
      const used = this.usedBytes() - (old?.size ?? 0);
      if (used + size > o.quotaBytes) {
        throw new HnError("quota_exceeded", {
          message: `The plugin's store is full: ${used + size} of ${o.quotaBytes} bytes.`,
          action: "Delete entries, or grant a larger store.",
        });
      }
      this.#db
        .prepare(
          "INSERT INTO entry VALUES(?,?,?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value, version=excluded.version, size=excluded.size",
        )
        .run(key, text, present + 1, size);
      return { written: true, version: present + 1 };
    });
  }

  delete(key: string, ifVersion?: number): { deleted: boolean } {
    checkKey(key);
    const { changes } = this.#db
      .prepare("DELETE FROM entry WHERE key = ? AND (? IS NULL OR version = ?)")
      .run(key, ifVersion ?? null, ifVersion ?? null);
    return { deleted: changes > 0 };
  }

  list(o: { prefix?: string; after?: string; limit?: number }): {
    items: { key: string; value: JsonValue; version: number }[];
    next: string | null;
  } {
    const limit = Math.min(LIST_MAX, Math.max(1, o.limit ?? 100));
    const prefix = o.prefix ?? "";
    const rows = this.#db
      .prepare("SELECT * FROM entry WHERE key > ? AND key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key LIMIT ?")
      .all(o.after ?? "", prefix, prefix, prefix, limit + 1) as unknown as Row[];
    const items: { key: string; value: JsonValue; version: number }[] = [];
    let bytes = 0;
    for (const row of rows.slice(0, limit)) {
      bytes += row.size;
      if (bytes > LIST_BYTES && items.length > 0) break;
      items.push({ key: row.key, value: parseStrictJson(row.value), version: row.version });
    }
    return { items, next: items.length < rows.length ? (items.at(-1)?.key ?? null) : null };
  }

  /** @throws bad_request when the entry is not a number · quota_exceeded */
  increment(key: string, by: number, quotaBytes: number): { value: number } {
    return this.#db.transaction(() => {
      const present = this.get(key)?.value ?? 0;
      if (typeof present !== "number") throw new HnError("bad_request", { message: `The entry ${key} is not a number.` });
      const value = present + by;
      if (!Number.isFinite(value)) throw new HnError("bad_request", { message: "The sum is not a finite number." });
      this.put(key, value, { quotaBytes });
      return { value };
    });
  }

  usedBytes(): number {
    return (this.#db.prepare("SELECT coalesce(sum(size), 0) AS used FROM entry").get() as { used: number }).used;
  }

  close(): void {
    this.#db.close();
  }

  #row(key: string): Row | undefined {
    return this.#db.prepare("SELECT * FROM entry WHERE key = ?").get(key) as Row | undefined;
  }
}

function checkKey(key: string): string {
  if (key === "" || !key.isWellFormed() || utf8.encode(key).byteLength > KEY_BYTES) {
    throw new HnError("bad_request", { message: `A key has 1 to ${KEY_BYTES} bytes.` });
  }
  return key;
}

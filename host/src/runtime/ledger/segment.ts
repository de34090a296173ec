/** One file of the ledger: rows in order between two signed heads. @source plugin-platform §8.2 */
import type { LedgerEntry, LedgerFilter, LedgerLine, LedgerRow, SignedLedgerHead } from "../../contract/index.ts";
import { openDatabase, type Database } from "../../foundation/index.ts";

const MIGRATIONS = [
  `CREATE TABLE row(
     seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, plugin TEXT NOT NULL, release TEXT NOT NULL, op TEXT NOT NULL,
     permission TEXT NOT NULL, target TEXT NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, count INTEGER NOT NULL,
     verdict TEXT NOT NULL, trace TEXT NOT NULL, via TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
   CREATE INDEX row_by_plugin ON row(plugin, seq);
   CREATE TABLE head(ends INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE waiting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,
];
const PAGE = 1000;

/** Equal wishes of one second, on their way to a row. */
export interface Summed {
  entry: LedgerEntry;
  count: number;
  bytesIn: number;
  bytesOut: number;
}

export type HashedRow = LedgerRow & { hash: string };

export class Segment {
  readonly number: number;
  readonly #db: Database;

  /** @throws internal_error db_corrupt */
  constructor(path: string, number: number) {
    this.number = number;
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
  }

  get sizeBytes(): number {
    const pages = this.#db.prepare("PRAGMA page_count").get() as { page_count: number };
    const page = this.#db.prepare("PRAGMA page_size").get() as { page_size: number };
    return pages.page_count * page.page_size;
  }

  head(which: "first" | "last"): SignedLedgerHead | undefined {
    const found = this.#db.prepare("SELECT value FROM head WHERE ends = ?").get(which === "last" ? 1 : 0) as
      { value: string } | undefined;
    try {
      return found === undefined ? undefined : (JSON.parse(found.value) as SignedLedgerHead);
    } catch {
      // Whoever wrote that was not the host.
      return undefined;
    }
  }

  lastRow(): HashedRow | undefined {
    return this.#db.prepare("SELECT * FROM row ORDER BY seq DESC LIMIT 1").get() as HashedRow | undefined;
  }

  /** Begins an empty segment: its first head is its last as well. */
  begin(head: SignedLedgerHead): void {
    this.#db.transaction(() => {
      this.#putHead(0, head);
      this.#putHead(1, head);
    });
  }

  /**
   * All or nothing.
   * @param o.settles  the sums that were kept are among the rows
   */
  append(rows: readonly HashedRow[], o: { last: SignedLedgerHead; settles: boolean }): void {
    this.#db.transaction(() => {
      const insert = this.#db.prepare("INSERT INTO row VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
      for (const row of rows) insert.run(...(Object.values(row) as (string | number)[]));
      this.#putHead(1, o.last);
      if (o.settles) this.#db.exec("DELETE FROM waiting");
    });
  }

  /** Keeps a sum that a kill must not take along. */
  keep(key: string, sum: Summed): void {
    this.#db.prepare("INSERT OR REPLACE INTO waiting VALUES(?,?)").run(key, JSON.stringify(sum));
  }

  kept(): Summed[] {
    return (this.#db.prepare("SELECT value FROM waiting").all() as { value: string }[]).map(
      ({ value }) => JSON.parse(value) as Summed,
    );
  }

  /** Newest first. */
  rows({ plugin, op, verdict, since, before, after, limit }: LedgerFilter): LedgerRow[] {
    const wanted = Object.entries({
      "plugin = ?": plugin,
      "op = ?": op,
      "verdict = ?": verdict,
      "at >= ?": since,
      "seq < ?": before,
      "seq > ?": after,
    });
    const given = wanted.flatMap(([clause, value]) => (value === undefined ? [] : [{ clause, value }]));
    const where = given.length === 0 ? "" : `WHERE ${given.map(({ clause }) => clause).join(" AND ")}`;
    const found = this.#db
      .prepare(`SELECT * FROM row ${where} ORDER BY seq DESC LIMIT ?`)
      .all(...given.map(({ value }) => value), limit) as unknown as HashedRow[];
    return found.map(({ hash: _, ...row }) => row);
  }

  /** First head, rows, last head, read a page at a time. */
  *lines(): Generator<LedgerLine> {
    const first = this.head("first");
    if (first !== undefined) yield { head: first, ends: false };
    const page = this.#db.prepare("SELECT * FROM row WHERE seq > ? ORDER BY seq LIMIT ?");
    for (let at = -1; ;) {
      const rows = page.all(at, PAGE) as unknown as HashedRow[];
      // Read in the same instant as the rows: more of both may come while these are looked at.
      const last = this.head("last");
      for (const { hash, ...row } of rows) yield { row, hash };
      at = rows.at(-1)?.seq ?? at;
      if (rows.length === PAGE) continue;
      if (last !== undefined) yield { head: last, ends: true };
      return;
    }
  }

  close(): void {
    this.#db.close();
  }

  #putHead(ends: 0 | 1, head: SignedLedgerHead): void {
    this.#db.prepare("INSERT OR REPLACE INTO head VALUES(?,?)").run(ends, JSON.stringify(head));
  }
}

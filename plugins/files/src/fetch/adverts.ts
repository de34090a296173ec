/** What neighbours said that they have, and who has sent something else than they said. @source 30 §5.1 */
import type { Database, NodeId } from "@hearthnet/sdk-plugin";

/** One node's adverts beyond this many make its oldest go. */
const PER_NODE = 10_000;
/** Sources of one blob that are worth trying. */
const PER_BLOB = 64;
const DAY_MS = 86_400_000;
/** What was not said again is not true for long. */
const KEPT_MS = 7 * DAY_MS;

export class Adverts {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
    db.exec(`
      CREATE TABLE IF NOT EXISTS fetch_advert(
        node TEXT NOT NULL,
        cid TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY(node, cid)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS fetch_advert_cid ON fetch_advert(cid);
      CREATE INDEX IF NOT EXISTS fetch_advert_age ON fetch_advert(node, at);
      CREATE TABLE IF NOT EXISTS fetch_liar(
        node TEXT PRIMARY KEY,
        times INTEGER NOT NULL,
        at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `);
  }

  /** @returns how many were taken down */
  record(node: NodeId, cids: readonly string[]): number {
    const now = this.#now();
    const distinct = new Set(cids);
    this.#db.exec("SAVEPOINT advert");
    try {
      const insert = this.#db.prepare(
        "INSERT INTO fetch_advert VALUES(?, ?, ?) ON CONFLICT(node, cid) DO UPDATE SET at = excluded.at",
      );
      for (const cid of distinct) insert.run(node, cid, now);
      this.#db.prepare("DELETE FROM fetch_advert WHERE node = ? AND at < ?").run(node, now - KEPT_MS);
      this.#db
        .prepare(
          `DELETE FROM fetch_advert WHERE node = ?1 AND cid IN (
             SELECT cid FROM fetch_advert WHERE node = ?1 ORDER BY at DESC, cid LIMIT -1 OFFSET ${PER_NODE})`,
        )
        .run(node);
    } finally {
      this.#db.exec("RELEASE advert");
    }
    return distinct.size;
  }

  /** Latest first. */
  sources(cid: string): NodeId[] {
    const rows = this.#db
      .prepare(`SELECT node FROM fetch_advert WHERE cid = ? AND at >= ? ORDER BY at DESC, node LIMIT ${PER_BLOB}`)
      .all(cid, this.#now() - KEPT_MS);
    return rows.map((row) => row["node"] as NodeId);
  }

  /** It has not got it after all. */
  forget(node: NodeId, cid: string): void {
    this.#db.prepare("DELETE FROM fetch_advert WHERE node = ? AND cid = ?").run(node, cid);
  }

  /** It sent what nobody wanted: for a day everybody else is asked first. */
  demote(node: NodeId): void {
    this.#db
      .prepare("INSERT INTO fetch_liar VALUES(?, 1, ?) ON CONFLICT(node) DO UPDATE SET times = times + 1, at = excluded.at")
      .run(node, this.#now());
  }

  demoted(node: NodeId): boolean {
    return this.#db.prepare("SELECT 1 FROM fetch_liar WHERE node = ? AND at > ?").get(node, this.#now() - DAY_MS) !== undefined;
  }

  /** Those who have lied come last; otherwise the order stays. */
  ranked(nodes: Iterable<NodeId>): NodeId[] {
    const all = [...nodes];
    const liars = new Set(all.filter((node) => this.demoted(node)));
    return [...all.filter((node) => !liars.has(node)), ...liars];
  }
}

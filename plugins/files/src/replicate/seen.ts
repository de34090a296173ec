/** When each neighbour was last there. @source 30 §6.2 "alive within 24 h" */
import type { Database, NodeId } from "@hearthnet/sdk-plugin";

export class Seen {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
    db.exec("CREATE TABLE IF NOT EXISTS replica_seen(node TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID");
  }

  note(nodes: Iterable<NodeId>, now: number): void {
    const write = this.#db.prepare("INSERT INTO replica_seen VALUES(?, ?) ON CONFLICT(node) DO UPDATE SET at = excluded.at");
    for (const node of nodes) write.run(node, now);
  }

  /** Unix milliseconds. */
  at(node: NodeId): number | undefined {
    const row = this.#db.prepare("SELECT at FROM replica_seen WHERE node = ?").get(node);
    return row === undefined ? undefined : Number(row["at"]);
  }
}

import type { Endpoint, NodeId, PeerSource } from "../contract/index.ts";
import { type Database, openDatabase } from "../foundation/index.ts";

const MIGRATIONS = [
  `CREATE TABLE peer(node_id TEXT PRIMARY KEY, display_name TEXT NOT NULL, endpoints TEXT NOT NULL, manual INTEGER NOT NULL, last_seen INTEGER NOT NULL) STRICT;`,
];

/** What is worth remembering of a node over a restart. */
export interface Remembered {
  node_id: NodeId;
  /** Untrusted text. */
  display_name: string;
  /** The one that answered last comes first. `source` is absent where a former release has written it. */
  endpoints: (Endpoint & { source?: PeerSource })[];
  /** Typed in by the operator, not found in the log. */
  manual: boolean;
  /** Unix milliseconds. */
  last_seen: number;
}

/** Addresses of nodes that have proven themselves at them, in `peers.db`. Hints: whoever answers there must prove itself again. */
export class AddressBook {
  readonly #db: Database;

  /** @throws internal_error reason db_corrupt */
  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
  }

  all(): Remembered[] {
    const rows = this.#db.prepare("SELECT * FROM peer").all() as unknown as (Omit<Remembered, "endpoints" | "manual"> & {
      endpoints: string;
      manual: number;
    })[];
    return rows.map((row) => ({
      ...row,
      endpoints: JSON.parse(row.endpoints) as Remembered["endpoints"],
      manual: row.manual === 1,
    }));
  }

  keep({ node_id, display_name, endpoints, manual, last_seen }: Remembered): void {
    this.#db
      .prepare("INSERT OR REPLACE INTO peer VALUES(?, ?, ?, ?, ?)")
      .run(node_id, display_name, JSON.stringify(endpoints), manual ? 1 : 0, last_seen);
  }

  forget(node: NodeId): void {
    this.#db.prepare("DELETE FROM peer WHERE node_id = ?").run(node);
  }

  close(): void {
    this.#db.close();
  }
}

import type { DhtValue } from "../contract/index.ts";
import { openDatabase } from "../foundation/index.ts";
import type { ValueShelf } from "./values.ts";

const MIGRATIONS = [
  `CREATE TABLE value(key TEXT NOT NULL, kind TEXT NOT NULL, signer TEXT NOT NULL, value TEXT NOT NULL,
     PRIMARY KEY(key, kind, signer)) STRICT, WITHOUT ROWID`,
];

/** Values that outlive the process. @throws internal_error db_corrupt @source 06 §4 */
export function openValueShelf(path: string): ValueShelf & { close(): void } {
  const db = openDatabase(path, { migrations: MIGRATIONS });
  const name = ({ key, payload }: DhtValue): [string, string, string] => [key, payload.kind, payload.node_id];
  return {
    *all() {
      for (const { value } of db.prepare("SELECT value FROM value").all() as { value: string }[])
        try {
          yield JSON.parse(value) as DhtValue;
        } catch {
          // Not ours: it is checked like any other value anyway, and this one cannot be.
        }
    },
    put: (value) => void db.prepare("INSERT OR REPLACE INTO value VALUES(?,?,?,?)").run(...name(value), JSON.stringify(value)),
    delete: (value) => void db.prepare("DELETE FROM value WHERE key = ? AND kind = ? AND signer = ?").run(...name(value)),
    close: () => db.close(),
  };
}

import type { Database } from "../../foundation/index.ts";

/** What the operator has decided against the usual. */
export interface OverrideRow {
  ownProcess: boolean;
  /** SHA-256 of the one release that may run where it cannot be confined. */
  unconfinedRelease: string | null;
}

export const OVERRIDE_TABLE = `CREATE TABLE override(
     plugin_id TEXT PRIMARY KEY, own_process INTEGER NOT NULL, unconfined_release TEXT) STRICT`;

export class OverrideRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(pluginId: string): OverrideRow {
    const row = this.#db.prepare("SELECT own_process, unconfined_release FROM override WHERE plugin_id = ?").get(pluginId) as
      { own_process: number; unconfined_release: string | null } | undefined;
    return { ownProcess: row?.own_process === 1, unconfinedRelease: row?.unconfined_release ?? null };
  }

  set(pluginId: string, { ownProcess, unconfinedRelease }: OverrideRow): void {
    this.#db.prepare("INSERT OR REPLACE INTO override VALUES(?,?,?)").run(pluginId, ownProcess ? 1 : 0, unconfinedRelease);
  }

  forget(pluginId: string): void {
    this.#db.prepare("DELETE FROM override WHERE plugin_id = ?").run(pluginId);
  }
}

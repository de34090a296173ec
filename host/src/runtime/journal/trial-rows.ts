import type { Grant, PermissionName } from "../../contract/index.ts";
import type { Database } from "../../foundation/index.ts";

/** Different uses that are kept of one trial run; a plugin that varies its targets endlessly fills no disk. */
const USES_MAX = 4096;

export interface TrialRow {
  /** Unix milliseconds. */
  since: number;
  until: number;
  /** The rights before, which come back. */
  grants: Grant[];
}

/** One check that was wanted, by the name of its method. */
export interface TrialUse {
  permission: PermissionName;
  method: string;
  args: readonly unknown[];
  target: string;
  count: number;
}

/** Trial runs survive the daemon. @source plugin-platform §3.4.5 */
export class TrialRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  begin(pluginId: string, { since, until, grants }: TrialRow): void {
    this.#db.transaction(() => {
      this.end(pluginId);
      this.#db.prepare("INSERT INTO trial VALUES(?,?,?,?)").run(pluginId, since, until, JSON.stringify(grants));
    });
  }

  get(pluginId: string): TrialRow | undefined {
    const row = this.#db.prepare("SELECT since, until, grants FROM trial WHERE plugin_id = ?").get(pluginId) as
      { since: number; until: number; grants: string } | undefined;
    return row === undefined ? undefined : { ...row, grants: JSON.parse(row.grants) as Grant[] };
  }

  note(seen: readonly { plugin: string; use: TrialUse }[]): void {
    if (seen.length === 0) return;
    const insert = this.#db.prepare(
      `INSERT INTO trial_use SELECT ?,?,?,?,?,? WHERE (SELECT count(*) FROM trial_use WHERE plugin_id = ?) < ${USES_MAX}
       ON CONFLICT DO UPDATE SET count = count + excluded.count`,
    );
    this.#db.transaction(() => {
      for (const { plugin, use } of seen)
        insert.run(plugin, use.permission, use.method, JSON.stringify(use.args), use.target, use.count, plugin);
    });
  }

  uses(pluginId: string): TrialUse[] {
    const rows = this.#db
      .prepare("SELECT * FROM trial_use WHERE plugin_id = ? ORDER BY permission, target, method")
      .all(pluginId) as { permission: string; method: string; args: string; target: string; count: number }[];
    return rows.map(({ permission, method, args, target, count }) => ({
      permission: permission as PermissionName,
      method,
      args: JSON.parse(args) as unknown[],
      target,
      count,
    }));
  }

  /** Forgets the run and what was seen in it. */
  end(pluginId: string): void {
    this.#db.prepare("DELETE FROM trial WHERE plugin_id = ?").run(pluginId);
    this.#db.prepare("DELETE FROM trial_use WHERE plugin_id = ?").run(pluginId);
  }
}

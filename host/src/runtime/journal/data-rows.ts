/** Which folder holds a plugin's data, whose it is, and how it is laid out. @source plugin-platform §6.4.2, §6.4.6 */
import type { Database } from "../../foundation/index.ts";

export interface DataRow {
  /** Name beside the plugin's other folders. */
  folder: string;
  /** SHA-256 of the release that opened it last; empty while it is being filled. */
  owner: string;
  /** Version of the layout inside; 0 while nothing is known to be there. */
  schema: number;
  /** Its author vouches for two writers. */
  shared: boolean;
  /** Its author vouches that an older release can read it. */
  downgradable: boolean;
  /** When it came to be, Unix milliseconds. */
  at: number;
}

export class DataRows {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  get(pluginId: string, folder: string): DataRow | undefined {
    const row = this.#db.prepare("SELECT * FROM plugin_data WHERE plugin_id = ? AND folder = ?").get(pluginId, folder) as
      (Omit<DataRow, "shared" | "downgradable"> & { shared: number; downgradable: number }) | undefined;
    if (row === undefined) return undefined;
    const { owner, schema, at } = row;
    return { folder, owner, schema, shared: row.shared === 1, downgradable: row.downgradable === 1, at };
  }

  /** Notes a folder, or what has become of it; since when it exists stays. */
  put(pluginId: string, { folder, owner, schema, shared, downgradable }: Omit<DataRow, "at">): void {
    this.#db
      .prepare(
        `INSERT INTO plugin_data(plugin_id, folder, owner, schema, shared, downgradable, at) VALUES(?,?,?,?,?,?,?) ON CONFLICT(plugin_id, folder)
         DO UPDATE SET owner = excluded.owner, schema = excluded.schema, shared = excluded.shared, downgradable = excluded.downgradable`,
      )
      .run(pluginId, folder, owner, schema, shared ? 1 : 0, downgradable ? 1 : 0, this.#now());
  }

  /** Folder of a release; undefined when none was noted for it. */
  of(pluginId: string, sha256: string): string | undefined {
    const row = this.#db.prepare("SELECT data FROM release WHERE plugin_id = ? AND sha256 = ?").get(pluginId, sha256) as
      { data: string | null } | undefined;
    return row?.data ?? undefined;
  }

  /** Folder of the active release, or the one that waits since the plugin was removed. */
  current(pluginId: string): string | undefined {
    const row = this.#db
      .prepare(
        `SELECT data FROM release WHERE plugin_id = ? AND state = 'active' AND data IS NOT NULL
         UNION ALL SELECT folder FROM kept_data WHERE plugin_id = ? LIMIT 1`,
      )
      .get(pluginId, pluginId) as { data: string } | undefined;
    return row?.data;
  }

  /** From now on this is the release's folder. */
  assign(pluginId: string, sha256: string, folder: string): void {
    this.#db.prepare("UPDATE release SET data = ? WHERE plugin_id = ? AND sha256 = ?").run(folder, pluginId, sha256);
  }

  /** Whether this release serves, or may come back. */
  stands(pluginId: string, sha256: string): boolean {
    const sql = "SELECT 1 FROM release WHERE plugin_id = ? AND sha256 = ? AND state IN ('active','kept')";
    return this.#db.prepare(sql).get(pluginId, sha256) !== undefined;
  }

  /** Folders that no release which serves or may come back refers to, and that do not wait for the plugin to be installed again. */
  unused(pluginId: string): string[] {
    return this.#folders(
      `SELECT folder FROM plugin_data AS d WHERE plugin_id = ?
       AND NOT EXISTS (SELECT 1 FROM release AS r WHERE r.plugin_id = d.plugin_id AND r.data = d.folder AND r.state IN ('active','kept'))
       AND NOT EXISTS (SELECT 1 FROM kept_data AS k WHERE k.plugin_id = d.plugin_id AND k.folder = d.folder)`,
      pluginId,
    );
  }

  all(pluginId: string): string[] {
    return this.#folders("SELECT folder FROM plugin_data WHERE plugin_id = ?", pluginId);
  }

  plugins(): string[] {
    const rows = this.#db.prepare("SELECT DISTINCT plugin_id FROM plugin_data").all() as { plugin_id: string }[];
    return rows.map(({ plugin_id }) => plugin_id);
  }

  forget(pluginId: string, folder: string): void {
    this.#db.prepare("DELETE FROM plugin_data WHERE plugin_id = ? AND folder = ?").run(pluginId, folder);
  }

  #folders(sql: string, pluginId: string): string[] {
    return (this.#db.prepare(sql).all(pluginId) as { folder: string }[]).map(({ folder }) => folder);
  }
}

import type { RoleName } from "../../contract/index.ts";
import type { Database } from "../../foundation/index.ts";

/** Who holds which exclusive role. @source plugin-platform §3.3 */
export class RoleRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  holder(role: RoleName): string | undefined {
    const row = this.#db.prepare("SELECT plugin_id FROM role WHERE role = ?").get(role) as { plugin_id: string } | undefined;
    return row?.plugin_id;
  }

  assign(role: RoleName, pluginId: string, at: number): void {
    this.#db.prepare("INSERT OR REPLACE INTO role VALUES(?,?,?)").run(role, pluginId, at);
  }

  clear(role: RoleName): void {
    this.#db.prepare("DELETE FROM role WHERE role = ?").run(role);
  }
}

import { createHash } from "node:crypto";
import type { AuditRow, Clock } from "../contract/index.ts";
import { formatTime } from "../foundation/index.ts";
import { canonicalBytes } from "../identity/index.ts";
import type { AdminStore } from "./auth/store.ts";

/** Hash-chained record of what operators did. Names and ids only, never bodies or secrets. @source admin-ui J11, plugin-platform §8 */
export class Audit {
  readonly #store: AdminStore;
  readonly #clock: Clock;

  constructor(store: AdminStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  record(entry: { actor: string; action: string; target: string; result: string }): AuditRow {
    const last = this.#store.db.prepare("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").get() as
      { seq: number; hash: string } | undefined;
    const row: AuditRow = { seq: (last?.seq ?? 0) + 1, at: formatTime(this.#clock.now()), ...entry };
    this.#store.db
      .prepare("INSERT INTO audit VALUES(?, ?, ?, ?, ?, ?, ?)")
      .run(row.seq, row.at, row.actor, row.action, row.target, row.result, chain(last?.hash ?? "", row));
    return row;
  }

  recent(limit: number): AuditRow[] {
    return this.#store.db
      .prepare("SELECT seq, at, actor, action, target, result FROM audit ORDER BY seq DESC LIMIT ?")
      .all(limit) as unknown as AuditRow[];
  }

  /** False as soon as one row was edited, removed or moved. */
  chainOk(): boolean {
    let previous = "";
    let seq = 0;
    for (const row of this.#store.db.prepare("SELECT * FROM audit ORDER BY seq").iterate() as IterableIterator<
      AuditRow & { hash: string }
    >) {
      const { hash, ...rest } = row;
      if (rest.seq !== ++seq || chain(previous, rest) !== hash) return false;
      previous = hash;
    }
    return true;
  }
}

function chain(previous: string, row: AuditRow): string {
  return createHash("sha256")
    .update(previous)
    .update(canonicalBytes({ ...row }))
    .digest("hex");
}

/** Who asked for what, and was it allowed: rows that nobody can change unseen. @source plugin-platform §8.1 */
import { createHash } from "node:crypto";
import type { Clock, Grant } from "../contract/index.ts";
import { openDatabase, type Database } from "../foundation/index.ts";
import { canonicalBytes } from "../identity/index.ts";

const MIGRATIONS = [
  `CREATE TABLE ledger(
     seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, plugin TEXT NOT NULL, release TEXT NOT NULL, op TEXT NOT NULL,
     permission TEXT NOT NULL, target TEXT NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, count INTEGER NOT NULL,
     verdict TEXT NOT NULL, trace TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL) STRICT`,
];
const DENIALS_PER_SECOND = 10;
const ZERO = "0".repeat(64);

export interface LedgerEntry {
  plugin: string;
  release: string;
  op: string;
  permission: string;
  target: string;
  verdict: "allow" | "deny" | "simulate" | "quota";
  bytesIn?: number;
  bytesOut?: number;
  trace?: string;
}

export interface LedgerRow {
  seq: number;
  at: number;
  plugin: string;
  release: string;
  op: string;
  permission: string;
  target: string;
  bytes_in: number;
  bytes_out: number;
  count: number;
  verdict: string;
  trace: string;
  prev: string;
}

interface Pending {
  entry: LedgerEntry;
  count: number;
  bytesIn: number;
  bytesOut: number;
}

/**
 * Hash-chained rows. Allowed operations are summed per (plugin, op, target) and second; denials stand alone up to 10 a second, then are
 * summed as well. Never bodies, params or secrets.
 */
export class Ledger {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Pending>();
  #head: { seq: number; hash: string };
  #flushing = false;
  #denials = { second: 0, count: 0 };

  constructor(path: string, clock: Clock) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
    this.#clock = clock;
    const last = this.#db.prepare("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").get() as
      { seq: number; hash: string } | undefined;
    this.#head = last ?? { seq: 0, hash: ZERO };
  }

  add(entry: LedgerEntry): void {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    if (entry.verdict !== "allow") {
      this.#denials = this.#denials.second === second ? { second, count: this.#denials.count + 1 } : { second, count: 1 };
      if (this.#denials.count <= DENIALS_PER_SECOND) {
        this.#write([{ entry, count: 1, bytesIn: entry.bytesIn ?? 0, bytesOut: entry.bytesOut ?? 0 }]);
        return;
      }
    }
    const key = JSON.stringify([entry.plugin, entry.release, entry.op, entry.permission, entry.target, entry.verdict]);
    const pending = this.#pending.get(key) ?? { entry, count: 0, bytesIn: 0, bytesOut: 0 };
    pending.count += 1;
    pending.bytesIn += entry.bytesIn ?? 0;
    pending.bytesOut += entry.bytesOut ?? 0;
    this.#pending.set(key, pending);
    if (this.#flushing) return;
    this.#flushing = true;
    this.#clock.setTimeout(() => this.flush(), 1000);
  }

  /** One row for each right that was given and for each that was taken. */
  addGrants(of: { plugin: string; release: string }, before: readonly Grant[], after: readonly Grant[]): void {
    const key = ({ permission, scope, mode }: Grant): string => JSON.stringify([permission, scope, mode]);
    const [old, now] = [new Set(before.map(key)), new Set(after.map(key))];
    const write = ({ permission, scope, mode }: Grant, op: string): void =>
      this.add({ ...of, op, permission, target: JSON.stringify(scope), verdict: mode });
    for (const grant of after) if (!old.has(key(grant))) write(grant, "grant");
    for (const grant of before) if (!now.has(key(grant))) write(grant, "ungrant");
  }

  flush(): void {
    this.#flushing = false;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    if (pending.length > 0) this.#write(pending);
  }

  rows(limit: number): LedgerRow[] {
    return this.#db.prepare("SELECT * FROM ledger ORDER BY seq DESC LIMIT ?").all(limit) as unknown as LedgerRow[];
  }

  /** True when no row was edited, removed from the middle or put elsewhere. */
  verify(): boolean {
    let previous = ZERO;
    let seq = 0;
    for (const row of this.#db.prepare("SELECT * FROM ledger ORDER BY seq").iterate() as Iterable<Record<string, unknown>>) {
      const { hash, ...rest } = row;
      if (rest["prev"] !== previous || rest["seq"] !== (seq += 1) || hash !== chain(rest as unknown as LedgerRow)) return false;
      previous = String(hash);
    }
    return true;
  }

  close(): void {
    this.flush();
    this.#db.close();
  }

  #write(entries: readonly Pending[]): void {
    this.#db.transaction(() => {
      for (const { entry, count, bytesIn, bytesOut } of entries) {
        const row: LedgerRow = {
          seq: this.#head.seq + 1,
          at: Math.floor(this.#clock.now()),
          plugin: entry.plugin,
          release: entry.release,
          op: entry.op.toWellFormed(),
          permission: entry.permission,
          target: entry.target.slice(0, 200).toWellFormed(),
          bytes_in: bytesIn,
          bytes_out: bytesOut,
          count,
          verdict: entry.verdict,
          trace: entry.trace ?? "",
          prev: this.#head.hash,
        };
        const hash = chain(row);
        this.#db
          .prepare("INSERT INTO ledger VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
          .run(...(Object.values(row) as (string | number)[]), hash);
        this.#head = { seq: row.seq, hash };
      }
    });
  }
}

/** SHA-256 over the previous hash and the row's canonical form, in which `prev` itself does not stand. */
function chain({ prev, ...row }: LedgerRow): string {
  return createHash("sha256").update(prev, "hex").update(canonicalBytes(row)).digest("hex");
}

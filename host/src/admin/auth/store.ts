import { createHash } from "node:crypto";
import { type Database, openDatabase } from "../../foundation/index.ts";
import type { PasswordHash } from "./password.ts";

const MIGRATIONS = [
  `CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE session(id_sha256 TEXT PRIMARY KEY, role TEXT NOT NULL, created INTEGER NOT NULL, last_seen INTEGER NOT NULL, step_up_until INTEGER NOT NULL) STRICT;
   CREATE TABLE audit(seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, result TEXT NOT NULL, hash TEXT NOT NULL) STRICT;`,
  `ALTER TABLE session ADD COLUMN browser TEXT NOT NULL DEFAULT '';
   ALTER TABLE session ADD COLUMN system TEXT NOT NULL DEFAULT '';`,
];

export interface SessionRow {
  id_sha256: string;
  role: "owner" | "operator" | "viewer";
  created: number;
  last_seen: number;
  step_up_until: number;
  /** `Firefox`; empty where unknown. */
  browser: string;
  /** `Linux`; empty where unknown. */
  system: string;
}

/** `admin.db`: sign-in, sessions (by hash only) and the audit chain. */
export class AdminStore {
  readonly db: Database;

  constructor(path: string) {
    this.db = openDatabase(path, { migrations: MIGRATIONS, synchronous: "FULL" });
  }

  close(): void {
    this.db.close();
  }

  setting(key: string): string | null {
    return (this.db.prepare("SELECT value FROM setting WHERE key = ?").get(key) as { value: string } | undefined)?.value ?? null;
  }

  setSetting(key: string, value: string | null): void {
    if (value === null) this.db.prepare("DELETE FROM setting WHERE key = ?").run(key);
    else
      this.db.prepare("INSERT INTO setting VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value").run(key, value);
  }

  password(): PasswordHash | null {
    const text = this.setting("password");
    return text === null ? null : (JSON.parse(text) as PasswordHash);
  }

  addSession(row: SessionRow): void {
    this.db
      .prepare("INSERT INTO session VALUES(?, ?, ?, ?, ?, ?, ?)")
      .run(row.id_sha256, row.role, row.created, row.last_seen, row.step_up_until, row.browser, row.system);
  }

  session(hash: string): SessionRow | null {
    return (this.db.prepare("SELECT * FROM session WHERE id_sha256 = ?").get(hash) as SessionRow | undefined) ?? null;
  }

  /** The latest seen first. */
  sessions(): SessionRow[] {
    return this.db.prepare("SELECT * FROM session ORDER BY last_seen DESC, id_sha256").all() as unknown as SessionRow[];
  }

  touchSession(hash: string, lastSeen: number): void {
    this.db.prepare("UPDATE session SET last_seen = ? WHERE id_sha256 = ?").run(lastSeen, hash);
  }

  endSession(hash: string): void {
    this.db.prepare("DELETE FROM session WHERE id_sha256 = ?").run(hash);
  }
}

/** Ids are 128 bits or more of chance, so a plain hash suffices: the table is useless to whoever reads it. */
export function hashId(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

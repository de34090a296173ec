import { createHash } from "node:crypto";
import { type Database, openDatabase } from "../../foundation/index.ts";
import type { PasswordHash } from "./password.ts";

const MIGRATIONS = [
  `CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE session(id_sha256 TEXT PRIMARY KEY, role TEXT NOT NULL, created INTEGER NOT NULL, last_seen INTEGER NOT NULL, step_up_until INTEGER NOT NULL) STRICT;
   CREATE TABLE audit(seq INTEGER PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, target TEXT NOT NULL, result TEXT NOT NULL, hash TEXT NOT NULL) STRICT;`,
];

export interface SessionRow {
  role: "owner" | "operator" | "viewer";
  created: number;
  last_seen: number;
  step_up_until: number;
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

  addSession(id: string, row: SessionRow): void {
    this.db
      .prepare("INSERT INTO session VALUES(?, ?, ?, ?, ?)")
      .run(hashId(id), row.role, row.created, row.last_seen, row.step_up_until);
  }

  session(id: string): SessionRow | null {
    return (
      (this.db.prepare("SELECT role, created, last_seen, step_up_until FROM session WHERE id_sha256 = ?").get(hashId(id)) as
        SessionRow | undefined) ?? null
    );
  }

  touchSession(id: string, change: { last_seen: number; step_up_until: number }): void {
    this.db
      .prepare("UPDATE session SET last_seen = ?, step_up_until = ? WHERE id_sha256 = ?")
      .run(change.last_seen, change.step_up_until, hashId(id));
  }

  endSession(id: string): void {
    this.db.prepare("DELETE FROM session WHERE id_sha256 = ?").run(hashId(id));
  }

  endAllSessions(): void {
    this.db.exec("DELETE FROM session");
  }
}

/** Ids are 128 bits or more of chance, so a plain hash suffices: the table is useless to whoever reads it. */
export function hashId(id: string): string {
  return createHash("sha256").update(id).digest("hex");
}

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { HnError } from "../errors.ts";

/** Primary result codes of SQLite. */
const SQLITE = { perm: 3, busy: 5, locked: 6, readonly: 8, ioerr: 10, full: 13, cantopen: 14 };
const UNREACHABLE: ReadonlySet<number> = new Set([SQLITE.perm, SQLITE.readonly, SQLITE.ioerr, SQLITE.cantopen]);

export interface DatabaseOptions {
  /** SQL scripts, applied in order, each once. Never edit one that was released; add another. */
  migrations: readonly string[];
  /** FULL: an acknowledged write survives power loss. NORMAL: a crash of the machine may lose the last writes, never the file. */
  synchronous?: "FULL" | "NORMAL";
}

/** SQLite file in WAL mode with cached statements. */
export class Database {
  readonly #db: DatabaseSync;
  readonly #statements: Map<string, StatementSync> = new Map();
  #depth = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /**
   * Writes that wait for no disk: the loss of power may take them, the end of this program may not, and what is written in full afterwards takes
   * them along. Inside a transaction they are part of it.
   */
  lightly<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    const { synchronous } = this.prepare("PRAGMA synchronous").get() as { synchronous: number };
    this.#db.exec("PRAGMA synchronous = NORMAL");
    try {
      return work();
    } finally {
      this.#db.exec(`PRAGMA synchronous = ${synchronous}`);
    }
  }

  /** All or nothing; may be nested. `work` must be synchronous. */
  transaction<T>(work: () => T): T {
    const level = this.#depth++;
    this.#db.exec(level === 0 ? "BEGIN IMMEDIATE" : `SAVEPOINT nest${level}`);
    try {
      const result = work();
      if (result instanceof Promise) throw new TypeError("a transaction's work must be synchronous");
      this.#db.exec(level === 0 ? "COMMIT" : `RELEASE nest${level}`);
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec(level === 0 ? "ROLLBACK" : `ROLLBACK TO nest${level}; RELEASE nest${level}`);
      throw error;
    } finally {
      this.#depth = level;
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }
}

/**
 * Opens or creates a database and brings it to the newest schema in one transaction per step.
 * @throws internal_error (reason db_corrupt when the file is damaged or newer than this program) · capacity_exceeded when the disk is full
 */
export function openDatabase(path: string, options: DatabaseOptions): Database {
  let raw: DatabaseSync | undefined;
  try {
    raw = new DatabaseSync(path);
    raw.exec(
      `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous ?? "NORMAL"}; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;`,
    );
    const db = new Database(raw);
    migrate(db, options.migrations);
    return db;
  } catch (cause) {
    if (raw?.isOpen === true) raw.close();
    throw HnError.isHnError(cause) ? cause : explain(cause);
  }
}

/**
 * What went wrong while something was stored, in words; what did not come from SQLite stays as it is.
 * @returns capacity_exceeded disk_full · internal_error db_corrupt
 */
export function storageError(cause: unknown): unknown {
  const { code, errcode } = cause as { code?: unknown; errcode?: unknown };
  if (code !== "ERR_SQLITE_ERROR" || typeof errcode !== "number") return cause;
  return (errcode & 0xff) === SQLITE.full ? new HnError("capacity_exceeded", { reason: "disk_full", cause }) : explain(cause);
}

/** A missing folder or a full disk is not a damaged file, and is mended differently. */
function explain(cause: unknown): HnError {
  const code = (cause as { errcode?: unknown }).errcode;
  const primary = typeof code === "number" ? code & 0xff : -1;
  if (primary === SQLITE.full)
    return new HnError("capacity_exceeded", {
      message: "The disk is full, so the database could not be opened.",
      action: "Free some space, then start again.",
      cause,
    });
  if (primary === SQLITE.busy || primary === SQLITE.locked)
    return new HnError("internal_error", {
      message: "Another program holds the database.",
      action: "Stop the other program, then start again.",
      cause,
    });
  if (UNREACHABLE.has(primary))
    return new HnError("internal_error", {
      message: "The database file cannot be opened or written.",
      action: "Check that the data folder exists, belongs to this user and is writable.",
      cause,
    });
  return new HnError("internal_error", { reason: "db_corrupt", cause });
}

function migrate(db: Database, migrations: readonly string[]): void {
  const version = (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
  if (version > migrations.length)
    throw new HnError("internal_error", {
      reason: "db_corrupt",
      message: "The database was written by a newer version of HearthNet.",
      action: "Update HearthNet, or restore the backup from before the update.",
    });
  migrations.slice(version).forEach((script, i) =>
    db.transaction(() => {
      db.exec(script);
      db.exec(`PRAGMA user_version = ${version + i + 1}`);
    }),
  );
}

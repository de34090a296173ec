import type { Database } from "@hearthnet/sdk-plugin";
import { diskFull } from "../refusal.ts";

/** What happens to the database happens wholly or not at all. */
export class Transactions {
  readonly #db: Database;
  #depth = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Survives the end of the process. Whatever is called meanwhile belongs to it.
   * @throws capacity_exceeded reason disk_full
   */
  run<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    try {
      // Two releases may work here side by side: the second one waits for the first.
      this.#db.exec("BEGIN IMMEDIATE");
      this.#depth += 1;
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw isFull(error) ? diskFull(error) : error;
    } finally {
      this.#depth = 0;
    }
  }

  /** Survives the loss of power as well. */
  durably<T>(work: () => T): T {
    this.#db.exec("PRAGMA synchronous = FULL");
    try {
      return this.run(work);
    } finally {
      this.#db.exec("PRAGMA synchronous = NORMAL");
    }
  }
}

const SQLITE_FULL = 13;
const SQLITE_IOERR_WRITE = 778;

/** Of the database or of the file system. */
export function isFull(error: unknown): boolean {
  const { code, errcode } = Object(error) as { code?: unknown; errcode?: unknown };
  return code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG" || errcode === SQLITE_FULL || errcode === SQLITE_IOERR_WRITE;
}

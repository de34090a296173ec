import type { DatabaseSync } from "node:sqlite";
import type { OpenDatabase } from "./data.ts";

const BUSY_MS = 5000;
/** A reader never waits for the writer; what is committed survives the end of the process, and power loss all but the last moments. */
const PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF";

/** Opens or creates a database. `node:sqlite` is there only when the host lets it. */
export const openDatabase: OpenDatabase = (path) => {
  const sqlite = process.getBuiltinModule("node:sqlite") as { DatabaseSync: typeof DatabaseSync } | undefined;
  if (sqlite === undefined) return null;
  const database = new sqlite.DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: true });
  try {
    database.exec(PRAGMAS);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
};

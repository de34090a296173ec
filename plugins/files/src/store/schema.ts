/** The store's tables. What lies on the disk is named by them; what they do not name is swept away. @source 30 §4 */
import type { Database } from "@hearthnet/sdk-plugin";

/** Layout 1. */
export function createTables(db: Database): void {
  // What was written is brought over from the log early, and the log does not stay large.
  db.exec("PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 1048576");
  db.exec(`
    CREATE TABLE IF NOT EXISTS blob(
      id INTEGER PRIMARY KEY,
      -- 64 hex digits: of the id, or of a keyed hash over it when sealed. Random while the id is not known yet.
      name TEXT NOT NULL,
      -- Kept apart, so that nobody learns from what others share whether it lies here as somebody's own.
      private INTEGER NOT NULL,
      sealed INTEGER NOT NULL,
      staged INTEGER NOT NULL,
      complete INTEGER NOT NULL,
      size_bytes INTEGER NOT NULL,
      chunk_count INTEGER NOT NULL,
      visibility TEXT NOT NULL,
      pinned INTEGER NOT NULL,
      owner TEXT,
      client_id TEXT,
      origin TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      last_access INTEGER NOT NULL,
      last_byte_at INTEGER NOT NULL,
      -- JSON of its id and what it is called, encrypted when sealed.
      label BLOB NOT NULL,
      UNIQUE(name, private)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS blob_access ON blob(last_access);
    CREATE INDEX IF NOT EXISTS blob_owner ON blob(owner) WHERE owner IS NOT NULL;
    CREATE TABLE IF NOT EXISTS chunk(
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      sealed INTEGER NOT NULL,
      size_bytes INTEGER NOT NULL,
      held INTEGER NOT NULL,
      refs INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS chunk_unused ON chunk(id) WHERE refs = 0;
    CREATE TABLE IF NOT EXISTS part(
      blob_id INTEGER NOT NULL REFERENCES blob(id) ON DELETE CASCADE,
      i INTEGER NOT NULL,
      chunk_id INTEGER NOT NULL REFERENCES chunk(id),
      -- The blob may use it: whoever brought the blob has brought this, or could have read it here.
      ready INTEGER NOT NULL,
      PRIMARY KEY(blob_id, i)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS part_chunk ON part(chunk_id);
    -- Counted by the database itself, so that no end of the process can leave a wrong count.
    CREATE TRIGGER IF NOT EXISTS part_added AFTER INSERT ON part
      BEGIN UPDATE chunk SET refs = refs + 1 WHERE id = NEW.chunk_id; END;
    CREATE TRIGGER IF NOT EXISTS part_gone AFTER DELETE ON part
      BEGIN UPDATE chunk SET refs = refs - 1 WHERE id = OLD.chunk_id; END;
    CREATE TRIGGER IF NOT EXISTS part_moved AFTER UPDATE OF chunk_id ON part
      BEGIN
        UPDATE chunk SET refs = refs - 1 WHERE id = OLD.chunk_id;
        UPDATE chunk SET refs = refs + 1 WHERE id = NEW.chunk_id;
      END;
    -- Chunks that may lie in the wrong form, plain or encrypted.
    CREATE TABLE IF NOT EXISTS recode(chunk_id INTEGER PRIMARY KEY REFERENCES chunk(id) ON DELETE CASCADE) STRICT;
  `);
}

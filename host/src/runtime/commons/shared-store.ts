/** What the host remembers between lives of plugins: how far their views are, what they have stored, when their schedules fired. */
import type { Position } from "../../contract/index.ts";
import { openDatabase, type Database } from "../../foundation/index.ts";

const MIGRATIONS = [
  `CREATE TABLE checkpoint(
     plugin TEXT NOT NULL, release TEXT NOT NULL, view TEXT NOT NULL, community TEXT NOT NULL,
     lamport INTEGER NOT NULL, event_id TEXT NOT NULL, author TEXT NOT NULL,
     applied INTEGER NOT NULL, digest TEXT NOT NULL, state BLOB NOT NULL,
     PRIMARY KEY(plugin, release, view, lamport, event_id, author)) STRICT;
   CREATE TABLE blob(plugin TEXT NOT NULL, cid TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY(plugin, cid)) STRICT, WITHOUT ROWID;
   CREATE TABLE fired(plugin TEXT NOT NULL, schedule TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(plugin, schedule)) STRICT, WITHOUT ROWID;`,
];

/** State of a view at a place of the log, with what tells whether the log is still the same up to there. */
export interface Checkpoint {
  community: string;
  position: Position;
  /** Events up to there. */
  applied: number;
  digest: string;
  state: Uint8Array;
}

interface ViewKey {
  plugin: string;
  release: string;
  view: string;
}

/** These newest are kept, and beyond them one for each halving of the way back. */
const NEWEST_KEPT = 3;

export class SharedStore {
  readonly #db: Database;

  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
  }

  /** Newest first. */
  checkpoints({ plugin, release, view }: ViewKey): Checkpoint[] {
    const rows = this.#db
      .prepare(
        "SELECT * FROM checkpoint WHERE plugin = ? AND release = ? AND view = ? ORDER BY lamport DESC, event_id DESC, author DESC",
      )
      .all(plugin, release, view) as unknown as (Position & Omit<Checkpoint, "position">)[];
    return rows.map(({ lamport, event_id, author, community, applied, digest, state }) => ({
      community,
      position: { lamport, event_id, author },
      applied,
      digest,
      state,
    }));
  }

  keep(key: ViewKey, { community, position, applied, digest, state }: Checkpoint): void {
    const { lamport, event_id, author } = position;
    this.#db.transaction(() => {
      this.#db
        .prepare("INSERT OR REPLACE INTO checkpoint VALUES(?,?,?,?,?,?,?,?,?,?)")
        .run(key.plugin, key.release, key.view, community, lamport, event_id, author, applied, digest, state);
      let kept = Number.POSITIVE_INFINITY;
      for (const [index, older] of this.checkpoints(key).entries()) {
        if (index >= NEWEST_KEPT && older.applied * 2 > kept) this.drop(key, older);
        else kept = older.applied;
      }
    });
  }

  drop({ plugin, release, view }: ViewKey, { position: { lamport, event_id, author } }: Checkpoint): void {
    this.#db
      .prepare(
        "DELETE FROM checkpoint WHERE plugin = ? AND release = ? AND view = ? AND lamport = ? AND event_id = ? AND author = ?",
      )
      .run(plugin, release, view, lamport, event_id, author);
  }

  /** Of releases that nobody can come back to. */
  keepReleases(plugin: string, releases: readonly string[]): void {
    this.#db
      .prepare("DELETE FROM checkpoint WHERE plugin = ? AND release NOT IN (SELECT value FROM json_each(?))")
      .run(plugin, JSON.stringify(releases));
  }

  /** Bytes that a plugin has put into the file store. */
  blobBytes(plugin: string): number {
    const row = this.#db.prepare("SELECT coalesce(sum(size), 0) AS used FROM blob WHERE plugin = ?").get(plugin);
    return (row as { used: number }).used;
  }

  noteBlob(plugin: string, { cid, size }: { cid: string; size: number }): void {
    this.#db.prepare("INSERT OR IGNORE INTO blob VALUES(?,?,?)").run(plugin, cid, size);
  }

  /** Unix milliseconds; null when it never has. */
  lastFired(plugin: string, schedule: string): number | null {
    const row = this.#db.prepare("SELECT at FROM fired WHERE plugin = ? AND schedule = ?").get(plugin, schedule);
    return (row as { at: number } | undefined)?.at ?? null;
  }

  noteFired(plugin: string, schedule: string, at: number): void {
    this.#db.prepare("INSERT OR REPLACE INTO fired VALUES(?,?,?)").run(plugin, schedule, Math.floor(at));
  }

  forget(plugin: string): void {
    this.#db.transaction(() => {
      for (const table of ["checkpoint", "blob", "fired"]) this.#db.prepare(`DELETE FROM ${table} WHERE plugin = ?`).run(plugin);
    });
  }

  close(): void {
    this.#db.close();
  }
}

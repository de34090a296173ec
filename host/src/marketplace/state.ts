import { type Database, openDatabase } from "../foundation/index.ts";

const MIGRATIONS = [
  `CREATE TABLE registry(id TEXT PRIMARY KEY, anchor TEXT NOT NULL, folder TEXT NOT NULL, refreshed INTEGER NOT NULL) STRICT;
   CREATE TABLE floor(registry TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(registry, role)) STRICT;
   CREATE TABLE seen(plugin TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT;
   CREATE TABLE import(plugin TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY(plugin, version)) STRICT;`,
];

export interface RegistryRow {
  /** SHA-256 of the root file that is trusted. */
  anchor: string;
  /** Name of the folder with the last verified metadata. */
  folder: string;
  /** Unix milliseconds of the last verified refresh. */
  refreshed: number;
}

/** What must not be forgotten: floors that never fall, where verified metadata lies. @source marketplace §5.3 */
export class MarketplaceState {
  readonly #db: Database;

  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS });
  }

  registry(id: string): RegistryRow | undefined {
    return this.#db.prepare("SELECT anchor, folder, refreshed FROM registry WHERE id = ?").get(id) as RegistryRow | undefined;
  }

  /** The new state and its floors, all or nothing. */
  setRegistry(id: string, row: RegistryRow, versions: ReadonlyMap<string, number>): void {
    this.#db.transaction(() => {
      this.#db.prepare("INSERT OR REPLACE INTO registry VALUES(?, ?, ?, ?)").run(id, row.anchor, row.folder, row.refreshed);
      const raise = this.#db.prepare(
        "INSERT INTO floor VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
      );
      for (const [role, version] of versions) raise.run(id, role, version);
    });
  }

  /** Metadata is read anew; the floors stay. */
  dropMetadata(id: string): void {
    this.#db.prepare("DELETE FROM registry WHERE id = ?").run(id);
  }

  /** Another root of a development registry is another registry: what was learned about the former one does not bind it. */
  forgetRegistry(id: string): void {
    this.#db.transaction(() => {
      this.#db.prepare("DELETE FROM floor WHERE registry = ?").run(id);
      this.#db.prepare("DELETE FROM registry WHERE id = ?").run(id);
    });
  }

  floor(registry: string, role: string): number {
    const row = this.#db.prepare("SELECT version FROM floor WHERE registry = ? AND role = ?").get(registry, role) as
      { version: number } | undefined;
    return row?.version ?? 0;
  }

  /** Highest version of a plugin that was ever installed here. */
  highestSeen(plugin: string): string | undefined {
    return (this.#db.prepare("SELECT version FROM seen WHERE plugin = ?").get(plugin) as { version: string } | undefined)
      ?.version;
  }

  setHighestSeen(plugin: string, version: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO seen VALUES(?, ?)").run(plugin, version);
  }

  imported(plugin: string): { version: string; sha256: string }[] {
    return this.#db.prepare("SELECT version, sha256 FROM import WHERE plugin = ?").all(plugin) as {
      version: string;
      sha256: string;
    }[];
  }

  addImport(plugin: string, version: string, sha256: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO import VALUES(?, ?, ?)").run(plugin, version, sha256);
  }

  importedHashes(): Set<string> {
    return new Set((this.#db.prepare("SELECT sha256 FROM import").all() as { sha256: string }[]).map(({ sha256 }) => sha256));
  }

  close(): void {
    this.#db.close();
  }
}

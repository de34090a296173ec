import { type Database, openDatabase } from "../foundation/index.ts";

const MIGRATIONS = [
  `CREATE TABLE registry(id TEXT PRIMARY KEY, anchor TEXT NOT NULL, folder TEXT NOT NULL, refreshed INTEGER NOT NULL) STRICT;
   CREATE TABLE floor(registry TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(registry, role)) STRICT;
   CREATE TABLE seen(plugin TEXT PRIMARY KEY, version TEXT NOT NULL) STRICT;
   CREATE TABLE import(plugin TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY(plugin, version)) STRICT;`,
  // Metadata moves from files into the same transaction as the floors that it raises.
  `DROP TABLE registry;
   CREATE TABLE registry(id TEXT PRIMARY KEY, anchor TEXT NOT NULL, refreshed INTEGER NOT NULL) STRICT;
   CREATE TABLE metadata(registry TEXT NOT NULL, name TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(registry, name)) STRICT;
   CREATE TABLE online(registry TEXT PRIMARY KEY, keys TEXT NOT NULL) STRICT;
   CREATE TABLE listing(sha256 TEXT PRIMARY KEY, files_sha256 TEXT NOT NULL) STRICT;
   DROP TABLE import;
   CREATE TABLE import(plugin TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(plugin, version)) STRICT;`,
  // Every root that was verified: a neighbour begins with the one that it was given.
  `CREATE TABLE root(registry TEXT NOT NULL, version INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(registry, version)) STRICT;`,
];

export interface RegistryRow {
  /** SHA-256 of the root file that is trusted. */
  anchor: string;
  /** Unix milliseconds of the last verified refresh. */
  refreshed: number;
}

/** One verified state of a registry: what is kept of it and the floors that it sets. */
export interface Verified extends RegistryRow {
  /** Role, or `blob:` and a hash, and its bytes; replaces what was kept before. */
  metadata: ReadonlyMap<string, Uint8Array>;
  /** Role → version. */
  versions: ReadonlyMap<string, number>;
  /** Who signs snapshot and timestamp. */
  online: string;
}

/** What must not be forgotten: floors that never fall, metadata as last verified. @source marketplace §5.3 */
export class MarketplaceState {
  readonly #db: Database;

  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS, synchronous: "FULL" });
  }

  registry(id: string): RegistryRow | undefined {
    return this.#db.prepare("SELECT anchor, refreshed FROM registry WHERE id = ?").get(id) as RegistryRow | undefined;
  }

  metadata(id: string): Map<string, Uint8Array> {
    const rows = this.#db.prepare("SELECT name, bytes FROM metadata WHERE registry = ?").all(id) as {
      name: string;
      bytes: Uint8Array;
    }[];
    return new Map(rows.map(({ name, bytes }) => [name, bytes]));
  }

  /** One part of what is kept of a registry. */
  part(id: string, name: string): Uint8Array | undefined {
    const row = this.#db.prepare("SELECT bytes FROM metadata WHERE registry = ? AND name = ?").get(id, name);
    return (row as { bytes: Uint8Array } | undefined)?.bytes;
  }

  /** A small signed file, whichever registry names it. */
  blob(sha256: string): Uint8Array | undefined {
    const row = this.#db.prepare("SELECT bytes FROM metadata WHERE name = ?").get(`blob:${sha256}`);
    return (row as { bytes: Uint8Array } | undefined)?.bytes;
  }

  root(id: string, version: number): Uint8Array | undefined {
    const row = this.#db.prepare("SELECT bytes FROM root WHERE registry = ? AND version = ?").get(id, version);
    return (row as { bytes: Uint8Array } | undefined)?.bytes;
  }

  keepRoot(id: string, root: { version: number; bytes: Uint8Array }): void {
    this.#db.prepare("INSERT OR REPLACE INTO root VALUES(?, ?, ?)").run(id, root.version, root.bytes);
  }

  /**
   * The new state and its floors, all or nothing. Other online keys start new floors: numbers that only the former ones have signed bind nobody,
   * or a thief could count so far ahead that the registry's keeper never catches up. The root's own floor stays.
   * @source TUF 1.0 §5.3.11
   */
  setRegistry(id: string, verified: Verified): void {
    this.#db.transaction(() => {
      if (this.online(id) !== verified.online)
        this.#db.prepare("DELETE FROM floor WHERE registry = ? AND role <> 'root'").run(id);
      this.#db.prepare("INSERT OR REPLACE INTO online VALUES(?, ?)").run(id, verified.online);
      this.#db.prepare("INSERT OR REPLACE INTO registry VALUES(?, ?, ?)").run(id, verified.anchor, verified.refreshed);
      const raise = this.#db.prepare(
        "INSERT INTO floor VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET version = max(version, excluded.version)",
      );
      for (const [role, version] of verified.versions) raise.run(id, role, version);
      this.#db.prepare("DELETE FROM metadata WHERE registry = ?").run(id);
      for (const [name, bytes] of verified.metadata) this.keep(id, name, bytes);
    });
  }

  /** One more part of the state that is kept already. */
  keep(id: string, name: string, bytes: Uint8Array): void {
    this.#db.prepare("INSERT OR REPLACE INTO metadata VALUES(?, ?, ?)").run(id, name, bytes);
  }

  /** Metadata is read anew; the floors stay. */
  dropMetadata(id: string): void {
    this.#db.transaction(() => {
      this.#db.prepare("DELETE FROM registry WHERE id = ?").run(id);
      this.#db.prepare("DELETE FROM metadata WHERE registry = ?").run(id);
      this.#db.prepare("DELETE FROM root WHERE registry = ?").run(id);
    });
  }

  /** Another root of a development registry is another registry: what was learned about the former one does not bind it. */
  forgetRegistry(id: string): void {
    this.#db.transaction(() => {
      this.#db.prepare("DELETE FROM floor WHERE registry = ?").run(id);
      this.#db.prepare("DELETE FROM online WHERE registry = ?").run(id);
      this.dropMetadata(id);
    });
  }

  /** Who signed snapshot and timestamp when floors were last raised. */
  online(registry: string): string | undefined {
    return (this.#db.prepare("SELECT keys FROM online WHERE registry = ?").get(registry) as { keys: string } | undefined)?.keys;
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

  /** SHA-256 of the list of files that the publisher signed, of an unpacked package. */
  listing(sha256: string): string | undefined {
    const row = this.#db.prepare("SELECT files_sha256 FROM listing WHERE sha256 = ?").get(sha256);
    return (row as { files_sha256: string } | undefined)?.files_sha256;
  }

  setListing(sha256: string, filesSha256: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO listing VALUES(?, ?)").run(sha256, filesSha256);
  }

  keepListings(used: ReadonlySet<string>): void {
    const rows = this.#db.prepare("SELECT sha256 FROM listing").all() as { sha256: string }[];
    for (const { sha256 } of rows) if (!used.has(sha256)) this.#db.prepare("DELETE FROM listing WHERE sha256 = ?").run(sha256);
  }

  imported(plugin: string): { version: string; sha256: string }[] {
    return this.#db.prepare("SELECT version, sha256 FROM import WHERE plugin = ?").all(plugin) as {
      version: string;
      sha256: string;
    }[];
  }

  /** @param o.at  Unix milliseconds */
  addImport(o: { plugin: string; version: string; sha256: string; at: number }): void {
    this.#db.prepare("INSERT OR REPLACE INTO import VALUES(?, ?, ?, ?)").run(o.plugin, o.version, o.sha256, Math.floor(o.at));
  }

  dropImport(sha256: string): void {
    this.#db.prepare("DELETE FROM import WHERE sha256 = ?").run(sha256);
  }

  /** Archives that came as files and still wait to be installed; those that came before `since` are forgotten. */
  waitingImports(since: number): Set<string> {
    this.#db.prepare("DELETE FROM import WHERE at < ?").run(Math.floor(since));
    return new Set((this.#db.prepare("SELECT sha256 FROM import").all() as { sha256: string }[]).map(({ sha256 }) => sha256));
  }

  close(): void {
    this.#db.close();
  }
}

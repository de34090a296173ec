import { Refusal } from "@hearthnet/host/command-line";
import {
  blobKey,
  indexTarget,
  metadataKey,
  namespaceRole,
  PROFILE_FIELD,
  readPackage,
  REVOCATIONS_TARGET,
  sha256Hex,
  writeIndexShard,
  writeRevocations,
  type IndexRow,
  type RevocationEntry,
} from "@hearthnet/host/format";
import { MetaFile, TargetFile, type Key, type Metadata, type Targets } from "@tufjs/models";
import { FolderStore } from "../storage/folder.ts";
import { keysNeeded, ROLES, type KeyFolder, type RoleName } from "../storage/key-folder.ts";
import type { RoleKey } from "../storage/keys.ts";
import { nothingPublished, readPublished, ROOT_FILE, type Published } from "./published.ts";
import {
  buildFiles,
  buildRoot,
  buildSnapshot,
  buildTimestamp,
  signWith,
  topHolders,
  type Holders,
  type Namespace,
} from "./roles.ts";
import { Signing, type AnyRole } from "./signing.ts";

const ONLINE = ["index", "revocations", "snapshot", "timestamp"] as const;
/** Readers that began before the last change have this long to end. */
const SWEEP_AFTER_MS = 3_600_000;

export interface RepositoryOptions {
  folder: string;
  keys: KeyFolder;
  /** Unix milliseconds. */
  now: number;
  /** Versions rise with the clock, so that a repository made anew on the same machine is no rollback to its nodes. */
  development: boolean;
}

/**
 * A TUF repository in a folder, which any file server can offer. Changes are collected and then written in one order: blobs, roles, snapshot,
 * timestamp; whoever reads meanwhile, or after a crash in between, sees the old state or the new one.
 * @source marketplace §3
 */
export class Repository {
  readonly #o: RepositoryOptions;
  readonly #store: FolderStore;
  readonly #is: Published;
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #changed = new Set<string>();
  readonly #signing: Signing;

  private constructor(options: RepositoryOptions, store: FolderStore, published: Published) {
    this.#o = options;
    this.#store = store;
    this.#is = published;
    this.#signing = new Signing(published, options);
  }

  /** @throws Refusal no_registry | key_foreign: other keys would make another registry out of this one */
  static open(options: RepositoryOptions): Repository {
    const store = new FolderStore(options.folder);
    const published = readPublished(store);
    if (published === null)
      throw new Refusal(`There is no registry in ${options.folder}.`, {
        reason: "no_registry",
        action: "Name its folder with --out, or make one with `hearthnet registry init --out DIR`.",
      });
    const isDevelopment = published.root.signed.unrecognizedFields[PROFILE_FIELD] === "development";
    const repository = new Repository({ ...options, development: isDevelopment }, store, published);
    const foreign = ONLINE.find((role) => !repository.#signing.holds(role));
    if (foreign !== undefined)
      throw new Refusal(`The key of the role ${foreign} in ${options.keys.path} does not belong to this registry.`, {
        reason: "key_foreign",
        action: "Name the folder with the keys that were made together with the registry: --keys DIR.",
      });
    return repository;
  }

  /** Opens what is there, or makes it. A development registry of former keys is replaced: nothing that they signed is worth anything. */
  static create(options: RepositoryOptions): Repository {
    const store = new FolderStore(options.folder);
    const published = readPublished(store);
    if (published !== null && (!options.development || ownsAll(published, options))) return Repository.open(options);
    if (published !== null) store.delete("tuf");
    const holders = (role: RoleName): Holders => ({
      keys: options.keys.of(role).map(({ tuf }) => tuf),
      threshold: keysNeeded(role, options.development).threshold,
    });
    const { now, development } = options;
    const root = buildRoot({
      holders: topHolders(holders),
      version: 1,
      now,
      development,
    });
    signWith(root, options.keys.of("root"));
    return new Repository(options, store, nothingPublished(root));
  }

  get namespaces(): readonly Namespace[] {
    return this.#is.namespaces;
  }

  get rows(): readonly IndexRow[] {
    return this.#is.rows;
  }

  packages(namespace: string): readonly TargetFile[] {
    return this.#is.packages.get(namespace) ?? [];
  }

  claim(name: string, keys: Key[]): void {
    const known = this.#is.namespaces.find((namespace) => namespace.name === name);
    if (known !== undefined && known.keys.map(({ keyID }) => keyID).join() === keys.map(({ keyID }) => keyID).join()) return;
    this.#is.namespaces = [
      ...this.#is.namespaces.filter((namespace) => namespace !== known),
      { name, role: namespaceRole(name), keys },
    ];
    if (known === undefined) this.#is.packages.set(name, []);
    this.#changed.add("claimed");
  }

  putBlob(bytes: Uint8Array): string {
    const sha256 = sha256Hex(bytes);
    this.#blobs.set(blobKey(sha256), bytes);
    return sha256;
  }

  /** Copies a large file in at once: nothing names it before the next commit. @returns its SHA-256, hex */
  putFile(path: string): string {
    return this.#store.putFile(path, blobKey);
  }

  hasBlob(sha256: string): boolean {
    return this.#blobs.has(blobKey(sha256)) || this.#store.has(blobKey(sha256));
  }

  blob(sha256: string): Uint8Array | null {
    return this.#blobs.get(blobKey(sha256)) ?? this.#store.get(blobKey(sha256));
  }

  /** Adds or replaces one package of a namespace. */
  putPackage(namespace: string, o: { path: string; bytes: Uint8Array; custom: object }): void {
    const target = new TargetFile({
      path: o.path,
      length: o.bytes.byteLength,
      hashes: { sha256: this.putBlob(o.bytes) },
      unrecognizedFields: { custom: JSON.parse(JSON.stringify(o.custom)) as never },
    });
    this.setPackages(namespace, [...this.packages(namespace).filter(({ path }) => path !== o.path), target]);
  }

  setPackages(namespace: string, targets: readonly TargetFile[]): void {
    this.#is.packages.set(
      namespace,
      [...targets].sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
    this.#changed.add(namespaceRole(namespace));
  }

  putRow(row: IndexRow): void {
    this.#is.rows = [...this.#is.rows.filter(({ id }) => id !== row.id), row];
  }

  removeRow(id: string): void {
    this.#is.rows = this.#is.rows.filter((row) => row.id !== id);
  }

  revoke(entry: RevocationEntry): void {
    const { seq, entries } = this.#is.revocations;
    this.#is.revocations = { seq: seq + 1, entries: [...entries, entry] };
  }

  /**
   * Signs what has changed and what ends soon, and writes it. Keys that are kept elsewhere are missed only when their role has changed.
   * @param publishers  namespace → its key; a namespace without one keeps what its publisher signed
   * @param step  called before each write, for tests that stop in between
   * @returns what its keeper should know: roles that end soon and whose keys do not lie here
   * @throws Refusal key_missing | signer_missing | signer_foreign; nothing was written then
   */
  commit(publishers: ReadonlyMap<string, RoleKey> = new Map(), step: (name: string) => void = () => {}): string[] {
    const { keys } = this.#o;
    const root = this.#signing.root();
    const roles: [name: string, metadata: Metadata<Targets>][] = [
      ...this.#signing.offline(this.#changed),
      ...this.#signing.lists(this.#changed, publishers),
      ...this.#online(),
    ];
    for (const [key, bytes] of this.#blobs) {
      if (this.#store.has(key)) continue;
      step(key);
      this.#store.put(key, bytes);
    }
    step("root");
    if (!this.#store.has(metadataKey("root", root.signed.version))) this.#write(metadataKey("root", root.signed.version), root);
    this.#write(ROOT_FILE, root);
    const meta = new Map(this.#is.meta);
    for (const [name, metadata] of roles) {
      step(name);
      meta.set(name, this.#write(metadataKey(name, metadata.signed.version), metadata));
    }
    const snapshot = buildSnapshot({ meta, ...this.#signing.stamp(this.#is.snapshotVersion) });
    signWith(snapshot, keys.of("snapshot"));
    step("snapshot");
    const snapshotFile = this.#write(metadataKey("snapshot", snapshot.signed.version), snapshot);
    const timestamp = buildTimestamp({ snapshot: snapshotFile, ...this.#signing.stamp(this.#is.timestampVersion) });
    signWith(timestamp, keys.of("timestamp"));
    step("timestamp");
    this.#write(metadataKey("timestamp", null), timestamp);
    Object.assign(this.#is, { root, meta, snapshotVersion: snapshot.signed.version, timestampVersion: timestamp.signed.version });
    this.#blobs.clear();
    this.#changed.clear();
    return this.#signing.notes.splice(0);
  }

  /** Deletes what the present state does not name, once readers of the former one must have ended. */
  async sweep(): Promise<void> {
    const kept = new Set([metadataKey("timestamp", null), metadataKey("snapshot", this.#is.snapshotVersion)]);
    for (const [role, { version }] of this.#is.meta) kept.add(metadataKey(role, version));
    for (const sha256 of await this.#namedBlobs()) kept.add(blobKey(sha256));
    for (const folder of ["tuf", "blobs", "tmp"])
      for (const { key, changed } of this.#store.list(folder))
        if (!kept.has(key) && !key.endsWith(".root.json") && this.#o.now - changed > SWEEP_AFTER_MS) this.#store.delete(key);
  }

  async #namedBlobs(): Promise<string[]> {
    const named = [
      sha256Hex(writeRevocations(this.#is.revocations)),
      ...this.#indexShards().map(([, bytes]) => sha256Hex(bytes)),
    ];
    for (const target of [...this.#is.packages.values()].flat()) {
      const sha256 = target.hashes["sha256"] ?? "";
      const bytes = this.blob(sha256);
      named.push(sha256);
      if (bytes === null) continue;
      const { manifest } = await readPackage(bytes);
      named.push(...(manifest.assets ?? []).flatMap(({ files }) => files.map((file) => file.sha256)));
    }
    return named;
  }

  #online(): [string, Metadata<Targets>][] {
    const target = (path: string, bytes: Uint8Array): TargetFile =>
      new TargetFile({ path, length: bytes.byteLength, hashes: { sha256: this.putBlob(bytes) } });
    const index = this.#indexShards().map(([path, bytes]) => target(path, bytes));
    const revocations = [target(REVOCATIONS_TARGET, writeRevocations(this.#is.revocations))];
    return ([["index", index] as const, ["revocations", revocations] as const] as const).map(([role, targets]) => {
      const metadata = buildFiles(role, { targets, ...this.#signing.stampOf(role) });
      signWith(metadata, this.#signing.authorised(role));
      return [role, metadata];
    });
  }

  #indexShards(): [path: string, bytes: Uint8Array][] {
    const shards = Map.groupBy(this.#is.rows, ({ id }) => indexTarget(id));
    return [...shards].map(([path, rows]) => [path, writeIndexShard(rows)]);
  }

  #write(key: string, metadata: AnyRole): MetaFile {
    const bytes = Buffer.from(JSON.stringify(metadata.toJSON()));
    this.#store.put(key, bytes);
    return new MetaFile({ version: metadata.signed.version, length: bytes.byteLength, hashes: { sha256: sha256Hex(bytes) } });
  }
}

/** A key of every role lies here, and the profile is the wanted one. */
function ownsAll({ root, targets }: Published, { keys, development }: RepositoryOptions): boolean {
  const profile = root.signed.unrecognizedFields[PROFILE_FIELD];
  const roles = { ...targets?.signed.delegations?.roles, ...root.signed.roles };
  return (
    profile === (development ? "development" : undefined) &&
    ROLES.every((role) => roles[role] === undefined || keys.of(role).some(({ keyId }) => roles[role]?.keyIDs.includes(keyId)))
  );
}

import { createHash } from "node:crypto";
import {
  blobKey,
  indexTarget,
  metadataKey,
  namespaceRole,
  PROFILE_FIELD,
  readIndexShard,
  REGISTRY_ROLES,
  REVOCATIONS_TARGET,
  writeIndexShard,
  writeRevocations,
  type IndexRow,
  type RevocationList,
} from "@hearthnet/host/format";
import {
  Metadata,
  MetadataKind,
  TargetFile,
  type Key,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from "@tufjs/models";
import { FolderStore } from "../storage/folder.ts";
import type { RoleKey } from "../storage/keys.ts";
import { buildClaimed, buildFiles, buildRoot, buildSnapshot, buildTargets, buildTimestamp, type Namespace } from "./roles.ts";

export const ROOT_FILE = "root.json";
const TOP = ["root", "targets", "snapshot", "timestamp"] as const;

/** Keys of the roles that this machine signs for; a publisher's are per namespace. */
export type RegistryKeys = Record<(typeof TOP)[number] | "revocations" | "index" | "claimed", RoleKey>;

export interface RepositoryOptions {
  folder: string;
  keys: RegistryKeys;
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
  readonly #versions = new Map<string, number>();
  #root: Metadata<Root>;
  #namespaces: Namespace[] = [];
  readonly #packages = new Map<string, TargetFile[]>();
  #rows: IndexRow[] = [];
  #revocations: RevocationList = { seq: 0, entries: [] };
  readonly #blobs = new Map<string, Uint8Array>();
  #timestampVersion = 0;
  #snapshotVersion = 0;

  constructor(options: RepositoryOptions) {
    this.#o = options;
    this.#store = new FolderStore(options.folder);
    this.#root = this.#openRoot();
    this.#load();
  }

  get namespaces(): readonly Namespace[] {
    return this.#namespaces;
  }

  get rows(): readonly IndexRow[] {
    return this.#rows;
  }

  packages(namespace: string): readonly TargetFile[] {
    return this.#packages.get(namespace) ?? [];
  }

  claim(name: string, keys: Key[]): void {
    this.#namespaces = [...this.#namespaces.filter((known) => known.name !== name), { name, role: namespaceRole(name), keys }];
    if (!this.#packages.has(name)) this.#packages.set(name, []);
  }

  putBlob(bytes: Uint8Array): string {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    this.#blobs.set(blobKey(sha256), bytes);
    return sha256;
  }

  /** Adds or replaces one package of a namespace. */
  putPackage(namespace: string, o: { path: string; bytes: Uint8Array; custom: object }): void {
    const sha256 = this.putBlob(o.bytes);
    const target = new TargetFile({
      path: o.path,
      length: o.bytes.byteLength,
      hashes: { sha256 },
      unrecognizedFields: { custom: JSON.parse(JSON.stringify(o.custom)) as never },
    });
    this.setPackages(namespace, [...this.packages(namespace).filter(({ path }) => path !== o.path), target]);
  }

  setPackages(namespace: string, targets: readonly TargetFile[]): void {
    this.#packages.set(
      namespace,
      [...targets].sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
  }

  putRow(row: IndexRow): void {
    this.#rows = [...this.#rows.filter(({ id }) => id !== row.id), row];
  }

  removeRow(id: string): void {
    this.#rows = this.#rows.filter((row) => row.id !== id);
  }

  revoke(entry: RevocationList["entries"][number]): void {
    this.#revocations = { seq: this.#revocations.seq + 1, entries: [...this.#revocations.entries, entry] };
  }

  /**
   * Signs everything anew and writes it.
   * @param publishers  namespace → its key; a namespace without one keeps what its publisher signed
   * @param step  called before each write, for tests that stop in between
   */
  commit(publishers: ReadonlyMap<string, RoleKey>, step: (name: string) => void = () => {}): void {
    const { keys, now } = this.#o;
    const stamp = (role: string): { version: number; now: number } => ({
      version: this.#next(this.#versions.get(role) ?? 0),
      now,
    });
    const roles: [name: string, metadata: Metadata<Targets>, key: RoleKey][] = [
      ["targets", buildTargets({ keys, ...stamp("targets") }), keys.targets],
      [REGISTRY_ROLES.claimed, buildClaimed({ namespaces: this.#namespaces, ...stamp(REGISTRY_ROLES.claimed) }), keys.claimed],
      [REGISTRY_ROLES.index, buildFiles("index", { targets: this.#indexTargets(), ...stamp(REGISTRY_ROLES.index) }), keys.index],
      [
        REGISTRY_ROLES.revocations,
        buildFiles("revocations", {
          targets: [this.#blobTarget(REVOCATIONS_TARGET, writeRevocations(this.#revocations))],
          ...stamp(REGISTRY_ROLES.revocations),
        }),
        keys.revocations,
      ],
    ];
    for (const { name, role } of this.#namespaces) {
      const key = publishers.get(name);
      if (key !== undefined) roles.push([role, buildFiles(role, { targets: this.packages(name), ...stamp(role) }), key]);
    }
    for (const [key, bytes] of this.#blobs) {
      step(key);
      this.#store.putBlob(key, bytes);
    }
    step("root");
    this.#writeRoot();
    for (const [name, metadata, key] of roles) {
      metadata.sign((bytes) => key.sign(bytes));
      step(name);
      this.#write(metadataKey(name, metadata.signed.version), metadata);
      this.#versions.set(name, metadata.signed.version);
    }
    const snapshot = buildSnapshot({
      versions: Object.fromEntries(this.#versions),
      version: this.#next(this.#snapshotVersion),
      now,
    });
    snapshot.sign((bytes) => keys.snapshot.sign(bytes));
    step("snapshot");
    this.#write(metadataKey("snapshot", snapshot.signed.version), snapshot);
    const timestamp = buildTimestamp({ snapshot: snapshot.signed.version, version: this.#next(this.#timestampVersion), now });
    timestamp.sign((bytes) => keys.timestamp.sign(bytes));
    step("timestamp");
    this.#write(metadataKey("timestamp", null), timestamp);
    this.#snapshotVersion = snapshot.signed.version;
    this.#timestampVersion = timestamp.signed.version;
    this.#blobs.clear();
  }

  /** Deletes metadata and blobs that the present state does not name. A keeper with readers in between waits for them first. */
  sweep(): void {
    const kept = new Set([
      metadataKey("timestamp", null),
      metadataKey("snapshot", this.#snapshotVersion),
      metadataKey("root", this.#root.signed.version),
      ...[...this.#versions].map(([role, version]) => metadataKey(role, version)),
    ]);
    for (const name of this.#store.list("tuf"))
      if (!kept.has(`tuf/${name}`) && !/^\d+\.root\.json$/.test(name)) this.#store.delete(`tuf/${name}`);
  }

  #next(previous: number): number {
    return this.#o.development ? Math.max(previous + 1, Math.floor(this.#o.now / 1000)) : previous + 1;
  }

  #openRoot(): Metadata<Root> {
    const { keys, now, development } = this.#o;
    const bytes = this.#store.get(ROOT_FILE);
    if (bytes !== null) {
      const known = Metadata.fromJSON(MetadataKind.Root, JSON.parse(bytes.toString("utf8")) as never);
      const sameKeys = TOP.every((role) => known.signed.roles[role]?.keyIDs.includes(keys[role].keyId));
      if (sameKeys && known.signed.unrecognizedFields[PROFILE_FIELD] === (development ? "development" : undefined)) return known;
      // Other keys make another registry; what the former ones signed is worth nothing any more.
      this.#store.delete("tuf");
    }
    const root = buildRoot({ keys, development, version: 1, now });
    root.sign((data) => keys.root.sign(data));
    return root;
  }

  /** A root near its end is followed by the next one, which the same key signs. */
  #writeRoot(): void {
    const { keys, now, development } = this.#o;
    const left = Date.parse(this.#root.signed.expires) - now;
    if (left < 30 * 86_400_000) {
      this.#root = buildRoot({ keys, development, version: this.#root.signed.version + 1, now });
      this.#root.sign((data) => keys.root.sign(data));
    }
    this.#write(metadataKey("root", this.#root.signed.version), this.#root);
    this.#write(ROOT_FILE, this.#root);
  }

  #load(): void {
    const timestamp = this.#read(metadataKey("timestamp", null), MetadataKind.Timestamp) as Metadata<Timestamp> | null;
    if (timestamp === null) return;
    this.#timestampVersion = timestamp.signed.version;
    this.#snapshotVersion = timestamp.signed.snapshotMeta.version;
    const snapshot = this.#read(metadataKey("snapshot", this.#snapshotVersion), MetadataKind.Snapshot) as Metadata<Snapshot>;
    for (const [file, { version }] of Object.entries(snapshot.signed.meta))
      this.#versions.set(file.replace(/\.json$/, ""), version);
    const claimed = this.#role(REGISTRY_ROLES.claimed)?.signed.delegations;
    for (const { name: role, keyIDs, paths } of Object.values(claimed?.roles ?? {})) {
      const name = (paths?.[0] ?? "").split("/")[0] ?? "";
      this.#namespaces.push({ name, role, keys: keyIDs.flatMap((id) => claimed?.keys[id] ?? []) });
      this.#packages.set(name, Object.values(this.#role(role)?.signed.targets ?? {}));
    }
    for (const target of Object.values(this.#role(REGISTRY_ROLES.index)?.signed.targets ?? {})) {
      const bytes = this.#store.get(blobKey(target.hashes["sha256"] ?? ""));
      if (bytes !== null) this.#rows.push(...readIndexShard(bytes));
    }
    const list = this.#role(REGISTRY_ROLES.revocations)?.signed.targets[REVOCATIONS_TARGET];
    const bytes = list === undefined ? null : this.#store.get(blobKey(list.hashes["sha256"] ?? ""));
    if (bytes !== null) this.#revocations = JSON.parse(bytes.toString("utf8")) as RevocationList;
  }

  #role(name: string): Metadata<Targets> | null {
    const version = this.#versions.get(name);
    return version === undefined
      ? null
      : (this.#read(metadataKey(name, version), MetadataKind.Targets) as Metadata<Targets> | null);
  }

  #indexTargets(): TargetFile[] {
    const shards = Map.groupBy(this.#rows, ({ id }) => indexTarget(id));
    return [...shards].map(([path, rows]) => this.#blobTarget(path, writeIndexShard(rows)));
  }

  #blobTarget(path: string, bytes: Uint8Array): TargetFile {
    return new TargetFile({ path, length: bytes.byteLength, hashes: { sha256: this.putBlob(bytes) } });
  }

  #read(key: string, kind: MetadataKind): Metadata<Root | Targets | Snapshot | Timestamp> | null {
    const bytes = this.#store.get(key);
    return bytes === null ? null : Metadata.fromJSON(kind as MetadataKind.Targets, JSON.parse(bytes.toString("utf8")) as never);
  }

  #write(key: string, metadata: Metadata<Root | Targets | Snapshot | Timestamp>): void {
    this.#store.put(key, Buffer.from(JSON.stringify(metadata.toJSON())));
  }
}

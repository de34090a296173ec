/** What a registry's folder says at present, read back. */
import {
  blobKey,
  metadataKey,
  readIndexShard,
  readRevocations,
  REVOCATIONS_TARGET,
  type IndexRow,
  type RevocationList,
} from "@hearthnet/host/format";
import { Metadata, MetadataKind, type MetaFile, type Root, type TargetFile, type Targets } from "@tufjs/models";
import type { FolderStore } from "../storage/folder.ts";
import type { Namespace } from "./roles.ts";

export const ROOT_FILE = "root.json";

export interface Published {
  root: Metadata<Root>;
  targets: Metadata<Targets> | null;
  claimed: Metadata<Targets> | null;
  namespaces: Namespace[];
  /** Namespace → its packages. */
  packages: Map<string, readonly TargetFile[]>;
  /** Namespace → when its publisher's list ends. */
  lists: Map<string, Metadata<Targets>>;
  rows: IndexRow[];
  revocations: RevocationList;
  /** Role → version, length and hash of its file, as the snapshot says. */
  meta: Map<string, MetaFile>;
  timestampVersion: number;
  snapshotVersion: number;
}

/** A registry that has its root and nothing else. */
export function nothingPublished(root: Metadata<Root>): Published {
  return {
    root,
    targets: null,
    claimed: null,
    namespaces: [],
    packages: new Map(),
    lists: new Map(),
    rows: [],
    revocations: { seq: 0, entries: [] },
    meta: new Map(),
    timestampVersion: 0,
    snapshotVersion: 0,
  };
}

/** @returns null when there is no registry */
export function readPublished(store: FolderStore): Published | null {
  const bytes = store.get(ROOT_FILE);
  if (bytes === null) return null;
  const published = nothingPublished(Metadata.fromJSON(MetadataKind.Root, parse(bytes)));
  const timestamp = store.get(metadataKey("timestamp", null));
  if (timestamp === null) return published;
  const { signed } = Metadata.fromJSON(MetadataKind.Timestamp, parse(timestamp));
  published.timestampVersion = signed.version;
  published.snapshotVersion = signed.snapshotMeta.version;
  const snapshot = Metadata.fromJSON(MetadataKind.Snapshot, parse(must(store, "snapshot", published.snapshotVersion)));
  for (const [file, meta] of Object.entries(snapshot.signed.meta)) published.meta.set(file.replace(/\.json$/, ""), meta);
  readRoles(store, published);
  return published;
}

function readRoles(store: FolderStore, published: Published): void {
  const role = (name: string): Metadata<Targets> | null => {
    const meta = published.meta.get(name);
    return meta === undefined ? null : Metadata.fromJSON(MetadataKind.Targets, parse(must(store, name, meta.version)));
  };
  published.targets = role("targets");
  published.claimed = role("claimed");
  const delegations = published.claimed?.signed.delegations;
  for (const { name, keyIDs, paths } of Object.values(delegations?.roles ?? {})) {
    const namespace = (paths?.[0] ?? "").split("/")[0] ?? "";
    const list = role(name);
    published.namespaces.push({ name: namespace, role: name, keys: keyIDs.flatMap((id) => delegations?.keys[id] ?? []) });
    published.packages.set(namespace, Object.values(list?.signed.targets ?? {}));
    if (list !== null) published.lists.set(namespace, list);
  }
  for (const target of Object.values(role("index")?.signed.targets ?? {})) {
    const shard = store.get(blobKey(target.hashes["sha256"] ?? ""));
    if (shard !== null) published.rows.push(...readIndexShard(shard));
  }
  const list = role("revocations")?.signed.targets[REVOCATIONS_TARGET];
  const bytes = list === undefined ? null : store.get(blobKey(list.hashes["sha256"] ?? ""));
  if (bytes !== null) published.revocations = readRevocations(bytes);
}

function must(store: FolderStore, role: string, version: number): Buffer {
  const bytes = store.get(metadataKey(role, version));
  if (bytes === null) throw new Error(`the registry lacks ${metadataKey(role, version)}`);
  return bytes;
}

function parse(bytes: Buffer): Parameters<typeof Metadata.fromJSON>[1] {
  return JSON.parse(bytes.toString("utf8")) as Parameters<typeof Metadata.fromJSON>[1];
}

/** A thief with the online keys of a registry, and its keeper who takes it back. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata, MetadataKind, MetaFile } from "@tufjs/models";
import { sha256Hex } from "../../host/src/format/index.ts";
import { buildRoot, buildSnapshot, buildTimestamp, signWith, topHolders } from "../../registry/src/3-catalog/roles.ts";
import { KeyFolder } from "../../registry/src/storage/key-folder.ts";
import type { Shop } from "./shop.ts";

type Json = Parameters<typeof Metadata.fromJSON>[1];
const ONLINE = ["snapshot", "timestamp"] as const;

function read(shop: Shop, name: string): Json {
  return JSON.parse(readFileSync(join(shop.folder, name), "utf8")) as Json;
}

/**
 * Signs the present state under so high a number that nothing its keeper signs is ever newer.
 * @param stolen  folder of the keys; absent: the registry's present ones
 */
export function countFarAhead(shop: Shop, now: number, stolen: string = shop.keys.path): void {
  const keys = new KeyFolder(stolen);
  const version = 1_000_000;
  const timestamp = Metadata.fromJSON(MetadataKind.Timestamp, read(shop, "tuf/timestamp.json"));
  const present = timestamp.signed.snapshotMeta.version;
  const { meta } = Metadata.fromJSON(MetadataKind.Snapshot, read(shop, `tuf/${present}.snapshot.json`)).signed;
  const named = new Map(Object.entries(meta).map(([name, file]) => [name.replace(/\.json$/, ""), file]));
  const stamp = { version, now, development: false };
  const snapshot = buildSnapshot({ meta: named, ...stamp });
  signWith(snapshot, keys.of("snapshot"));
  const bytes = Buffer.from(JSON.stringify(snapshot.toJSON()));
  writeFileSync(join(shop.folder, "tuf", `${version}.snapshot.json`), bytes);
  const file = new MetaFile({ version, length: bytes.byteLength, hashes: { sha256: sha256Hex(bytes) } });
  const ahead = buildTimestamp({ snapshot: file, ...stamp });
  signWith(ahead, keys.of("timestamp"));
  writeFileSync(join(shop.folder, "tuf", "timestamp.json"), JSON.stringify(ahead.toJSON()));
}

/** Goes back to a backup and lets the root name other online keys; the former ones lie in `keys` of the backup afterwards. */
export function takeBack(shop: Shop, backup: string, now: number): void {
  rmSync(join(shop.folder, "tuf"), { recursive: true });
  cpSync(join(backup, "tuf"), join(shop.folder, "tuf"), { recursive: true });
  mkdirSync(join(backup, "keys"));
  for (const role of ONLINE) renameSync(join(shop.keys.path, `${role}.key`), join(backup, "keys", `${role}.key`));
  const keys = KeyFolder.create(shop.keys.path, false);
  const former = Metadata.fromJSON(MetadataKind.Root, read(shop, "root.json"));
  const holders = topHolders((role) => ({
    keys: keys.of(role).map(({ tuf }) => tuf),
    threshold: former.signed.roles[role]?.threshold ?? 1,
  }));
  const root = buildRoot({ holders, version: former.signed.version + 1, now, development: false });
  signWith(root, keys.of("root"));
  for (const name of ["root.json", `tuf/${root.signed.version}.root.json`])
    writeFileSync(join(shop.folder, name), JSON.stringify(root.toJSON()));
  shop.reopen(now);
  shop.commit();
}

import { statSync } from "node:fs";
import type { Database } from "@hearthnet/sdk-plugin";
import { openHasher, type Hasher } from "../cid/blake3.ts";
import type { Root } from "../seal/root.ts";
import { audit } from "./audit.ts";
import { collect, type Collected } from "./collect.ts";
import { ChunkFiles } from "./files.ts";
import type { Parts } from "./reading.ts";
import { Recoder } from "./recode.ts";
import { Rows } from "./rows.ts";
import { createTables } from "./schema.ts";
import { measuredDisk, Space, type Disk } from "./space.ts";
import { BlobStore, type StoreLimits } from "./store.ts";
import { Transactions } from "./transactions.ts";
import { Vault, type AtRest } from "./vault.ts";

export interface OpenStoreOptions {
  db: Database;
  /** Made when it is missing. */
  dir: string;
  /** Null: locked. */
  root: Root | null;
  atRest: AtRest;
  limits: () => StoreLimits & { minFreeBytes: number; quotaBytes: number | null };
  now?: () => number;
  /** Default: what the disk says, and what was granted. */
  disk?: Disk;
  onDamage?: Parts["onDamage"];
}

/** What SQLite's log may grow by in one go: the rows of a blob of 10 GiB. */
const LOG_BYTES = 16_777_216;

function tableBytes(db: Database): number {
  const path = db.location();
  const sizes = path === null ? [] : [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, LOG_BYTES);
}

/** A store with what looks after it. */
export interface OpenedStore {
  store: BlobStore;
  hasher: Hasher;
  recoder: Recoder;
  vault: Vault;
  space: Space;
  collect(o: { threshold: number; target: number; partialTtlMs: number }): Promise<Collected>;
  audit(signal?: AbortSignal): Promise<{ strayFiles: number; lostChunks: number }>;
}

/**
 * @example
 * const { store } = await openStore({ db, dir: "/data/blobs", root, atRest: "personal", limits });
 * const { cid } = await store.takeIn(stream, { visibility: "community", origin: "put" });
 */
export async function openStore(o: OpenStoreOptions): Promise<OpenedStore> {
  createTables(o.db);
  const rows = new Rows(o.db);
  const hasher = await openHasher();
  const vault = new Vault(o.root, o.atRest);
  const parts: Parts = {
    rows,
    tx: new Transactions(o.db),
    files: new ChunkFiles(o.dir),
    vault,
    hasher,
    now: o.now ?? Date.now,
    onDamage: o.onDamage ?? (() => {}),
  };
  const disk =
    o.disk ??
    measuredDisk({
      dir: o.dir,
      quotaBytes: () => o.limits().quotaBytes,
      usedBytes: () => rows.usedBytes(),
      tableBytes: () => tableBytes(o.db),
    });
  const space = new Space(disk, () => o.limits().minFreeBytes);
  const store = new BlobStore(parts, { space, limits: o.limits });
  return {
    store,
    hasher,
    vault,
    space,
    recoder: new Recoder(parts, store.reading),
    collect: (rules) => collect({ ...rules, store, parts, space }),
    audit: (signal) => audit(parts, signal),
  };
}

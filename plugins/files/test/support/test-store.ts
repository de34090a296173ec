/** A store in a folder of its own, on a clock and a disk that the test describes. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openRoot, type Root } from "../../src/seal/root.ts";
import { openStore, type BlobFacts, type OpenedStore, type OpenStoreOptions } from "../../src/store/index.ts";
import type { Manifest } from "../../src/cid/manifest.ts";

export const HOUR = 3_600_000;

export interface TestStore extends OpenedStore {
  dir: string;
  db: DatabaseSync;
  clock: { at: number };
  /** The disk, without which the real one counts. */
  bounds: { totalBytes: number; freeBytes: number } | null;
  damaged: string[];
  put(bytes: Uint8Array, facts?: Partial<BlobFacts>): Promise<Manifest>;
  bytesOf(cid: string): Promise<Buffer | null>;
  /** Chunk files, relative to the store's folder. */
  chunkFiles(): string[];
  /** The same folder, opened by another process. */
  reopen(change?: Partial<OpenStoreOptions>): Promise<TestStore>;
  close(): void;
}

/** 09 repeated 32 times, as in the vector of spec 30 §7. */
export const ROOT_BYTES: Uint8Array = new Uint8Array(32).fill(9);

export async function openTestStore(change: Partial<OpenStoreOptions> & { folder?: string } = {}): Promise<TestStore> {
  const { folder = mkdtempSync(join(tmpdir(), "hn-files-")), ...more } = change;
  const db = openDatabase(join(folder, "files.db"));
  const clock = { at: Date.UTC(2026, 0, 1) };
  const dir = join(folder, "blobs");
  const damaged: string[] = [];
  const root: Root = await openRoot(ROOT_BYTES);
  const store: { bounds: TestStore["bounds"] } = { bounds: null };
  const opened = await openStore({
    db,
    dir,
    root,
    atRest: "personal",
    limits: () => ({ maxBlobBytes: 1e10, quotaBytesPerMember: 1e9, minFreeBytes: 1000, quotaBytes: null }),
    now: () => clock.at,
    disk: async () => [{ kind: "disk", ...(store.bounds ?? { totalBytes: 1e12, freeBytes: 5e11 }) }],
    onDamage: (what) => void damaged.push(what),
    ...more,
  });
  return Object.assign(store, opened, {
    dir,
    db,
    clock,
    damaged,
    put: (bytes: Uint8Array, facts: Partial<BlobFacts> = {}) =>
      opened.store.takeIn(once(bytes), { visibility: "community", origin: "put", ...facts }),
    async bytesOf(cid: string) {
      const manifest = await opened.store.manifest(cid, "own");
      if (manifest === null) return null;
      const parts = await Promise.all(manifest.chunks.map((chunk) => opened.store.readChunk(chunk.cid, "own")));
      return parts.includes(null) ? null : Buffer.concat(parts as Uint8Array[]);
    },
    chunkFiles: () => filesIn(dir).filter((name) => name.endsWith(".bin")),
    reopen: (next: Partial<OpenStoreOptions> = {}) => {
      db.close();
      return openTestStore({ ...more, ...next, folder });
    },
    close() {
      if (db.isOpen) db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

/** As `ctx.sql` opens it. */
export function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF");
  return db;
}

/** Equal bytes, or none where none are expected; a difference of megabytes is not printed. */
export function assertSame(found: Uint8Array | null, wanted: Uint8Array | null, message = ""): void {
  const same = found === null || wanted === null ? found === wanted : Buffer.from(found).equals(wanted);
  assert.ok(
    same,
    `${message} found ${found?.byteLength ?? "no"} bytes, which are not the ${wanted?.byteLength ?? "absence"} expected`,
  );
}

/** All files of the store, temporary ones included, without what is in quarantine. */
export function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => /^[0-9a-f]{2}\//.test(name))
    .toSorted();
}

export function flipBit(path: string, at = 0): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** Bytes that nothing else has, always the same for a seed. */
export function bytesOf(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { HnError, parseStrictJson, syncFolder } from "../../foundation/index.ts";
import {
  type PackageSink,
  readPackage,
  type ReadPackage,
  type VerifiedPackage,
  verifyPackage,
  type VerifyOptions,
} from "./read.ts";
import { type FileRow, FILES_FILE, sha256Hex, standsBesideList } from "./write.ts";

const LANES = 8;

/** Writes entries below one fresh folder. Names were judged before; nothing there can be a link, since the folder is ours and new. */
class FolderSink implements PackageSink {
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;
  readonly #written: { path: string; mode: number }[] = [];
  #fd: number | null = null;
  #mode = 0o644;
  #path = "";

  constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#signal = signal;
  }

  open(entry: { path: string; mode: number }): void {
    this.#signal?.throwIfAborted();
    this.#path = join(this.#root, ...entry.path.split("/"));
    if (!this.#path.startsWith(this.#root + sep)) throw new HnError("bad_request", { reason: "archive_path" });
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
    this.#mode = entry.mode;
    this.#fd = openSync(this.#path, "wx", 0o600);
  }

  write(chunk: Uint8Array): void {
    this.#signal?.throwIfAborted();
    for (let at = 0; at < chunk.byteLength;) at += writeSync(this.#fd as number, chunk, at);
  }

  close(): void {
    closeSync(this.#fd as number);
    this.#fd = null;
    this.#written.push({ path: this.#path, mode: this.#mode === 0o755 ? 0o555 : 0o444 });
  }

  /** On disk for good, several at a time: the disk joins them, and whoever else the daemon serves does not wait for each. */
  async settle(): Promise<void> {
    const left = [...this.#written];
    const lane = async (): Promise<void> => {
      for (let file = left.pop(); file !== undefined; file = left.pop()) {
        this.#signal?.throwIfAborted();
        const handle = await open(file.path, "r+");
        try {
          await handle.sync();
          await handle.chmod(file.mode);
        } finally {
          await handle.close();
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  abandon(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}

/**
 * Verifies a package while unpacking it into `tmp/<opId>`, then moves it to `store/sha256/<sha256>` in one rename. On any refusal nothing stays.
 * @returns the package and its folder
 * @throws as `verifyPackage` · the signal's reason
 * @source marketplace §1 "reading", plugin-platform §6.2
 */
export function unpackPackage(bytes: Uint8Array, o: VerifyOptions & UnpackOptions): Promise<VerifiedPackage & { dir: string }> {
  return unpack(bytes, o, (sink) => verifyPackage(bytes, { ...o, sink }));
}

/**
 * As `unpackPackage`, for a package that nobody has signed: archive rules, every file, manifest. Who handed it over answers for it.
 * @throws as `readPackage` · the signal's reason
 */
export function unpackUnsigned(bytes: Uint8Array, o: UnpackOptions): Promise<ReadPackage & { dir: string }> {
  return unpack(bytes, o, (sink) => readPackage(bytes, sink));
}

export interface UnpackOptions {
  /** Holds `tmp` and `store`. */
  root: string;
  opId: string;
  signal?: AbortSignal;
}

async function unpack<R extends ReadPackage>(
  bytes: Uint8Array,
  o: UnpackOptions,
  judge: (sink: PackageSink) => Promise<R>,
): Promise<R & { dir: string }> {
  const dir = join(o.root, "store", "sha256", sha256Hex(bytes));
  const temporary = join(o.root, "tmp", o.opId);
  mkdirSync(dirname(dir), { recursive: true, mode: 0o755 });
  mkdirSync(temporary, { recursive: true, mode: 0o755 });
  const sink = new FolderSink(temporary, o.signal);
  try {
    const judged = await judge(sink);
    await sink.settle();
    syncFolder(temporary);
    discard(dir);
    renameSync(temporary, dir);
    syncFolder(dirname(dir));
    return { ...judged, dir };
  } catch (error) {
    sink.abandon();
    throw error;
  } finally {
    discard(temporary);
  }
}

/** Deletes a folder that only this node writes to. */
export function discard(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/**
 * Hashes an unpacked package again. @returns paths that differ, are missing or not listed
 * @source marketplace §1 "re-check"
 */
export function recheckFolder(dir: string): string[] {
  let rows: FileRow[];
  try {
    rows = parseStrictJson(readFileSync(join(dir, FILES_FILE)), { maxBytes: 4_194_304 }) as unknown as FileRow[];
  } catch {
    return [FILES_FILE];
  }
  const wrong: string[] = [];
  const expected = new Map(rows.map((row) => [row.path, row]));
  for (const path of walk(dir, "")) {
    if (standsBesideList(path)) continue;
    const row = expected.get(path);
    expected.delete(path);
    const full = join(dir, ...path.split("/"));
    if (row === undefined || !lstatSync(full).isFile() || sha256Hex(readFileSync(full)) !== row.sha256) wrong.push(path);
  }
  return [...wrong, ...expected.keys()];
}

function* walk(dir: string, prefix: string): Generator<string> {
  for (const entry of readdirSync(join(dir, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(dir, path);
    else yield path;
  }
}

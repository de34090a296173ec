import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder, writeFileAtomic } from "@hearthnet/host/format";

const PIECE_BYTES = 1_048_576;

/**
 * Files below one folder. A write is seen whole or not at all: temporary file, fsync, rename, fsync of the folder.
 * Keys are hashes or fixed role names, never a user's text. @source marketplace §4.3
 */
export class FolderStore {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  has(key: string): boolean {
    return existsSync(this.#path(key));
  }

  get(key: string): Buffer | null {
    return this.has(key) ? readFileSync(this.#path(key)) : null;
  }

  put(key: string, bytes: Uint8Array): void {
    const path = this.#path(key);
    makeFolder(dirname(path));
    writeFileAtomic(path, bytes, { mode: 0o644 });
  }

  /** Copies a file of any size; the copy is named by the hash of what was really read. @returns that hash, hex */
  putFile(source: string, keyOf: (sha256: string) => string): string {
    const folder = join(this.root, "tmp");
    makeFolder(folder);
    const temporary = join(folder, `${process.pid}.${performance.now()}`);
    const hash = createHash("sha256");
    const from = openSync(source, "r");
    try {
      const to = openSync(temporary, "wx", 0o644);
      try {
        const piece = Buffer.alloc(PIECE_BYTES);
        for (let n = readSync(from, piece); n > 0; n = readSync(from, piece)) {
          hash.update(piece.subarray(0, n));
          for (let at = 0; at < n;) at += writeSync(to, piece, at, n - at);
        }
        fsyncSync(to);
      } finally {
        closeSync(to);
      }
      const sha256 = hash.digest("hex");
      const path = this.#path(keyOf(sha256));
      makeFolder(dirname(path));
      renameSync(temporary, path);
      syncFolder(dirname(path));
      return sha256;
    } finally {
      closeSync(from);
      rmSync(temporary, { force: true });
    }
  }

  /** Keys of all files below one folder, sorted, with the time of their last change in Unix milliseconds. */
  list(folder: string): { key: string; changed: number }[] {
    const path = this.#path(folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((file) => ({
        key: file.slice(this.root.length + 1).replaceAll("\\", "/"),
        changed: statSync(file).mtimeMs,
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  delete(key: string): void {
    rmSync(this.#path(key), { force: true, recursive: true });
  }

  #path(key: string): string {
    if (!/^[\w%.-]+(\/[\w%.-]+)*$/.test(key) || key.split("/").includes("..")) throw new Error(`not a key of a registry: ${key}`);
    return join(this.root, ...key.split("/"));
  }
}

/** A new folder's own entry must survive a power cut as well as the file in it. */
function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true });
  if (first === undefined) return;
  for (let at = path; at.length >= first.length; at = dirname(at)) syncFolder(dirname(at));
}

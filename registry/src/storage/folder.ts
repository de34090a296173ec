import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";

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

  /** Written once under a hash, never again. */
  putBlob(key: string, bytes: Uint8Array): void {
    if (!this.has(key)) this.put(key, bytes);
  }

  put(key: string, bytes: Uint8Array): void {
    const path = this.#path(key);
    mkdirSync(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    const fd = openSync(temporary, "w", 0o644);
    try {
      for (let at = 0; at < bytes.byteLength;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  }

  /** Names in one folder, sorted. */
  list(folder: string): string[] {
    const path = this.#path(folder);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }

  delete(key: string): void {
    rmSync(this.#path(key), { force: true, recursive: true });
  }

  #path(key: string): string {
    if (!/^[\w%.-]+(\/[\w%.-]+)*$/.test(key) || key.split("/").includes("..")) throw new Error(`not a key of a registry: ${key}`);
    return join(this.root, ...key.split("/"));
  }
}

function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

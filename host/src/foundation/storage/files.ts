import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { HnError } from "../errors.ts";

/** Writes so that readers, and a crash, see the old bytes or the new ones: temporary file, fsync, rename, fsync of the folder. */
export function writeFileAtomic(path: string, data: Uint8Array | string, o: { mode?: number } = {}): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${performance.now()}.tmp`);
  const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
  const fd = openSync(temporary, "wx", o.mode ?? 0o600);
  try {
    try {
      for (let at = 0; at < bytes.byteLength;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes a rename in this folder durable. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Reads a whole file, but not more than it may hold; a pipe or device in its place is refused instead of waited for.
 * @throws bad_request too_large · the file system's own errors
 */
export function readFileBounded(path: string, maxBytes: number): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new HnError("bad_request", { message: "A plain file is expected here." });
    const buffer = Buffer.alloc(Math.min(maxBytes, stat.size) + 1);
    let length = 0;
    for (let n = -1; n !== 0 && length < buffer.byteLength; length += n)
      n = readSync(fd, buffer, length, buffer.byteLength - length, null);
    if (length > maxBytes) throw new HnError("bad_request", { reason: "too_large" });
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** A folder only its owner may enter. */
export function privateFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

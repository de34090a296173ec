/** Where a bundle that is being made goes: one file, or a folder for sticks whose file system knows no large files. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { encodeHeader, paddingOf, TAR_END } from "../../format/index.ts";
import { HnError, syncFolder } from "../../foundation/index.ts";

export interface BundleSink {
  /** @throws bad_request damaged when the bytes are not as many as `size` */
  put(path: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Puts everything in place under its own name. */
  finish(): void;
  /** Nothing of it stays; after `finish` it does nothing. */
  abandon(): void;
}

/**
 * @param out  absolute path of what does not exist yet; one that ends in a slash makes a folder
 * @throws bad_request when it cannot be made
 */
export function openSink(out: string): BundleSink {
  const path = out.replace(/\/+$/, "");
  if (!isAbsolute(path))
    throw new HnError("bad_request", { message: "The place of a bundle is named from the root of the file system." });
  if (existsSync(path)) throw unwritable("EEXIST");
  try {
    return out.endsWith("/") ? folderSink(path) : fileSink(path);
  } catch (cause) {
    throw unwritable((cause as NodeJS.ErrnoException).code ?? "error", cause);
  }
}

function fileSink(path: string): BundleSink {
  const partial = `${path}.part`;
  let fd: number | null = openSync(partial, "wx", 0o644);
  const close = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
  };
  return {
    async put(name, size, bytes) {
      writeAll(fd, encodeHeader({ path: name, mode: 0o644, size }));
      await copy(fd, { name, size, bytes });
      writeAll(fd, paddingOf({ size }));
    },
    finish() {
      writeAll(fd, TAR_END);
      fsyncSync(fd as number);
      close();
      renameSync(partial, path);
      syncFolder(dirname(path));
    },
    abandon() {
      close();
      rmSync(partial, { force: true });
    },
  };
}

function folderSink(path: string): BundleSink {
  const partial = `${path}.part`;
  mkdirSync(partial, { mode: 0o755 });
  return {
    async put(name, size, bytes) {
      const file = join(partial, ...name.split("/"));
      mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
      const fd = openSync(file, "wx", 0o644);
      try {
        await copy(fd, { name, size, bytes });
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    },
    finish() {
      renameSync(partial, path);
      syncFolder(dirname(path));
    },
    abandon: () => rmSync(partial, { recursive: true, force: true }),
  };
}

async function copy(
  fd: number | null,
  { name, size, bytes }: { name: string; size: number; bytes: AsyncIterable<Uint8Array> },
): Promise<void> {
  let done = 0;
  for await (const part of bytes) {
    done += part.byteLength;
    if (done > size) break;
    writeAll(fd, part);
  }
  if (done !== size)
    throw new HnError("bad_request", { reason: "damaged", message: `The file ${name} is not as long as its list says.` });
}

function writeAll(fd: number | null, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(fd as number, bytes, at);
}

function unwritable(code: string, cause?: unknown): HnError {
  return new HnError("bad_request", {
    message: `The bundle cannot be written there (${code}).`,
    action: "Name a file that does not exist yet, in a folder that the node's own user may write to.",
    ...(cause === undefined ? {} : { cause }),
  });
}

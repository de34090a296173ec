import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { HnError } from "../../foundation/index.ts";
import { type Source, SourceMiss } from "./source.ts";

/** A registry in a folder: the one that ships with the host, or a mounted stick. */
export function folderSource(root: string): Source {
  return {
    async open(key, signal) {
      const path = join(root, ...checkKey(key).split("/"));
      try {
        const handle = await open(path, "r");
        const isFile = (await handle.stat()).isFile();
        await handle.close();
        if (!isFile) throw new SourceMiss(key);
      } catch (cause) {
        if (cause instanceof SourceMiss || (cause as NodeJS.ErrnoException).code === "ENOENT") throw new SourceMiss(key);
        throw unreadable(cause);
      }
      return whole(path, signal);
    },
    close: () => Promise.resolve(),
  };
}

async function* whole(path: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(path, signal === undefined ? {} : { signal });
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreadable(cause);
  } finally {
    stream.destroy();
  }
}

function unreadable(cause: unknown): HnError {
  return new HnError("partition", { reason: "unreachable", message: "The registry's folder cannot be read.", cause });
}

/** Names of our own making only; a server's words never become a path. */
function checkKey(key: string): string {
  if (!/^[\w%.-]+(\/[\w%.-]+)*$/.test(key) || key.split("/").includes("..")) throw new SourceMiss(key);
  return key;
}

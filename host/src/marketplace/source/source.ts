import { HnError } from "../../foundation/index.ts";

/** More about what is to be opened. */
export interface OpenOptions {
  /** First byte that is wanted; heeded where `ranged` is true. */
  from?: number;
  /** The file's id, for sources that know files by it. */
  cid?: string;
}

/** Where a registry's files are read: a folder, a server or a neighbour. What comes out is trusted only as far as it is signed. @source marketplace §5.4 */
export interface Source {
  /** The name of the neighbour whose node it is; absent: the registry itself. */
  readonly neighbour?: string;
  /** Whether it can begin in the middle of a file. */
  readonly ranged?: boolean;
  /**
   * @param key  as in marketplace §3, e.g. `tuf/timestamp.json`
   * @throws SourceMiss when there is no such file · partition unreachable
   */
  open(key: string, signal?: AbortSignal, more?: OpenOptions): Promise<AsyncIterable<Uint8Array>>;
  close(): Promise<void>;
}

/** The source answers, and has no such file. */
export class SourceMiss extends Error {}

/** @throws bad_request damaged when there is more than `maxBytes` · as `open` */
export async function readAll(source: Source, key: string, o: { maxBytes: number; signal?: AbortSignal }): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of await source.open(key, o.signal)) {
    o.signal?.throwIfAborted();
    size += part.byteLength;
    if (size > o.maxBytes)
      throw new HnError("bad_request", { reason: "damaged", message: "The registry sent more bytes than its metadata says." });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

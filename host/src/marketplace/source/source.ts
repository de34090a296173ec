import { HnError } from "../../foundation/index.ts";

/** Where a registry's files are read: a folder or a server. What comes out is trusted only as far as it is signed. @source marketplace §5.4 */
export interface Source {
  /**
   * @param key  as in marketplace §3, e.g. `tuf/timestamp.json`
   * @throws SourceMiss when there is no such file · partition unreachable
   */
  open(key: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
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

import { CHUNK_BYTES } from "./manifest.ts";

/** Cuts a stream into chunks: 256 KiB each, the last as it comes; an empty stream is one empty chunk. @source 30 §1 */
export async function* chunksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  let any = false;
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength;) {
      const part = piece.subarray(at, at + CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.byteLength;
      at += part.byteLength;
      if (filled < CHUNK_BYTES) continue;
      yield chunk;
      any = true;
      chunk = new Uint8Array(CHUNK_BYTES);
      filled = 0;
    }
  }
  if (filled > 0 || !any) yield chunk.subarray(0, filled);
}

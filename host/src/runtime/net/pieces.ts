/** Moves what a connection brings to a plugin, no faster than it takes it. @source plugin-platform §5.3.1 */
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/** With 16 frames of credit a plugin is at most 256 KiB behind. */
const PIECE_BYTES = 16_384;

/** Pieces of what is read; a silence of the other side longer than `idleMs` ends it. @throws timeout · what the stream throws */
export async function* piecesOf(stream: Readable, o: { clock: Clock; idleMs?: number }): AsyncGenerator<Uint8Array, void, void> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  try {
    for (;;) {
      const limit =
        o.idleMs === undefined
          ? undefined
          : o.clock.setTimeout(
              () => stream.destroy(new HnError("timeout", { message: "The other side fell silent." })),
              o.idleMs,
            );
      const next = await chunks.next().finally(() => limit?.cancel());
      if (next.done === true) return;
      for (let at = 0; at < next.value.byteLength; at += PIECE_BYTES) yield next.value.subarray(at, at + PIECE_BYTES);
    }
  } finally {
    await chunks.return?.();
  }
}

/** Resolves when the bytes were handed on. */
export function writeTo(stream: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve())));
}

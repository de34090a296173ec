/**
 * Memory that came off a wire and that nobody else will ever look at. V8 frees it when it next looks through the whole heap; a file that passes through
 * would fill some hundred megabytes until then, and new memory costs more than everything that is done with the bytes. Whoever has used them up gives
 * their memory back at once instead.
 */
const own = new WeakSet<ArrayBufferLike>();
/** Less is not worth it. */
const WORTH_BYTES = 16_384;

/** All of `buffer` belongs to whoever gets these bytes, which are the only view of it. */
export function ownMemory({ buffer }: Uint8Array): void {
  if (buffer.byteLength >= WORTH_BYTES) own.add(buffer);
}

/** The last look at these bytes is over. What was not said to be theirs alone stays as it is. */
export function spend({ buffer }: Uint8Array): void {
  if (own.delete(buffer)) freeMemory(buffer);
}

/** A piece as a socket hands it out, of which there is a copy by now. */
export function freePiece({ buffer, byteLength }: Uint8Array): void {
  if (byteLength === buffer.byteLength && byteLength >= WORTH_BYTES) freeMemory(buffer);
}

function freeMemory(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

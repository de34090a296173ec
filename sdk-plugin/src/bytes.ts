/** Bytes that came with a message, or go out with one. @source plugin-platform §4.3 */

/** Bytes as a plugin sees them; never base64. */
export interface HnBytes {
  /** Bytes. */
  readonly size: number;
  /** All of them. @throws RangeError when there are more than `max` */
  bytes(max?: number): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
  /** As UTF-8. @throws TypeError when it is not */
  text(): Promise<string>;
}

/** Read by the runner: lets `HnBytes` stand wherever `Uint8Array` may. */
const RAW = Symbol.for("hearthnet.bytes");
const PIECE = 65_536;

/**
 * Bytes in memory as `HnBytes`, for tests and for handing work on.
 *
 * @example
 * const page = bytesOf(new TextEncoder().encode("leaflet"));
 * await page.text(); // "leaflet"
 */
export function bytesOf(data: Uint8Array): HnBytes {
  const bytes: HnBytes = {
    size: data.byteLength,
    async bytes(max) {
      if (max !== undefined && data.byteLength > max) {
        throw new RangeError(`There are ${data.byteLength} bytes; at most ${max} were allowed.`);
      }
      return data;
    },
    async *stream() {
      for (let at = 0; at < data.byteLength; at += PIECE) yield data.subarray(at, at + PIECE);
    },
    async text() {
      return new TextDecoder("utf-8", { fatal: true }).decode(data);
    },
  };
  Object.defineProperty(bytes, RAW, { value: data });
  return bytes;
}

/** The bytes behind `Uint8Array` or `HnBytes` of any bundle; undefined for anything else. */
export function rawBytes(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const raw = (value as Record<symbol, unknown>)[RAW];
  return raw instanceof Uint8Array ? raw : undefined;
}

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

/** Of ES2026, whose types an author's own settings need not name. */
interface Base64Bytes extends Uint8Array {
  toBase64(o: { alphabet: "base64url"; omitPadding: true }): string;
}
const BASE64 = Uint8Array as unknown as { fromBase64(text: string, o: { alphabet: "base64url" }): Base64Bytes };

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

/**
 * Bytes in an answer or a frame of somebody else's: a neighbour's come as they are on a session and as base64url text by HTTP.
 *
 * @example
 * const { output } = await ctx.call("ext.demo.read@1", { input: { name } });
 * const page = bytesIn(output.page_b64);
 * @returns undefined for anything that is neither
 * @source 00 §3, G-4
 */
export function bytesIn(value: unknown): Uint8Array | undefined {
  if (typeof value !== "string") return rawBytes(value);
  try {
    const bytes = BASE64.fromBase64(value, { alphabet: "base64url" });
    // One text for the same bytes, and no other.
    return bytes.toBase64({ alphabet: "base64url", omitPadding: true }) === value ? bytes : undefined;
  } catch {
    return undefined;
  }
}

import { createHash } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);
const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What a `traceparent` header says: 32 and 16 hex digits, neither all zero. */
export interface TraceParent {
  traceId: string;
  spanId: string;
}

/**
 * Reads the W3C header. Whatever has another form counts as not sent: it is for diagnosis only, nobody signs it, and nothing is decided by it.
 * @source W3C Trace Context §3.2; 03 B-14
 */
export function readTraceparent(text: string | undefined): TraceParent | undefined {
  const [, version, traceId = NO_TRACE, spanId = NO_SPAN, , rest] = FORM.exec(text ?? "") ?? [];
  if (version === undefined || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  return traceId === NO_TRACE || spanId === NO_SPAN ? undefined : { traceId, spanId };
}

export function writeTraceparent({ traceId, spanId }: TraceParent): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Our trace id as the 32 hex digits of W3C: a ULID is the same 128 bits, anything else is hashed. */
export function hexOfTrace(id: string): string {
  if (!ULID.test(id)) return createHash("sha256").update(id).digest("hex").slice(0, 32);
  let bits = 0n;
  for (const symbol of id) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(symbol));
  return bits === 0n ? "0".repeat(31) + "1" : bits.toString(16).padStart(32, "0");
}

/** The other way: 32 hex digits as a ULID of the same 128 bits. */
export function traceOfHex(hex: string): string {
  let bits = BigInt(`0x${hex}`);
  let id = "";
  for (let i = 0; i < 26; i++) {
    id = (ALPHABET[Number(bits & 31n)] ?? "") + id;
    bits >>= 5n;
  }
  return id;
}

import { createHash } from "node:crypto";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const HEX = "0123456789abcdef";
const NO_ULID = "0".repeat(26);
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
  if (!ULID.test(id) || id === NO_ULID) return createHash("sha256").update(id).digest("hex").slice(0, 32);
  // Five bits come in, four go out; with every call to a neighbour, so not by big integers. The first symbol has three.
  let bits = 0;
  let held = -2;
  let hex = "";
  for (let i = 0; i < id.length; i++) {
    bits = ((bits << 5) | ALPHABET.indexOf(id[i] ?? "")) & 0x1ff;
    held += 5;
    while (held >= 4) {
      held -= 4;
      hex += HEX[(bits >> held) & 15] ?? "";
    }
  }
  return hex;
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

/** The pre-checks of the one signature rule, done before any backend so that none can differ. @source 01 I-2, network.md N-3 */

const P = (1n << 255n) - 19n;
const L = (1n << 252n) + 27742317777372353535851937790883648493n;

/** y coordinates of the eight points of small order; with either sign bit and in non-canonical spelling these are the 14 encodings. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  littleEndian(Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex")),
  littleEndian(Buffer.from("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "hex")) & ((1n << 255n) - 1n),
]);

/** First bytes of the small-order encodings, canonical or not; what begins otherwise need not be compared with them. */
const SMALL_ORDER_STARTS: ReadonlySet<number> = new Set([0x00, 0x01, 0x26, 0xc7, 0xec, 0xed, 0xee]);
/** Top bytes of P without the sign bit, and of L. */
const TOP_OF_P = 0x7f;
const TOP_OF_L = 0x10;

/** True when the 32 bytes spell a field element canonically and not one of small order. Whether it lies on the curve is left to the backend. */
export function isAcceptablePoint(bytes: Uint8Array): boolean {
  if (bytes.byteLength !== 32) return false;
  // Nearly all points are clear from two of their bytes; the others are worth a big integer.
  if (!SMALL_ORDER_STARTS.has(bytes[0] ?? 0) && ((bytes[31] ?? 0) & 0x7f) < TOP_OF_P) return true;
  const y = littleEndian(bytes) & ((1n << 255n) - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

/** Lengths, S < L, and R. A is checked once, in `parseNodeId`. */
export function isAcceptableSignature(signature: Uint8Array): boolean {
  return signature.byteLength === 64 && isBelowL(signature) && isAcceptablePoint(signature.subarray(0, 32));
}

function isBelowL(signature: Uint8Array): boolean {
  return (signature[63] ?? 0) < TOP_OF_L || littleEndian(signature.subarray(32)) < L;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

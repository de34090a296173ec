/** The XOR metric over 256-bit keys. @source 06 §1 */
import type { Cid, NodeId } from "../contract/index.ts";
import { RecentMap } from "../foundation/index.ts";
import { dhtKey } from "../identity/index.ts";

export const ID_BYTES = 32;

/** @param key  `blake3:` and 64 hex digits */
export function keyBytes(key: Cid): Uint8Array {
  return new Uint8Array(Buffer.from(key.slice("blake3:".length), "hex"));
}

const ids: RecentMap<NodeId, Uint8Array> = new RecentMap(16_384);

/** Where a node stands. */
export function idOf(node: NodeId): Uint8Array {
  const known = ids.get(node);
  if (known !== undefined) return known;
  const id = keyBytes(dhtKey(node));
  ids.set(node, id);
  return id;
}

/** Negative when `a` is closer to the target than `b`. */
export function compareDistance(target: Uint8Array, a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < ID_BYTES; at += 1) {
    const difference = ((a[at] ?? 0) ^ (target[at] ?? 0)) - ((b[at] ?? 0) ^ (target[at] ?? 0));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Bit length of the distance, minus one: 0 to 255, and -1 for the id itself. */
export function bucketOf(self: Uint8Array, id: Uint8Array): number {
  for (let at = 0; at < ID_BYTES; at += 1) {
    const byte = (self[at] ?? 0) ^ (id[at] ?? 0);
    if (byte !== 0) return (ID_BYTES - at) * 8 - Math.clz32(byte) + 23;
  }
  return -1;
}

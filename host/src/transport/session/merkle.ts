import { hash } from "node:crypto";

const LEAF = 0;
const NODE = 1;
/** Most records are smaller; what is hashed is laid out here. */
const PAD: Buffer = Buffer.alloc(4096);

/** `SHA-256(0x00 ‖ record)`; the first byte keeps leaves and nodes apart. @source network.md §1.6 */
export function leafOf(record: Uint8Array): Buffer {
  return hashOf(LEAF, record);
}

function nodeOf(left: Uint8Array, right: Uint8Array): Buffer {
  return hashOf(NODE, left, right);
}

/** As text and back: Node takes twice as long to make a Buffer of its own for the result. */
function hashOf(kind: number, first: Uint8Array, second?: Uint8Array): Buffer {
  const size = 1 + first.byteLength + (second?.byteLength ?? 0);
  const whole = size <= PAD.byteLength ? PAD.subarray(0, size) : Buffer.allocUnsafe(size);
  whole[0] = kind;
  whole.set(first, 1);
  if (second !== undefined) whole.set(second, 1 + first.byteLength);
  return Buffer.from(hash("sha256", whole, "latin1"), "latin1");
}

/** Of at least one leaf, in the tree shape of RFC 9162: the left half is the largest power of two below their number. */
export function rootOf(leaves: readonly Buffer[]): Buffer {
  // Pairs level by level, an odd one carried up, give the same shape.
  let level = leaves;
  while (level.length > 1) {
    const next: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Buffer, level[i + 1]];
      next.push(right === undefined ? left : nodeOf(left, right));
    }
    level = next;
  }
  const [root] = level;
  if (root === undefined) throw new RangeError("a tree has at least one leaf");
  return root;
}

/** The neighbours that lead from a leaf to the root, from the bottom. @source RFC 9162 §2.1.3.1 */
export function pathOf(leaves: readonly Buffer[], index: number): Buffer[] {
  const path: Buffer[] = [];
  let level = leaves;
  for (let at = index; level.length > 1; at >>= 1) {
    const neighbour = level[at ^ 1];
    if (neighbour !== undefined) path.push(neighbour);
    const next: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as Buffer, level[i + 1]];
      next.push(right === undefined ? left : nodeOf(left, right));
    }
    level = next;
  }
  return path;
}

/** @returns the root that this path leads to, or null when it does not fit a tree of `count` leaves. @source RFC 9162 §2.1.3.2 */
export function rootFromPath(o: { leaf: Buffer; index: number; count: number; path: readonly Uint8Array[] }): Buffer | null {
  if (!Number.isInteger(o.index) || o.index < 0 || o.index >= o.count) return null;
  let node = o.leaf;
  let place = 0;
  let at = o.index;
  for (let last = o.count - 1; last > 0; at >>= 1, last >>= 1) {
    // The last one of an odd level has no neighbour and is carried up.
    if (at === last && at % 2 === 0) continue;
    const neighbour = o.path[place++];
    if (neighbour === undefined) return null;
    node = at % 2 === 1 ? nodeOf(neighbour, node) : nodeOf(node, neighbour);
  }
  return place === o.path.length ? node : null;
}

import { compareEvents } from "../log/shape.ts";
import type { Position } from "../../contract/index.ts";

/** Children of a branch, items of a leaf. @source network.md §5 "Set and sums" */
const FAN_OUT = 64;
const HASH_BYTES = 32;
const MODULUS = 1n << 256n;

/** How many items and the sum of their hashes mod 2^256. */
export interface Sum {
  count: number;
  sum: bigint;
}

/** Lies before every item whose `(lamport, event_id)` is not smaller. The id may be a prefix. */
export type Bound = readonly [lamport: number, id: string];

export const BEGINNING: Bound = [0, ""];
/** No lamport reaches it (E-5). */
export const END: Bound = [Number.MAX_SAFE_INTEGER, ""];

export function compareBounds(a: Bound, b: Bound): number {
  return a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);
}

/** The shortest bound that has `before` on its left and `after` on its right; null when only the authors tell them apart. */
export function boundBetween(before: Position, after: Position): Bound | null {
  if (before.lamport !== after.lamport) return [after.lamport, ""];
  if (before.event_id === after.event_id) return null;
  let same = 0;
  while (before.event_id[same] === after.event_id[same]) same += 1;
  return [after.lamport, after.event_id.slice(0, same + 1)];
}

class Leaf {
  readonly items: Position[] = [];
  /** 32 bytes each, in the order of `items`. */
  readonly hashes: Uint8Array = new Uint8Array(FAN_OUT * HASH_BYTES);
  sum = 0n;

  get count(): number {
    return this.items.length;
  }

  /** First index that is not smaller. */
  indexOf(position: Position): number {
    return firstWhere(this.items.length, (i) => compareEvents(this.items[i] as Position, position) >= 0);
  }

  hash(index: number): Uint8Array {
    return this.hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  put(index: number, position: Position, hash: Uint8Array): void {
    this.hashes.copyWithin((index + 1) * HASH_BYTES, index * HASH_BYTES, this.items.length * HASH_BYTES);
    this.hashes.set(hash, index * HASH_BYTES);
    this.items.splice(index, 0, position);
  }

  take(index: number): void {
    this.hashes.copyWithin(index * HASH_BYTES, (index + 1) * HASH_BYTES, this.items.length * HASH_BYTES);
    this.items.splice(index, 1);
  }
}

class Branch {
  children: Tree[];
  count = 0;
  sum = 0n;

  constructor(children: Tree[]) {
    this.children = children;
    this.recount();
  }

  recount(): void {
    this.count = 0;
    this.sum = 0n;
    for (const child of this.children) {
      this.count += child.count;
      this.sum = (this.sum + child.sum) % MODULUS;
    }
  }

  /** The child in whose part of the order a place lies. */
  indexOf(position: Position): number {
    return firstWhere(this.children.length - 1, (i) => compareEvents(first(this.children[i + 1] as Tree), position) > 0);
  }
}

type Tree = Leaf | Branch;

/**
 * The events that count, in log order, with the number and the sum of any stretch of them in logarithmic time: a B+-tree of fan-out 64. In memory;
 * the table of events is the truth and this is read from it.
 * @source network.md §5 "Set and sums"
 */
export class SumTree {
  #root: Tree = new Leaf();

  get total(): Sum {
    return { count: this.#root.count, sum: this.#root.sum };
  }

  /** Last place in the order; null while empty. */
  get last(): Position | null {
    let node = this.#root;
    while (node instanceof Branch) node = node.children.at(-1) as Tree;
    return node.items.at(-1) ?? null;
  }

  /** @returns false when the place is taken */
  add(position: Position, hash: Uint8Array): boolean {
    const { lamport, event_id, author } = position;
    const beside = insert(this.#root, { position: { lamport, event_id, author }, hash, value: numberOf(hash) });
    if (beside === false) return false;
    if (beside !== null) this.#root = new Branch([this.#root, beside]);
    return true;
  }

  /** @returns false when nothing stands there */
  remove(position: Position): boolean {
    const path: Branch[] = [];
    let node = this.#root;
    while (node instanceof Branch) {
      path.push(node);
      node = node.children[node.indexOf(position)] as Tree;
    }
    const index = node.indexOf(position);
    const found = node.items[index];
    if (found === undefined || compareEvents(found, position) !== 0) return false;
    const value = numberOf(node.hash(index));
    node.take(index);
    for (const changed of [node, ...path]) changed.sum = (changed.sum - value + MODULUS) % MODULUS;
    for (const branch of path) branch.count -= 1;
    this.#drop(node, path);
    return true;
  }

  /** What lies before a bound. */
  before(bound: Bound): Sum {
    let count = 0;
    let sum = 0n;
    let node = this.#root;
    while (node instanceof Branch) {
      const next = childAt(node, bound);
      for (let i = 0; i < next; i++) {
        const child = node.children[i] as Tree;
        count += child.count;
        sum += child.sum;
      }
      node = node.children[next] as Tree;
    }
    const end = rankIn(node, bound);
    for (let i = 0; i < end; i++) sum += numberOf(node.hash(i));
    return { count: count + end, sum: sum % MODULUS };
  }

  /** What lies from one bound up to, and without, another. */
  between(from: Bound, to: Bound): Sum {
    const [low, high] = [this.before(from), this.before(to)];
    return { count: high.count - low.count, sum: (high.sum - low.sum + MODULUS) % MODULUS };
  }

  /** The item with so many before it. @throws RangeError */
  at(rank: number): Position {
    let left = rank;
    let node = this.#root;
    while (node instanceof Branch) {
      const child: Tree | undefined = node.children.find(({ count }) => (left < count ? true : ((left -= count), false)));
      if (child === undefined) throw new RangeError(`there is no item ${rank}`);
      node = child;
    }
    const found = node.items[left];
    if (found === undefined) throw new RangeError(`there is no item ${rank}`);
    return found;
  }

  /** Items from one bound up to another, in order. The hash is the tree's own memory: use it before anything changes. */
  *items(from: Bound = BEGINNING, to: Bound = END): Generator<{ position: Position; hash: Uint8Array }> {
    for (const leaf of leavesFrom(this.#root, from)) {
      for (let i = rankIn(leaf, from); i < leaf.items.length; i++) {
        const position = leaf.items[i] as Position;
        if (!isBefore(position, to)) return;
        yield { position, hash: leaf.hash(i) };
      }
    }
  }

  /** Empty leaves and branches go; what is only thin stays, since removals are rare. */
  #drop(leaf: Leaf, path: Branch[]): void {
    let gone: Tree = leaf;
    while (gone.count === 0) {
      const parent = path.pop();
      if (parent === undefined) {
        this.#root = new Leaf();
        return;
      }
      const former: Tree = gone;
      parent.children = parent.children.filter((child) => child !== former);
      gone = parent;
    }
  }
}

interface Entry {
  position: Position;
  hash: Uint8Array;
  value: bigint;
}

/** @returns the new right half after a split, null without one, false when the place is taken */
function insert(node: Tree, entry: Entry): Tree | null | false {
  if (node instanceof Leaf) return insertIntoLeaf(node, entry);
  const index = node.indexOf(entry.position);
  const beside = insert(node.children[index] as Tree, entry);
  if (beside === false) return false;
  node.count += 1;
  node.sum = (node.sum + entry.value) % MODULUS;
  if (beside === null) return null;
  node.children.splice(index + 1, 0, beside);
  if (node.children.length <= FAN_OUT) return null;
  // Most events come at the end: a full part that is left behind stays full.
  const keep = index + 1 === FAN_OUT ? FAN_OUT : FAN_OUT / 2;
  const right = new Branch(node.children.splice(keep));
  node.recount();
  return right;
}

function insertIntoLeaf(leaf: Leaf, { position, hash, value }: Entry): Leaf | null | false {
  const index = leaf.indexOf(position);
  const present = leaf.items[index];
  if (present !== undefined && compareEvents(present, position) === 0) return false;
  if (leaf.items.length < FAN_OUT) {
    leaf.put(index, position, hash);
    leaf.sum = (leaf.sum + value) % MODULUS;
    return null;
  }
  const right = new Leaf();
  const keep = index === FAN_OUT ? FAN_OUT : FAN_OUT / 2;
  for (let i = keep; i < FAN_OUT; i++) {
    right.put(i - keep, leaf.items[i] as Position, leaf.hash(i));
    right.sum = (right.sum + numberOf(leaf.hash(i))) % MODULUS;
  }
  leaf.items.length = keep;
  leaf.sum = (leaf.sum - right.sum + MODULUS) % MODULUS;
  insertIntoLeaf(index > keep || keep === FAN_OUT ? right : leaf, { position, hash, value });
  return right;
}

function first(node: Tree): Position {
  let at = node;
  while (at instanceof Branch) at = at.children[0] as Tree;
  return at.items[0] as Position;
}

/** The child in which the first item that is not before the bound would be. */
function childAt(node: Branch, bound: Bound): number {
  return firstWhere(node.children.length - 1, (i) => !isBefore(first(node.children[i + 1] as Tree), bound));
}

function rankIn(leaf: Leaf, bound: Bound): number {
  return firstWhere(leaf.items.length, (i) => !isBefore(leaf.items[i] as Position, bound));
}

function* leavesFrom(node: Tree, from: Bound): Generator<Leaf> {
  if (node instanceof Leaf) {
    yield node;
    return;
  }
  const start = childAt(node, from);
  for (let i = start; i < node.children.length; i++) yield* leavesFrom(node.children[i] as Tree, i === start ? from : BEGINNING);
}

function isBefore({ lamport, event_id }: Position, [at, id]: Bound): boolean {
  return lamport < at || (lamport === at && event_id < id);
}

/** Smallest index below `length` for which it holds, else `length`; what holds once holds for all behind. */
function firstWhere(length: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function numberOf(hash: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(hash.buffer, hash.byteOffset, HASH_BYTES).toString("hex")}`);
}

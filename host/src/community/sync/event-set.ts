import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, NodeId, Position, SyncSet } from "../../contract/index.ts";
import { canonicalBytes } from "../../identity/index.ts";
import type { Cut, EventStore } from "../log/store.ts";
import { beyond } from "../views/membership.ts";
import { ID_BYTES } from "./range-message.ts";
import { type Bound, compareBounds, END, SumTree } from "./sum-tree.ts";

/** A pause after so much reading, milliseconds. @source network.md §5 "Set and sums" */
const SLICE_MS = 5;
const PAGE = 256;

export interface EventSetOptions {
  store: EventStore;
  clock: Clock;
  /** Up to where revoked authors count. */
  cuts: () => ReadonlyMap<NodeId, Cut>;
}

/**
 * The set of events that count here: what is stored, without what lies beyond a revoked author's cut. Follows the store from the moment it has read
 * it through.
 * @source network.md §5 "Set and sums", 04 E-9
 */
export class EventSet {
  readonly #o: EventSetOptions;
  readonly #tree: SumTree = new SumTree();
  readonly built: Promise<void>;
  /** How far the store was read; null when it was read through. */
  #reading: Position | null = { lamport: 0, event_id: "", author: "" };
  #cuts: ReadonlyMap<NodeId, Cut>;
  #closed = false;

  constructor(options: EventSetOptions) {
    this.#o = options;
    this.#cuts = options.cuts();
    this.built = this.#build();
  }

  get ready(): boolean {
    return this.#reading === null;
  }

  get tree(): SumTree {
    return this.#tree;
  }

  close(): void {
    this.#closed = true;
  }

  /** One more event is stored. */
  add(place: Position, hash: Uint8Array): void {
    // What lies behind the place of reading is met there.
    if (this.#isRead(place) && this.counts(place)) this.#tree.add(place, hash);
  }

  /** An event gave way. */
  remove(place: Position): void {
    this.#tree.remove(place);
  }

  /** False for what a revoked author wrote beyond its cut. @source 04 E-9 */
  counts(place: Position): boolean {
    const cut = this.#cuts.get(place.author);
    return cut === undefined || !beyond(place, cut);
  }

  /** Somebody was revoked, or is no longer: what lies beyond the old and the new cut is taken in or put out. */
  cutsChanged(): void {
    const former = this.#cuts;
    this.#cuts = this.#o.cuts();
    for (const author of new Set([...former.keys(), ...this.#cuts.keys()])) {
      const [old, now] = [former.get(author), this.#cuts.get(author)];
      if (old?.lamport === now?.lamport && old?.event_id === now?.event_id) continue;
      for (const { sha256, ...place } of this.#o.store.hashesOf(author, lower(old, now)))
        if (!this.#isRead(place)) continue;
        else if (this.counts(place)) this.#tree.add(place, sha256);
        else this.#tree.remove(place);
    }
  }

  /** Count and sum from a lamport on; undefined while the store is still being read. */
  sumAbove(floor: number): Omit<SyncSet, "frontier"> | undefined {
    if (!this.ready) return undefined;
    const { count, sum } = floor === 0 ? this.#tree.total : this.#tree.between([floor, ""], END);
    return { count, sum: Buffer.from(sum.toString(16).padStart(64, "0"), "hex").toString("base64url"), floor };
  }

  /** Places of the items with these first 16 bytes, hex. */
  find(ids: ReadonlySet<string>): Position[] {
    const starts = new Set([...ids].map((id) => Number.parseInt(id.slice(0, 8), 16)));
    const found: Position[] = [];
    for (const { position, hash } of this.#tree.items()) {
      const start = ((hash[0] ?? 0) << 24) | ((hash[1] ?? 0) << 16) | ((hash[2] ?? 0) << 8) | (hash[3] ?? 0);
      if (starts.has(start >>> 0) && ids.has(Buffer.from(hash.subarray(0, ID_BYTES)).toString("hex"))) found.push(position);
      if (found.length === ids.size) break;
    }
    return found;
  }

  async #build(): Promise<void> {
    const { store, clock } = this.#o;
    let since = clock.monotonic();
    while (this.#reading !== null && !this.#closed) {
      const rows = store.hashes(this.#reading, PAGE);
      for (const { sha256, ...place } of rows) if (this.counts(place)) this.#tree.add(place, sha256);
      this.#reading = rows.length < PAGE ? null : (rows.at(-1) as Position);
      if (clock.monotonic() - since < SLICE_MS) continue;
      await nextTurn();
      since = clock.monotonic();
    }
  }

  #isRead({ lamport, event_id }: Position): boolean {
    // The author decides only where two ids are alike; adding twice changes nothing.
    return this.#reading === null || compareBounds([lamport, event_id], [this.#reading.lamport, this.#reading.event_id]) <= 0;
  }
}

/** SHA-256 of the canonical heads, base64url. @source network.md §5 stage 0 */
export function frontierOf(heads: Record<NodeId, number>): string {
  return createHash("sha256").update(canonicalBytes(heads)).digest("base64url");
}

function lower(a: Cut | undefined, b: Cut | undefined): { lamport: number; event_id: string } {
  if (a === undefined || b === undefined) return a ?? b ?? { lamport: 0, event_id: "" };
  const [first, second]: Bound[] = [
    [a.lamport, a.event_id],
    [b.lamport, b.event_id],
  ];
  return compareBounds(first as Bound, second as Bound) <= 0 ? a : b;
}

/** What this node keeps for others, within limits that no flood can widen. @source 06 §4, H-7, H-9 */
import type { DhtKind, DhtValue, NodeId } from "../contract/index.ts";
import { canonicalText } from "../identity/index.ts";
import { bucketOf, keyBytes } from "./distance.ts";

export interface ValueLimits {
  perKeyAndKind: number;
  perSigner: number;
  values: number;
  bytes: number;
}

export const VALUE_LIMITS: ValueLimits = { perKeyAndKind: 8, perSigner: 64, values: 100_000, bytes: 67_108_864 };

/** Where values outlive the process. Everything in it has been checked. */
export interface ValueShelf {
  all(): Iterable<DhtValue>;
  put(value: DhtValue): void;
  delete(value: DhtValue): void;
}

interface Entry {
  value: DhtValue;
  bytes: number;
  bucket: number;
  proven: boolean;
  /** Ours, our community's or a federated one's: it goes last. */
  near: boolean;
}

export type Kept = "stored" | "older" | "crowded";

export class Values {
  readonly #self: Uint8Array;
  readonly #limits: ValueLimits;
  readonly #shelf: ValueShelf | undefined;
  /** By key and kind, then by signer. */
  readonly #places = new Map<string, Map<NodeId, Entry>>();
  readonly #perSigner = new Map<NodeId, number>();
  /** By bucket, so that the farthest are found without looking at all. */
  readonly #buckets = new Map<number, Set<Entry>>();
  #count = 0;
  #bytes = 0;

  constructor(o: { self: Uint8Array; limits?: Partial<ValueLimits>; shelf?: ValueShelf }) {
    this.#self = o.self;
    this.#limits = { ...VALUE_LIMITS, ...o.limits };
    this.#shelf = o.shelf;
  }

  get size(): number {
    return this.#count;
  }

  /** @param value  checked */
  put(value: DhtValue, o: { proven: boolean; near: boolean }): Kept {
    const { key, payload } = value;
    const signer = payload.node_id;
    const place = this.#places.get(placeOf(key, payload.kind)) ?? new Map<NodeId, Entry>();
    const former = place.get(signer);
    // Refreshing means a newer time by the same signer; of two with one time the smaller text stays, on every node.
    if (former !== undefined && !isNewer(value, former.value)) return "older";
    if (former === undefined) {
      if ((this.#perSigner.get(signer) ?? 0) >= this.#limits.perSigner) return "crowded";
      if (place.size >= this.#limits.perKeyAndKind) {
        const unproven = o.proven ? [...place.values()].find((entry) => !entry.proven) : undefined;
        if (unproven === undefined) return "crowded";
        this.#remove(unproven);
      }
    } else this.#remove(former);
    this.#add({ value, bytes: canonicalText(value).length, bucket: bucketOf(this.#self, keyBytes(key)), ...o });
    while (this.#count > this.#limits.values || this.#bytes > this.#limits.bytes) this.#evictFarthest();
    return this.#places.get(placeOf(key, payload.kind))?.has(signer) === true ? "stored" : "crowded";
  }

  /** Proven ones first, then the newest. */
  find(key: string, kind?: DhtKind): DhtValue[] {
    const kinds: readonly DhtKind[] = kind === undefined ? ["presence", "cid", "community"] : [kind];
    return kinds
      .flatMap((one) => [...(this.#places.get(placeOf(key, one))?.values() ?? [])])
      .toSorted((a, b) => Number(b.proven) - Number(a.proven) || b.value.payload.issued_at - a.value.payload.issued_at)
      .slice(0, this.#limits.perKeyAndKind)
      .map(({ value }) => value);
  }

  has(value: DhtValue): boolean {
    return this.#places.get(placeOf(value.key, value.payload.kind))?.get(value.payload.node_id)?.value === value;
  }

  *all(): Generator<DhtValue> {
    for (const place of this.#places.values()) for (const { value } of place.values()) yield value;
  }

  /** @param now  Unix seconds */
  expire(now: number): void {
    for (const place of this.#places.values())
      for (const entry of place.values()) if (entry.value.expires_at <= now) this.#remove(entry);
  }

  #evictFarthest(): void {
    const buckets = [...this.#buckets.keys()].toSorted((a, b) => b - a);
    const entries = (near: boolean): Entry | undefined => {
      for (const bucket of buckets) for (const entry of this.#buckets.get(bucket) ?? []) if (entry.near === near) return entry;
      return undefined;
    };
    const victim = entries(false) ?? entries(true);
    if (victim !== undefined) this.#remove(victim);
  }

  #add(entry: Entry): void {
    const { key, payload } = entry.value;
    const name = placeOf(key, payload.kind);
    const place = this.#places.get(name) ?? new Map<NodeId, Entry>();
    this.#places.set(name, place.set(payload.node_id, entry));
    this.#perSigner.set(payload.node_id, (this.#perSigner.get(payload.node_id) ?? 0) + 1);
    this.#buckets.set(entry.bucket, (this.#buckets.get(entry.bucket) ?? new Set()).add(entry));
    this.#count += 1;
    this.#bytes += entry.bytes;
    this.#shelf?.put(entry.value);
  }

  #remove(entry: Entry): void {
    const { key, payload } = entry.value;
    const name = placeOf(key, payload.kind);
    const place = this.#places.get(name);
    place?.delete(payload.node_id);
    if (place?.size === 0) this.#places.delete(name);
    const left = (this.#perSigner.get(payload.node_id) ?? 1) - 1;
    if (left > 0) this.#perSigner.set(payload.node_id, left);
    else this.#perSigner.delete(payload.node_id);
    const bucket = this.#buckets.get(entry.bucket);
    bucket?.delete(entry);
    if (bucket?.size === 0) this.#buckets.delete(entry.bucket);
    this.#count -= 1;
    this.#bytes -= entry.bytes;
    this.#shelf?.delete(entry.value);
  }
}

const placeOf = (key: string, kind: DhtKind): string => `${kind} ${key}`;

/** Of one signer, about one thing. @source network §3 selectNewest */
export function isNewer(value: DhtValue, than: DhtValue): boolean {
  const difference = value.payload.issued_at - than.payload.issued_at;
  return difference > 0 || (difference === 0 && canonicalText(value) < canonicalText(than));
}

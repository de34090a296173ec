import { LruMap, TokenBucket } from "../../foundation/index.ts";

const PENDING_PER_ADDRESS = 8;
const PENDING_TOTAL = 256;
const PER_ADDRESS = 20;
/** Half of all attempts is kept for addresses that have completed one lately. @source network.md §1.2 */
const FOR_ANYBODY = 100;
const FOR_PROVEN = 100;
const PROVEN_MS = 3_600_000;
const ADDRESSES_MAX = 4096;

/** How many handshakes may begin, before anything of them is read. Times are monotonic milliseconds. */
export class Attempts {
  readonly #pending: Map<string, number> = new Map();
  readonly #addresses: LruMap<string, TokenBucket> = new LruMap(ADDRESSES_MAX);
  readonly #times: LruMap<string, TokenBucket> = new LruMap(ADDRESSES_MAX);
  readonly #proven: LruMap<string, number> = new LruMap(ADDRESSES_MAX);
  readonly #anybody: TokenBucket;
  readonly #reserved: TokenBucket;
  #total = 0;

  constructor(now: number) {
    this.#anybody = new TokenBucket({ perSecond: FOR_ANYBODY, capacity: FOR_ANYBODY, now });
    this.#reserved = new TokenBucket({ perSecond: FOR_PROVEN, capacity: FOR_PROVEN, now });
  }

  /** @returns how to say that the attempt is over, or null when there may be none */
  begin(address: string, now: number): (() => void) | null {
    const pending = this.#pending.get(address) ?? 0;
    if (pending >= PENDING_PER_ADDRESS || this.#total >= PENDING_TOTAL) return null;
    if (bucketOf(this.#addresses, address, { perSecond: PER_ADDRESS, now }).take(now) > 0) return null;
    const isProven = (this.#proven.get(address) ?? 0) > now;
    if (!(isProven && this.#reserved.take(now) === 0) && this.#anybody.take(now) > 0) return null;
    this.#pending.set(address, pending + 1);
    this.#total += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#total -= 1;
      const left = (this.#pending.get(address) ?? 1) - 1;
      if (left === 0) this.#pending.delete(address);
      else this.#pending.set(address, left);
    };
  }

  /** A handshake from there was completed. */
  proven(address: string, now: number): void {
    this.#proven.set(address, now + PROVEN_MS);
  }

  /** Whether the signed time may be told there now. */
  tellsTime(address: string, now: number): boolean {
    return bucketOf(this.#times, address, { perSecond: 1, now }).take(now) === 0;
  }
}

function bucketOf(map: LruMap<string, TokenBucket>, key: string, o: { perSecond: number; now: number }): TokenBucket {
  let bucket = map.get(key);
  if (bucket === undefined) map.set(key, (bucket = new TokenBucket({ ...o, capacity: o.perSecond })));
  return bucket;
}

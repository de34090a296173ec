/** How often one address and one node may ask. @source 06 §4, H-9, network §3 */
import type { DhtRpc } from "../contract/index.ts";
import { LruMap, TokenBucket } from "../foundation/index.ts";

/** `greeting`: how many of those who ask are asked back, all together. */
export type Asked = DhtRpc | "greeting";
export type Rates = Record<Asked, { perSecond: number; capacity: number }>;

const RATES: Rates = {
  ping: { perSecond: 5, capacity: 5 },
  find_node: { perSecond: 20, capacity: 20 },
  find_value: { perSecond: 20, capacity: 20 },
  store: { perSecond: 100 / 60, capacity: 100 },
  greeting: { perSecond: 10, capacity: 20 },
};
const KNOWN_MAX = 8192;

export class Limits {
  readonly #buckets = new LruMap<string, TokenBucket>(KNOWN_MAX);

  readonly #rates: Rates;

  constructor(rates: Rates = RATES) {
    this.#rates = rates;
  }

  /**
   * @param who  an address before the signature is looked at, a node after it
   * @returns 0, or milliseconds to wait
   */
  take(who: string, rpc: Asked, now: number): number {
    const key = `${rpc} ${who}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket({ ...this.#rates[rpc], now });
      this.#buckets.set(key, bucket);
    }
    return bucket.take(now);
  }

  /** Of how many something is remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Whoever asked nothing for so long that all is allowed again. */
  forget(now: number): void {
    this.#buckets.trim((bucket) => bucket.isFull(now));
  }
}

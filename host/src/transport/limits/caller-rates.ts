import { CONSTANTS } from "../../contract/index.ts";
import { LruMap, TokenBucket } from "../../foundation/index.ts";
import type { Verdict } from "./address-guard.ts";

/** Calls per second. The operator may set other rates for the node. @source 02 §6, T-12 */
export interface Rates {
  softPerCapability: number;
  hardPerCapability: number;
  softTotal: number;
  hardTotal: number;
}

export const DEFAULT_RATES: Rates = {
  softPerCapability: CONSTANTS.RATE_SOFT_RPS_PER_CAPABILITY,
  hardPerCapability: CONSTANTS.RATE_HARD_RPS_PER_CAPABILITY,
  softTotal: CONSTANTS.RATE_SOFT_RPS_TOTAL,
  hardTotal: CONSTANTS.RATE_HARD_RPS_TOTAL,
};

const CALLERS_MAX = 8192;

interface Pair {
  soft: TokenBucket;
  hard: TokenBucket;
}

/** Buckets per (caller, capability) and per caller; soft ones are answered, hard ones dropped. Times are monotonic milliseconds. */
export class CallerRates {
  readonly #rates: Rates;
  readonly #pairs: LruMap<string, Pair> = new LruMap(CALLERS_MAX);
  readonly #callers: LruMap<string, Pair> = new LruMap(CALLERS_MAX);

  constructor(rates: Rates = DEFAULT_RATES) {
    this.#rates = rates;
  }

  take(caller: string, capability: string, now: number): Verdict {
    const { softPerCapability, hardPerCapability, softTotal, hardTotal } = this.#rates;
    const one = pairOf(this.#pairs, `${caller} ${capability}`, { soft: softPerCapability, hard: hardPerCapability, now });
    const all = pairOf(this.#callers, caller, { soft: softTotal, hard: hardTotal, now });
    if (Math.max(one.hard.take(now), all.hard.take(now)) > 0) return { kind: "drop" };
    // A refused call takes nothing from what the caller may do elsewhere.
    const waitMs = one.soft.take(now) || refunding(one.soft, all.soft.take(now));
    return waitMs === 0 ? { kind: "pass" } : { kind: "wait", retryAfterMs: waitMs };
  }
}

function refunding(bucket: TokenBucket, waitMs: number): number {
  if (waitMs > 0) bucket.giveBack();
  return waitMs;
}

function pairOf(map: LruMap<string, Pair>, key: string, o: { soft: number; hard: number; now: number }): Pair {
  const known = map.get(key);
  if (known) return known;
  const pair = {
    soft: new TokenBucket({ perSecond: o.soft, now: o.now }),
    hard: new TokenBucket({ perSecond: o.hard, now: o.now }),
  };
  map.set(key, pair);
  return pair;
}

import { CONSTANTS } from "../../contract/index.ts";
import { LruMap, TokenBucket } from "../../foundation/index.ts";

export type Verdict = { kind: "pass" } | { kind: "wait"; retryAfterMs: number } | { kind: "drop" };

const PASS: Verdict = { kind: "pass" };
const DROP: Verdict = { kind: "drop" };
const BLOCK_MS = 60_000;
const WINDOW_MS = 60_000;
/** How long a member that proved itself from an address is let past the address's limit. */
const PROVEN_MS = 600_000;
/** Refusals per second and address that are worth an answer; beyond them the connection is dropped. */
const ANSWERS_PER_SECOND = 10;
const ADDRESSES_MAX = 4096;

interface AddressState {
  bucket: TokenBucket;
  answers: TokenBucket;
  failures: number[];
  blockedUntil: number;
}

/**
 * Limits what one address may send before any cryptography. Members who have proven themselves from it do not share its fate: behind one
 * router live many neighbours. Times are monotonic milliseconds.
 * @source 02 T-12
 */
export class AddressGuard {
  readonly #perSecond: number;
  readonly #addresses: LruMap<string, AddressState> = new LruMap(ADDRESSES_MAX);
  /** `address node` → until when, and how often the name was misused since. */
  readonly #proven: LruMap<string, { until: number; failures: number }> = new LruMap(ADDRESSES_MAX);

  constructor(o: { perSecond?: number } = {}) {
    this.#perSecond = o.perSecond ?? CONSTANTS.RATE_PRE_AUTH_RPS_PER_IP;
  }

  arrive(address: string, claimedNode: string | undefined, now: number): Verdict {
    if (claimedNode !== undefined && (this.#proven.get(`${address} ${claimedNode}`)?.until ?? 0) > now) return PASS;
    const state = this.#state(address, now);
    const blockedMs = state.blockedUntil - now;
    const waitMs = blockedMs > 0 ? blockedMs : state.bucket.take(now);
    if (waitMs === 0) return PASS;
    return state.answers.take(now) === 0 ? { kind: "wait", retryAfterMs: Math.ceil(waitMs) } : DROP;
  }

  /** A member's request from this address was in order. */
  proven(address: string, node: string, now: number): void {
    this.#proven.set(`${address} ${node}`, { until: now + PROVEN_MS, failures: 0 });
  }

  /** Twenty bad signatures within a minute block an address for a minute. */
  failedSignature(address: string, claimedNode: string, now: number): void {
    const key = `${address} ${claimedNode}`;
    const proof = this.#proven.get(key);
    if (proof && ++proof.failures >= CONSTANTS.SIGNATURE_FAILURES_PER_MINUTE) this.#proven.delete(key);
    const state = this.#state(address, now);
    state.failures = state.failures.filter((at) => now - at < WINDOW_MS);
    state.failures.push(now);
    if (state.failures.length >= CONSTANTS.SIGNATURE_FAILURES_PER_MINUTE) {
      state.blockedUntil = now + BLOCK_MS;
      state.failures = [];
    }
  }

  #state(address: string, now: number): AddressState {
    let state = this.#addresses.get(address);
    if (!state) {
      state = {
        bucket: new TokenBucket({ perSecond: this.#perSecond, now }),
        answers: new TokenBucket({ perSecond: ANSWERS_PER_SECOND, now }),
        failures: [],
        blockedUntil: 0,
      };
      this.#addresses.set(address, state);
    }
    return state;
  }
}

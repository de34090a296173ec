import type { Clock } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

const PER_MINUTE = 5;
const LONGEST_WAIT_MS = 15 * 60_000;
const ADDRESSES_MAX = 1000;

/** Wrong passwords per address: five a minute, then a wait that doubles. @source admin-ui §4 "Ways in" */
export class Tries {
  readonly #clock: Clock;
  readonly #byAddress: Map<string, { failed: number; since: number; until: number }> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws rate_limited with the time to wait */
  admit(address: string): void {
    const now = this.#clock.now();
    const entry = this.#byAddress.get(address);
    if (entry !== undefined && entry.until > now)
      throw new HnError("rate_limited", {
        retryAfterMs: entry.until - now,
        message: `Too many wrong passwords. Try again in ${Math.ceil((entry.until - now) / 1000)} s.`,
      });
  }

  failed(address: string): void {
    const now = this.#clock.now();
    const entry = this.#byAddress.get(address) ?? { failed: 0, since: now, until: 0 };
    if (now - entry.since > 60_000 && entry.failed < PER_MINUTE) Object.assign(entry, { failed: 0, since: now });
    entry.failed += 1;
    if (entry.failed >= PER_MINUTE) entry.until = now + Math.min(LONGEST_WAIT_MS, 60_000 * 2 ** (entry.failed - PER_MINUTE));
    if (this.#byAddress.size > ADDRESSES_MAX) this.#byAddress.clear();
    this.#byAddress.set(address, entry);
  }

  forget(address: string): void {
    this.#byAddress.delete(address);
  }
}

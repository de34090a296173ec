/** Rights and trial runs that end by themselves. @source plugin-platform §3.4.1 */
import type { Clock, Grant, Timer } from "../../contract/index.ts";

/** Looks again at the latest after this time, as a clock may jump. */
const LOOK_MS = 60 * 60_000;

export interface ExpiryOptions {
  clock: Clock;
  /** What ends at some time, with when; times in Unix milliseconds. */
  ends: () => Iterable<number>;
  /** Something may have ended. */
  onDue: () => void;
}

/** One timer for the next thing that ends. */
export class Expiry {
  readonly #o: ExpiryOptions;
  #timer: Timer | undefined;
  /** What ended until then was looked at. */
  #lookedAt: number;

  constructor(options: ExpiryOptions) {
    this.#o = options;
    this.#lookedAt = options.clock.now();
  }

  /** Sets the timer anew; called whenever what ends may have changed. What ran out before the former timer came is due at once. */
  plan(): void {
    this.#timer?.cancel();
    const { clock, ends } = this.#o;
    const now = clock.now();
    // A clock that was set back has not looked at what is to come.
    this.#lookedAt = Math.min(this.#lookedAt, now);
    const next = Math.min(...[...ends()].filter((at) => at > this.#lookedAt));
    if (next === Infinity) return;
    this.#timer = clock.setTimeout(() => this.#due(), Math.min(LOOK_MS, Math.max(0, next - now)));
  }

  #due(): void {
    this.#lookedAt = this.#o.clock.now();
    this.#o.onDue();
    this.plan();
  }

  close(): void {
    this.#timer?.cancel();
  }
}

/** Rows whose time was up between two moments. */
export function endedBetween(grants: readonly Grant[], from: number, to: number): Grant[] {
  return grants.filter(({ expires }) => expires !== undefined && expires > from && expires <= to);
}

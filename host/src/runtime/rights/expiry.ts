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

  constructor(options: ExpiryOptions) {
    this.#o = options;
  }

  /** Sets the timer anew; called whenever what ends may have changed. */
  plan(): void {
    this.#timer?.cancel();
    const { clock, ends, onDue } = this.#o;
    const now = clock.now();
    const next = Math.min(...[...ends()].filter((at) => at > now));
    if (next === Infinity) return;
    this.#timer = clock.setTimeout(
      () => {
        onDue();
        this.plan();
      },
      Math.min(LOOK_MS, next - now),
    );
  }

  close(): void {
    this.#timer?.cancel();
  }
}

/** Rows whose time was up between two moments. */
export function endedBetween(grants: readonly Grant[], from: number, to: number): Grant[] {
  return grants.filter(({ expires }) => expires !== undefined && expires > from && expires <= to);
}

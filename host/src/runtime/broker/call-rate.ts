const SECONDS = 60;

/** Calls of the last minute, counted by the second: as exact as a page needs, and no list that grows with the calls. */
export class CallRate {
  readonly #counts: number[] = Array.from({ length: SECONDS }, () => 0);
  #second = 0;

  /** @param now  monotonic milliseconds */
  note(now: number): void {
    this.#turnTo(now);
    const slot = this.#second % SECONDS;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  lastMinute(now: number): number {
    this.#turnTo(now);
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  /** Empties the seconds that have passed since the last look. */
  #turnTo(now: number): void {
    const second = Math.floor(now / 1000);
    if (second <= this.#second) return;
    for (let at = Math.max(this.#second + 1, second - SECONDS + 1); at <= second; at++) this.#counts[at % SECONDS] = 0;
    this.#second = second;
  }
}

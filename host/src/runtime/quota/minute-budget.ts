const SECONDS = 60;
/** The second that runs and sixty before it: whatever minute is looked at lies inside. */
const SLOTS = SECONDS + 1;

/** Counts what was used in the last minute, by the second, so that no minute whatever holds more than it may. */
export class MinuteBudget {
  readonly #used: number[] = Array.from({ length: SLOTS }, () => 0);
  #second = 0;
  #total = 0;

  /** @param now  monotonic milliseconds @returns 0 when one more was taken, else milliseconds until there is room */
  take(limit: number, now: number): number {
    const wait = this.wait(limit, now);
    if (wait === 0) this.spend(1, now);
    return wait;
  }

  /** @returns 0 when there is room for one more, else milliseconds until there is */
  wait(limit: number, now: number): number {
    this.#turnTo(now);
    let left = this.#total;
    if (left < limit) return 0;
    for (let second = this.#second - SECONDS; second <= this.#second; second += 1) {
      left -= this.#used[mod(second)] ?? 0;
      if (left < limit) return Math.max(1, Math.ceil((second + SLOTS) * 1000 - now));
    }
    return SLOTS * 1000;
  }

  /** Counts what has been used already, be it more than there was room for. */
  spend(amount: number, now: number): void {
    this.#turnTo(now);
    const at = mod(this.#second);
    this.#used[at] = (this.#used[at] ?? 0) + amount;
    this.#total += amount;
  }

  #turnTo(now: number): void {
    const second = Math.floor(now / 1000);
    for (let next = Math.max(this.#second + 1, second - SECONDS); next <= second; next += 1) {
      this.#total -= this.#used[mod(next)] ?? 0;
      this.#used[mod(next)] = 0;
    }
    this.#second = Math.max(this.#second, second);
  }
}

const mod = (second: number): number => ((second % SLOTS) + SLOTS) % SLOTS;

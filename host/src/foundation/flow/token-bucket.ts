/** Classic token bucket on a monotonic clock. @source 02 T-12: capacity = 2 × rate */
export class TokenBucket {
  readonly #ratePerMs: number;
  readonly #capacity: number;
  #level: number;
  #at: number;

  constructor(o: { perSecond: number; capacity?: number; now: number }) {
    this.#ratePerMs = o.perSecond / 1000;
    this.#capacity = o.capacity ?? o.perSecond * 2;
    this.#level = this.#capacity;
    this.#at = o.now;
  }

  /** @returns 0 when a token was taken, else milliseconds until there is one */
  take(now: number): number {
    this.#fill(now);
    if (this.#level >= 1) {
      this.#level -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - this.#level) / this.#ratePerMs));
  }

  /** Takes a token whether there is one or not. @returns 0, or milliseconds until what was taken too much has come in again */
  borrow(now: number): number {
    this.#fill(now);
    this.#level -= 1;
    return this.#level >= 0 ? 0 : Math.ceil(-this.#level / this.#ratePerMs);
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#capacity, this.#level + Math.max(0, now - this.#at) * this.#ratePerMs);
    this.#at = Math.max(this.#at, now);
  }

  /** Undoes a `take` that came to nothing. */
  giveBack(): void {
    this.#level = Math.min(this.#capacity, this.#level + 1);
  }

  /** True when nothing was taken for so long that forgetting the bucket changes nothing. */
  isFull(now: number): boolean {
    return this.#level + Math.max(0, now - this.#at) * this.#ratePerMs >= this.#capacity;
  }
}

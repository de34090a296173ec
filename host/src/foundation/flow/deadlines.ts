import type { Clock, Timer } from "../../contract/index.ts";

/** Something that must not run past a moment. */
export interface Expiring {
  /** Monotonic milliseconds; fixed while it is watched. */
  deadline: number;
  /** Where it is kept; −1 while not watched. Kept by {@link Deadlines}. */
  place: number;
  expire(): void;
}

/** What is due sooner stands in order. */
const AHEAD_MS = 1000;

/**
 * Two timers for all running calls. What is due soon is a binary heap by deadline; what has longer lies unordered beside it and is looked through twice
 * a second. Most calls have half a minute and end in milliseconds: for them there is nothing to compare.
 */
export class Deadlines {
  readonly #clock: Clock;
  /** An item at index `i` has the place `2i`. */
  readonly #heap: Expiring[] = [];
  /** An item at index `i` has the place `2i + 1`. */
  readonly #later: Expiring[] = [];
  #timer: Timer | null = null;
  #armedFor = Infinity;
  /** Looks through what has longer; null while there is nothing to look for. */
  #look: Timer | null = null;
  /** Monotonic milliseconds; what is due from then on has longer. Of use while `#look` is set. */
  #soon = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(item: Expiring): void {
    if (this.#look === null) this.#lookAgain();
    if (item.deadline < this.#soon) return this.#order(item);
    item.place = this.#later.length * 2 + 1;
    this.#later.push(item);
  }

  /** The timers stay as they are: when one finds nothing due it looks for the next. */
  forget(item: Expiring): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const index = place >> 1;
    if ((place & 1) === 0) return this.#closeGap(index);
    const last = this.#later.pop();
    if (last === undefined || last === item) return;
    this.#later[index] = last;
    last.place = place;
  }

  close(): void {
    this.#timer?.cancel();
    this.#look?.cancel();
    this.#look = null;
    this.#heap.length = 0;
    this.#later.length = 0;
  }

  #lookAgain(): void {
    this.#soon = this.#clock.monotonic() + AHEAD_MS;
    this.#look = this.#clock.setTimeout(() => this.#sort(), AHEAD_MS / 2);
  }

  /** Whatever has come near is put in order; half of the time that this looks ahead is left for a timer that is late. */
  #sort(): void {
    this.#look = null;
    if (this.#later.length === 0) return;
    this.#lookAgain();
    for (const item of this.#later.filter(({ deadline }) => deadline < this.#soon)) {
      this.forget(item);
      this.#order(item);
    }
  }

  #order(item: Expiring): void {
    this.#heap.push(item);
    this.#up(item, this.#heap.length - 1);
    if (item.deadline < this.#armedFor) this.#arm(item.deadline);
  }

  #closeGap(index: number): void {
    const last = this.#heap.pop();
    // The gap was at the end.
    if (last === undefined || index === this.#heap.length) return;
    this.#down(last, index);
    if (last.place === index * 2) this.#up(last, index);
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#armedFor = at;
    this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.max(0, at - this.#clock.monotonic()));
  }

  #fire(): void {
    this.#armedFor = Infinity;
    this.#timer = null;
    const now = this.#clock.monotonic();
    for (let head = this.#heap[0]; head && head.deadline <= now; head = this.#heap[0]) {
      this.forget(head);
      head.expire();
    }
    const next = this.#heap[0];
    // A timer may fire a fraction early; never spin on it.
    if (next && next.deadline < this.#armedFor) this.#arm(Math.max(next.deadline, now + 1));
  }

  #up(item: Expiring, place: number): void {
    const heap = this.#heap;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = heap[above];
      if (!other || other.deadline <= item.deadline) break;
      heap[place] = other;
      other.place = place * 2;
      place = above;
    }
    heap[place] = item;
    item.place = place * 2;
  }

  #down(item: Expiring, place: number): void {
    const heap = this.#heap;
    for (;;) {
      let child = place * 2 + 1;
      const right = heap[child + 1];
      let lower = heap[child];
      if (!lower) break;
      if (right && right.deadline < lower.deadline) {
        lower = right;
        child += 1;
      }
      if (lower.deadline >= item.deadline) break;
      heap[place] = lower;
      lower.place = place * 2;
      place = child;
    }
    heap[place] = item;
    item.place = place * 2;
  }
}

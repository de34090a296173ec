import type { Clock, Timer } from "../../contract/index.ts";

/** Something that must not run past a moment. */
export interface Expiring {
  /** Monotonic milliseconds; fixed while it is watched. */
  deadline: number;
  /** Place in the heap; −1 while not watched. Kept by {@link Deadlines}. */
  place: number;
  expire(): void;
}

/** One timer for all running calls: a binary heap by deadline, so that a short call costs a few comparisons instead of a timer of its own. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #heap: Expiring[] = [];
  #timer: Timer | null = null;
  #armedFor = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(item: Expiring): void {
    this.#heap.push(item);
    this.#up(item, this.#heap.length - 1);
    if (item.deadline < this.#armedFor) this.#arm(item.deadline);
  }

  /** The timer stays as it is: when it finds nothing due it looks for the next. */
  forget(item: Expiring): void {
    const { place } = item;
    if (place < 0) return;
    item.place = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#down(last, place);
    if (last.place === place) this.#up(last, place);
  }

  close(): void {
    this.#timer?.cancel();
    this.#heap.length = 0;
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
      other.place = place;
      place = above;
    }
    heap[place] = item;
    item.place = place;
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
      lower.place = place;
      place = child;
    }
    heap[place] = item;
    item.place = place;
  }
}

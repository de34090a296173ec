import type { Clock, Timer } from "../../contract/index.ts";

/** Something that must not run past a moment. */
export interface Expiring {
  /** Monotonic milliseconds. */
  deadline: number;
  /** No longer interested. */
  over: boolean;
  expire(): void;
}

/**
 * One timer for all running calls: a binary heap by deadline. Finished calls stay in it until they are half of it, then they are swept, so
 * that a short call costs two comparisons instead of a timer.
 */
export class Deadlines {
  readonly #clock: Clock;
  #heap: Expiring[] = [];
  #finished = 0;
  #timer: Timer | null = null;
  #armedFor = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(item: Expiring): void {
    this.#heap.push(item);
    this.#up(this.#heap.length - 1);
    if (item.deadline < this.#armedFor) this.#arm(item.deadline);
  }

  /** Call once when an item has become `over`. */
  finished(): void {
    this.#finished += 1;
    if (this.#finished > 256 && this.#finished * 2 > this.#heap.length) this.#sweep();
  }

  close(): void {
    this.#timer?.cancel();
    this.#heap = [];
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
    for (let head = this.#heap[0]; head && (head.over || head.deadline <= now); head = this.#heap[0]) {
      this.#pop();
      if (head.over) this.#finished -= 1;
      else head.expire();
    }
    const next = this.#heap[0];
    // A timer may fire a fraction early; never spin on it.
    if (next && next.deadline < this.#armedFor) this.#arm(Math.max(next.deadline, now + 1));
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((item) => !item.over).sort((a, b) => a.deadline - b.deadline);
    this.#finished = 0;
  }

  #up(index: number): void {
    const heap = this.#heap;
    const item = heap[index];
    if (!item) return;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const other = heap[above];
      if (!other || other.deadline <= item.deadline) break;
      heap[index] = other;
      index = above;
    }
    heap[index] = item;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      const right = heap[child + 1];
      let lower = heap[child];
      if (!lower) break;
      if (right && right.deadline < lower.deadline) {
        lower = right;
        child += 1;
      }
      if (lower.deadline >= last.deadline) break;
      heap[index] = lower;
      index = child;
    }
    heap[index] = last;
  }
}

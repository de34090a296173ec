/** Virtual time: what is due is done in order, one thing after another, and time passes only in between. @source network.md N-7 */
import { createHash, type Hash } from "node:crypto";
import type { Clock, Timer } from "../../host/src/contract/index.ts";
import type { SimRandom } from "./random.ts";

/** Taken before anybody forbids them. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/**
 * After each event so many turns of the real event loop: promise chains settle in one, a request and a stream that are handed on with
 * `nextTick` and `setImmediate` in a few. All of it happens on this thread, so that the same seed settles in the same way.
 */
const TURNS = 4;
const START_UNIX_MS = Date.UTC(2026, 6, 1, 12);

interface Due {
  at: number;
  /** Among what is due at one moment, chance decides, the same for the same seed. */
  tie: number;
  seq: number;
  label: string;
  owner: SimClock | null;
  fn: (() => void) | null;
}

const before = (a: Due, b: Due): boolean => a.at - b.at < 0 || (a.at === b.at && (a.tie - b.tie || a.seq - b.seq) < 0);

export class Scheduler {
  readonly #random: SimRandom;
  readonly #heap: Due[] = [];
  readonly #trace: Hash = createHash("sha256");
  readonly #recent: string[] = [];
  #seq = 0;
  #now = 0;
  events = 0;
  /** Turns of the real event loop after each event; where there are only promises, one is enough. */
  turns: number = TURNS;

  constructor(random: SimRandom) {
    this.#random = random.fork("scheduler");
  }

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** The last events, for a report of what went wrong. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  /** Of everything that has happened: equal for equal seeds. */
  get digest(): string {
    return this.#trace.copy().digest("hex").slice(0, 16);
  }

  /** A moment's note in the trace. */
  note(text: string): void {
    const line = `${this.#now.toFixed(3)} ${text}`;
    this.#trace.update(`${line}\n`);
    this.#recent.push(line);
    if (this.#recent.length > 200) this.#recent.shift();
  }

  at(delayMs: number, o: { label: string; owner?: SimClock; fn: () => void }): Timer {
    const due: Due = {
      at: this.#now + Math.max(0, delayMs),
      tie: this.#random.u32(),
      seq: (this.#seq += 1),
      label: o.label,
      owner: o.owner ?? null,
      fn: o.fn,
    };
    this.#push(due);
    return {
      cancel: () => {
        due.fn = null;
      },
    };
  }

  /** A clock of one node. @param label  shown in the trace */
  clock(label: string): SimClock {
    return new SimClock(this, label);
  }

  /** Lets `ms` of virtual time pass. @throws when more than `maxEvents` happen meanwhile */
  async pass(ms: number, maxEvents = 5_000_000): Promise<void> {
    const end = this.#now + ms;
    // What the story has done just now happens now, not with the next event.
    await this.#settle();
    await this.#run((due) => due.at > end, maxEvents);
    this.#now = end;
  }

  /** Lets time pass until the promise is settled. @throws when it is not within `ms` */
  async settled<T>(promise: Promise<T>, ms = 600_000): Promise<T> {
    let isOver = false;
    const watched = promise.finally(() => (isOver = true));
    watched.catch(() => undefined);
    const end = this.#now + ms;
    await this.#settle();
    await this.#run((due) => isOver || due.at > end, 5_000_000);
    if (!isOver) throw new Error(`nothing came of it within ${ms} ms of the world's time`);
    return watched;
  }

  async #run(isEnough: (next: Due) => boolean, maxEvents: number): Promise<void> {
    for (let count = 0; ;) {
      const next = this.#heap[0];
      if (next === undefined || isEnough(next)) return;
      this.#pop();
      const { fn, owner } = next;
      if (fn === null || owner?.isGone === true) continue;
      this.#now = Math.max(this.#now, next.at);
      if (owner?.isPaused === true) {
        owner.later(next.label, fn);
        continue;
      }
      if ((count += 1) > maxEvents) throw new Error(`more than ${maxEvents} events: ${this.#recent.slice(-5).join(" | ")}`);
      this.events += 1;
      this.note(next.label);
      fn();
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    for (let count = 0; count < this.turns; count += 1) await turn();
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Due;
      if (!before(due, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Due;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Due, heap[child] as Due)) child += 1;
      if (!before(heap[child] as Due, last)) break;
      heap[index] = heap[child] as Due;
      index = child;
    }
    heap[index] = last;
  }
}

/** The clock of one node: it may be wrong, run fast or slow, jump, and stand still together with all that its node does. */
export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly #label: string;
  readonly #waiting: [label: string, fn: () => void][] = [];
  #offsetMs = 0;
  /** Parts per million by which it runs fast, since when. */
  #drift = { ppm: 0, since: 0, gained: 0 };
  isPaused = false;
  isGone = false;

  constructor(scheduler: Scheduler, label: string) {
    this.#scheduler = scheduler;
    this.#label = label;
  }

  /** That of the next process on the same machine: its wall clock is as wrong as before. */
  next(): SimClock {
    const clock = new SimClock(this.#scheduler, this.#label);
    clock.#offsetMs = this.#offsetMs;
    clock.#drift = { ...this.#drift };
    return clock;
  }

  now(): number {
    return Math.floor(START_UNIX_MS + this.#offsetMs + this.#own());
  }

  monotonic(): number {
    return 1000 + this.#own();
  }

  setTimeout(fn: () => void, delayMs: number): Timer {
    const real = delayMs / (1 + this.#drift.ppm / 1_000_000);
    return this.#scheduler.at(real, { label: `${this.#label} timer`, owner: this, fn });
  }

  /** Sets the wall clock by so much; what rises only, rises on. */
  step(ms: number): void {
    this.#offsetMs += ms;
  }

  /** From now on it gains so much. */
  setDrift(ppm: number): void {
    this.#drift = { ppm, since: this.#scheduler.now, gained: this.#gained() };
  }

  /** The process stands still, as with a closed lid: nothing happens in it, everything happens afterwards. */
  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    for (const [label, fn] of this.#waiting.splice(0)) this.#scheduler.at(0, { label: `${label} late`, owner: this, fn });
  }

  /** For the scheduler: what fell due while it stood still. */
  later(label: string, fn: () => void): void {
    this.#waiting.push([label, fn]);
  }

  #own(): number {
    return this.#scheduler.now + this.#gained();
  }

  #gained(): number {
    const { ppm, since, gained } = this.#drift;
    return gained + ((this.#scheduler.now - since) * ppm) / 1_000_000;
  }
}

import type { Clock, Timer } from "../../contract/index.ts";

const LONGEST_TIMER_MS = 2_147_483_647;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (fn, delayMs) => {
    const due = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    // Node fires a longer delay at once, so a month is waited for in pieces.
    const arm = (): void => {
      const left = Math.max(0, due - performance.now());
      timer = left > LONGEST_TIMER_MS ? setTimeout(arm, LONGEST_TIMER_MS) : setTimeout(fn, left);
      timer.unref();
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A clock that moves only when told: for tests and simulation. */
export class ManualClock implements Clock {
  #now: number;
  #monotonic = 1000;
  #seq = 0;
  readonly #timers: { at: number; seq: number; fn: () => void }[] = [];

  constructor(startUnixMs: number = Date.UTC(2026, 6, 1, 12)) {
    this.#now = startUnixMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  setTimeout(fn: () => void, delayMs: number): Timer {
    const timer = { at: this.#monotonic + Math.max(0, delayMs), seq: this.#seq++, fn };
    this.#timers.push(timer);
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
      },
    };
  }

  /** Moves on and fires what falls due, in order. */
  advance(ms: number): void {
    const end = this.#monotonic + ms;
    for (;;) {
      const next = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at || a.seq - b.seq)[0];
      if (next === undefined) break;
      this.#step(next.at);
      this.#timers.splice(this.#timers.indexOf(next), 1);
      next.fn();
    }
    this.#step(end);
  }

  /** Sets the wall clock only, as an operator or NTP does. */
  setNow(unixMs: number): void {
    this.#now = unixMs;
  }

  #step(to: number): void {
    this.#now += to - this.#monotonic;
    this.#monotonic = to;
  }
}

import type { Clock, Timer } from "../../contract/index.ts";

/** The kernel counts in steps of 10 ms; looking more often finds nothing new. */
const SHORTEST_LOOK_MS = 100;

export interface CpuLimitOptions {
  clock: Clock;
  /** Processor time so far, milliseconds. */
  used: () => number;
  limitMs: number;
  /** How many processors it may use at a time. */
  cores: number;
  onOver: () => void;
}

/**
 * Ends a piece of work that has used up its processor time. It is looked at when it could have at the earliest, so what keeps to its time costs
 * hardly a look.
 * @source plugin-platform §4.4
 */
export class CpuLimit {
  readonly #o: CpuLimitOptions;
  readonly #before: number;
  #timer: Timer;

  constructor(options: CpuLimitOptions) {
    this.#o = options;
    this.#before = options.used();
    this.#timer = this.#later(options.limitMs);
  }

  stop(): void {
    this.#timer.cancel();
  }

  #later(leftMs: number): Timer {
    const { clock, cores } = this.#o;
    return clock.setTimeout(() => this.#look(), Math.max(SHORTEST_LOOK_MS, leftMs / Math.max(cores, 1)));
  }

  #look(): void {
    const leftMs = this.#o.limitMs - (this.#o.used() - this.#before);
    if (leftMs <= 0) this.#o.onOver();
    else this.#timer = this.#later(leftMs);
  }
}

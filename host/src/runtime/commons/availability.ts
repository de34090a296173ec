/** What this node can count on at the moment, such as the internet, as one plugin watches it for all. @source plugin-platform §3.1 availability.set; 35 §3.10, §5 */
import type { Clock, Timer } from "../../contract/index.ts";

/** By name; what is not named is there. */
export type Flags = Readonly<Record<string, boolean>>;

interface Missing {
  by: string;
  until: number;
  timer: Timer;
}

/** What a plugin that is gone has said holds so long and no longer: a fault of it must not switch services off for ever. */
const LEFT_MS = 60_000;

export class Availability {
  readonly #clock: Clock;
  readonly #missing = new Map<string, Missing>();
  readonly #listeners = new Set<(flags: Flags) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get flags(): Flags {
    return Object.fromEntries([...this.#missing.keys()].toSorted().map((flag) => [flag, false]));
  }

  /** @param o.ttlMs  after so long without another word it counts as there */
  set(flag: string, value: boolean, o: { by: string; ttlMs: number }): void {
    const before = this.#missing.get(flag);
    before?.timer.cancel();
    if (value) this.#missing.delete(flag);
    else this.#hold(flag, o.by, this.#clock.monotonic() + o.ttlMs);
    if ((before === undefined) !== value) this.#tell();
  }

  /** Whoever said so has ended, and may come back: it holds for another minute at most. */
  leave(by: string): void {
    const latest = this.#clock.monotonic() + LEFT_MS;
    for (const [flag, missing] of this.#missing) {
      if (missing.by !== by || missing.until <= latest) continue;
      missing.timer.cancel();
      this.#hold(flag, by, latest);
    }
  }

  /** Takes back what was said by those who may not say it any more. */
  retract(may: (by: string, flag: string) => boolean): void {
    const lost = [...this.#missing].filter(([flag, { by }]) => !may(by, flag));
    for (const [flag, { timer }] of lost) {
      timer.cancel();
      this.#missing.delete(flag);
    }
    if (lost.length > 0) this.#tell();
  }

  /** Told after every change. @returns a function that ends it */
  watch(listener: (flags: Flags) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #hold(flag: string, by: string, until: number): void {
    const timer = this.#clock.setTimeout(() => {
      this.#missing.delete(flag);
      this.#tell();
    }, until - this.#clock.monotonic());
    this.#missing.set(flag, { by, until, timer });
  }

  #tell(): void {
    const { flags } = this;
    for (const listener of this.#listeners) listener(flags);
  }
}

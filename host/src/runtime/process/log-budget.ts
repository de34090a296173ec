import type { Clock, Timer } from "../../contract/index.ts";

export const LOG_BYTES_PER_MINUTE = 5_000_000;
const LINE_BYTES = 100;
const MINUTE_MS = 60_000;

/** What a plugin may print in a minute, by all its ways together: what is more is dropped, and how much it was is said once the minute is over. */
export class LogBudget {
  readonly #clock: Clock;
  readonly #report: (line: string) => void;
  #began = 0;
  #bytes = 0;
  #dropped = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, report: (line: string) => void) {
    this.#clock = clock;
    this.#report = report;
    this.#began = clock.monotonic();
  }

  /** True when nothing more is taken in this minute. */
  get isSpent(): boolean {
    this.#turn();
    return this.#bytes > LOG_BYTES_PER_MINUTE;
  }

  /**
   * @param lines  how many lines they make: a line costs something, however short it is
   * @returns false when it is to be dropped
   */
  take(bytes: number, lines = 0): boolean {
    const now = this.#turn();
    this.#bytes += bytes + lines * LINE_BYTES;
    if (this.#bytes <= LOG_BYTES_PER_MINUTE) return true;
    this.#dropped += bytes;
    // Whoever falls silent afterwards is told of all the same.
    this.#timer ??= this.#clock.setTimeout(() => this.finish(), MINUTE_MS - (now - this.#began));
    return false;
  }

  /** @returns monotonic milliseconds */
  #turn(): number {
    const now = this.#clock.monotonic();
    if (now - this.#began < MINUTE_MS) return now;
    this.finish();
    this.#began = now;
    this.#bytes = 0;
    return now;
  }

  /** Says what was dropped until now. */
  finish(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#dropped === 0) return;
    this.#report(`(${this.#dropped} bytes of output dropped: more than ${LOG_BYTES_PER_MINUTE / 1e6} MB in a minute)`);
    this.#dropped = 0;
  }
}

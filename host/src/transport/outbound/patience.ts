import { HnError } from "../../foundation/index.ts";
import type { Clock, Timer } from "../../contract/index.ts";

const CANCELLED = "The call was cancelled by its caller.";

/** Ends a piece of work with the caller's signal, or when time is up. Call `stop` when the work is done. */
export class Patience {
  readonly #clock: Clock;
  readonly #caller: AbortSignal | undefined;
  readonly #controller: AbortController = new AbortController();
  #timer: Timer;
  #cancelled = false;

  /** @param o.timeoutMs  milliseconds */
  constructor(clock: Clock, o: { signal?: AbortSignal | undefined; timeoutMs: number }) {
    this.#clock = clock;
    this.#caller = o.signal;
    this.#timer = clock.setTimeout(this.#late, Math.max(0, o.timeoutMs));
    if (o.signal?.aborted === true) this.#leave();
    else o.signal?.addEventListener("abort", this.#leave, { once: true });
  }

  /** Aborts with an HnError `timeout`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The caller went away, as opposed to: time is up. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Starts the time anew. */
  extend(timeoutMs: number): void {
    this.#timer.cancel();
    this.#timer = this.#clock.setTimeout(this.#late, timeoutMs);
  }

  /** Time stands still, until it is extended. */
  pause(): void {
    this.#timer.cancel();
  }

  stop(): void {
    this.#timer.cancel();
    this.#caller?.removeEventListener("abort", this.#leave);
  }

  readonly #leave = (): void => {
    this.#cancelled = true;
    this.#controller.abort(new HnError("timeout", { message: CANCELLED }));
  };

  readonly #late = (): void => this.#controller.abort(new HnError("timeout"));
}

import { HnError } from "../../foundation/index.ts";
import type { Clock, Timer } from "../../contract/index.ts";

const CANCELLED = "The call was cancelled by its caller.";

/** Ends a piece of work with the caller's signal, or when time is up. Call `stop` when the work is done. */
export class Patience {
  readonly #clock: Clock;
  readonly #caller: AbortSignal | undefined;
  #timer: Timer;
  #over: HnError | undefined;
  #isCancelled = false;
  /** Made when somebody wants a signal: most calls need none, and it costs more than the rest of this. */
  #controller: AbortController | undefined;
  #interrupt: ((error: HnError) => void) | undefined;

  /** @param o.timeoutMs  milliseconds */
  constructor(clock: Clock, o: { signal?: AbortSignal | undefined; timeoutMs: number }) {
    this.#clock = clock;
    this.#caller = o.signal;
    this.#timer = clock.setTimeout(this.#late, Math.max(0, o.timeoutMs));
    if (o.signal?.aborted === true) this.#leave();
    else o.signal?.addEventListener("abort", this.#leave, { once: true });
  }

  /** Why it is over: HnError `timeout`. */
  get over(): HnError | undefined {
    return this.#over;
  }

  /** The caller went away, as opposed to: time is up. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Aborts when it is over. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#over) this.#controller.abort(this.#over);
    }
    return this.#controller.signal;
  }

  /** Calls `interrupt` when it is over, at once if it is already; a later one takes the place of an earlier. */
  interruptWith(interrupt: (error: HnError) => void): void {
    if (this.#over) interrupt(this.#over);
    else this.#interrupt = interrupt;
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
    this.#interrupt = undefined;
    this.#caller?.removeEventListener("abort", this.#leave);
  }

  readonly #leave = (): void => {
    this.#isCancelled = true;
    this.#end(new HnError("timeout", { message: CANCELLED }));
  };

  readonly #late = (): void => this.#end(new HnError("timeout"));

  #end(error: HnError): void {
    this.#over ??= error;
    this.#controller?.abort(error);
    this.#interrupt?.(error);
  }
}

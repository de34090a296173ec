import type { Cancellation } from "../../contract/index.ts";

/**
 * A cancellation that costs nothing until somebody cares. An `AbortController` with one listener costs more than the rest of a small call, and
 * most calls end without anybody having listened.
 */
export class LateSignal implements Cancellation {
  #controller: AbortController | undefined;
  #fired: { reason: unknown } | undefined;
  #listener: (() => void) | undefined;

  get aborted(): boolean {
    return this.#fired !== undefined;
  }

  get reason(): unknown {
    return this.#fired?.reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#fired !== undefined) this.#controller.abort(this.#fired.reason);
    return this.#controller.signal;
  }

  onAbort(listener: () => void): void {
    if (this.#fired !== undefined) return listener();
    const earlier = this.#listener;
    this.#listener =
      earlier === undefined
        ? listener
        : () => {
            earlier();
            listener();
          };
  }

  /** Only the first counts. */
  abort(reason: unknown): void {
    if (this.#fired !== undefined) return;
    this.#fired = { reason };
    this.#controller?.abort(reason);
    this.#listener?.();
    this.#listener = undefined;
  }
}

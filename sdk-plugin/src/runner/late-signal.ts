/**
 * An abort signal that is made when somebody asks for it. Most calls end without anybody listening, and an abort that nobody hears would cost
 * more than the rest of a small call.
 */
export class LateSignal {
  #controller: AbortController | undefined;
  #fired: { reason: unknown } | undefined;

  get aborted(): boolean {
    return this.#fired !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#fired !== undefined) this.#controller.abort(this.#fired.reason);
    }
    return this.#controller.signal;
  }

  /** Only the first counts. Without a reason it is the platform's own AbortError. */
  abort(reason?: unknown): void {
    if (this.#fired !== undefined) return;
    this.#fired = { reason };
    this.#controller?.abort(reason);
  }
}

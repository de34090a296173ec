/** `AbortController` and what goes with it, as far as the SDK and its plugins use it: an isolate has the language and nothing else. */

export class GuestException extends Error {
  constructor(message = "", name = "Error") {
    super(message);
    this.name = name;
  }
}

type Listener = (event: { type: "abort"; target: GuestSignal }) => void;

export class GuestSignal {
  #fired: { reason: unknown } | undefined;
  readonly #listeners = new Set<Listener>();
  onabort: Listener | null = null;

  get aborted(): boolean {
    return this.#fired !== undefined;
  }

  get reason(): unknown {
    return this.#fired?.reason;
  }

  throwIfAborted(): void {
    if (this.#fired !== undefined) throw this.#fired.reason;
  }

  addEventListener(type: string, listener: Listener): void {
    if (type === "abort" && this.#fired === undefined) this.#listeners.add(listener);
  }

  removeEventListener(_type: string, listener: Listener): void {
    this.#listeners.delete(listener);
  }

  static any(signals: Iterable<GuestSignal>): GuestSignal {
    const all = [...signals];
    const fired = all.find((signal) => signal.aborted);
    if (fired !== undefined) return GuestSignal.abort(fired.reason);
    const joined = new GuestSignal();
    for (const signal of all) signal.addEventListener("abort", () => joined.#fire(signal.reason));
    return joined;
  }

  static abort(reason?: unknown): GuestSignal {
    const signal = new GuestSignal();
    signal.#fire(reason);
    return signal;
  }

  /** For `GuestController`. */
  static fire(signal: GuestSignal, reason: unknown): void {
    signal.#fire(reason);
  }

  #fire(reason: unknown): void {
    if (this.#fired !== undefined) return;
    this.#fired = { reason: reason ?? new GuestException("This operation was aborted", "AbortError") };
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    const event = { type: "abort" as const, target: this };
    for (const listener of this.onabort === null ? listeners : [this.onabort, ...listeners]) listener(event);
  }
}

export class GuestController {
  readonly signal: GuestSignal = new GuestSignal();

  abort(reason?: unknown): void {
    GuestSignal.fire(this.signal, reason);
  }
}

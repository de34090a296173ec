/** Lets one piece of work in after the other; whoever gives up waiting leaves the line. */
export class OneAtATime {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    const { promise: over, resolve: leave } = Promise.withResolvers<void>();
    this.#last = before.then(() => over);
    try {
      await untilAborted(before, signal);
      return await work();
    } finally {
      leave();
    }
  }
}

/** Waits for something that goes on by itself; who gives up stops waiting at once. @throws the signal's reason */
export function untilAborted<T>(turn: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return turn;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const give = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", give, { once: true });
  return Promise.race([turn, aborted]).finally(() => signal.removeEventListener("abort", give));
}

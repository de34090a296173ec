/** Time as these rooms see it; the machine's own unless a test has another. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** @returns a function that calls it off */
  after(ms: number, step: () => void): () => void;
}

export const machineClock: Clock = {
  now: Date.now,
  after(ms, step) {
    const timer = setTimeout(step, ms);
    return () => clearTimeout(timer);
  },
};

/** @throws the signal's reason */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const stop = (): void => {
      forget();
      reject(signal.reason as Error);
    };
    const forget = clock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}

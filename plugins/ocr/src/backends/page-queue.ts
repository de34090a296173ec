/** How many pages are read at once on a machine. More would slow down every one of them. @source ai-runtimes B3 */
export function workersFor(cores: number): number {
  if (cores >= 16) return 6;
  if (cores >= 8) return 4;
  return cores >= 4 ? 2 : 1;
}

/** Lets a limited number of pages run and keeps the others in order. A page whose call is given up leaves the queue at once. */
export class PageQueue {
  readonly #limit: number;
  readonly #waiting: { start: () => void }[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws whatever `work` throws; the signal's reason when it fires before the page's turn */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(signal);
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.start();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.#limit) {
      this.#running++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason instanceof Error ? signal.reason : new DOMException("given up", "AbortError"));
      };
      const entry = {
        start: (): void => {
          signal.removeEventListener("abort", leave);
          this.#running++;
          resolve();
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(entry);
    });
  }
}

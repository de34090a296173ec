import type { ServerResponse } from "node:http";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Clock } from "../../contract/index.ts";

const PATIENCE_MS = CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000;

/**
 * A response whose reader sets the pace: at most 16 pieces wait unsent, and a reader that takes nothing for 30 s is given up.
 * @source 02 T-13
 */
export class SlowReader {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #unsent = 0;
  #waiting: (() => void) | undefined;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    response.once("close", () => this.#wake());
    response.on("drain", () => this.#wake());
    response.on("error", () => this.#wake());
  }

  /** Resolves when the next piece may be written, or nobody reads any more. @throws timeout */
  async write(text: string): Promise<void> {
    this.#unsent += 1;
    this.#response.write(text, () => {
      this.#unsent -= 1;
      this.#wake();
    });
    const deadline = this.#clock.monotonic() + PATIENCE_MS;
    while (this.#isFull()) {
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) throw new HnError("timeout", { message: "The answer was not read in time. Read faster, or ask for less." });
      await this.#news(left);
    }
  }

  /** Only when nothing waits: a comment must not make a full queue longer. */
  comment(text: string): void {
    if (this.#unsent === 0 && !this.#response.writableEnded) this.#response.write(text);
  }

  /** Writes the last piece; a reader that does not take it in time is cut. */
  async end(text: string): Promise<void> {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return;
    const timer = this.#clock.setTimeout(() => response.destroy(), PATIENCE_MS);
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once("close", resolve);
    response.end(text, resolve);
    await promise;
    timer.cancel();
  }

  #isFull(): boolean {
    const { destroyed, writableNeedDrain } = this.#response;
    return !destroyed && (writableNeedDrain || this.#unsent >= CONSTANTS.STREAM_WINDOW_FRAMES);
  }

  /** Until something was sent or the connection ended, at most `ms`. */
  async #news(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    const timer = this.#clock.setTimeout(resolve, ms);
    await promise;
    timer.cancel();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

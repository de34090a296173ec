import type { ServerResponse } from "node:http";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Clock } from "../../contract/index.ts";

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

  /** Resolves when the next piece may be written. @throws timeout */
  async write(text: string): Promise<void> {
    this.#unsent += 1;
    const flowing = this.#response.write(text, () => {
      this.#unsent -= 1;
      this.#wake();
    });
    if (!flowing || this.#unsent >= CONSTANTS.STREAM_WINDOW_FRAMES) await this.#room();
  }

  /** Only when nothing waits: a comment must not make a full queue longer. */
  comment(text: string): void {
    if (this.#unsent === 0 && !this.#response.writableEnded) this.#response.write(text);
  }

  async end(text: string): Promise<void> {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    await new Promise<void>((resolve) => {
      this.#waiting = resolve;
      const timer = this.#clock.setTimeout(() => this.#response.destroy(), CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000);
      this.#response.end(text, () => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #room(): Promise<void> {
    const deadline = this.#clock.monotonic() + CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000;
    while (!this.#response.destroyed && (this.#response.writableNeedDrain || this.#unsent >= CONSTANTS.STREAM_WINDOW_FRAMES)) {
      const left = deadline - this.#clock.monotonic();
      if (left <= 0) throw new HnError("timeout", { message: "The answer was not read in time. Read faster, or ask for less." });
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        const timer = this.#clock.setTimeout(resolve, left);
        this.#waiting = () => {
          timer.cancel();
          resolve();
        };
      });
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}

import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Clock } from "../../contract/index.ts";
import { malformed } from "./client-message.ts";

const ACK_MS = CONSTANTS.STREAM_ACK_TIMEOUT_SECONDS * 1000;
/** As long as a reader of server-sent events may take nothing. @source 02 T-13 */
const STALLED_MS = CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000;

/**
 * How far the sender of numbered frames may run ahead of its reader: 16 frames. A reader that says nothing for 5 s while the window is full is
 * given up, and one that only repeats itself after 30 s.
 * @source 02 §8 "Flow control"
 */
export class Window {
  readonly #clock: Clock;
  readonly #sent: number[] = [];
  #upto = 0;
  #last = 0;
  #heardAt = 0;
  #stopped: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of the last frame that was sent. */
  get last(): number {
    return this.#last;
  }

  get isFull(): boolean {
    return this.#sent.length >= CONSTANTS.STREAM_WINDOW_FRAMES;
  }

  sent(seq: number): void {
    this.#last = seq;
    this.#sent.push(seq);
  }

  /**
   * @returns false when it says nothing new
   * @throws bad_request reason message_malformed for what was never sent
   */
  acknowledge(upto: number): boolean {
    if (upto < this.#upto || upto > this.#last)
      throw malformed("An acknowledgement is for frames that were never sent, or goes back.");
    const isNews = upto > this.#upto;
    this.#upto = upto;
    while (this.#sent[0] !== undefined && this.#sent[0] <= upto) this.#sent.shift();
    this.#heardAt = this.#clock.monotonic();
    this.#wake?.();
    return isNews;
  }

  /** Whoever waits hears why. */
  stop(error: unknown): void {
    this.#stopped ??= { error };
    this.#wake?.();
  }

  /** Resolves when another frame may be sent. @throws timeout reason acks_missing · what it was stopped with */
  async room(): Promise<void> {
    const began = this.#clock.monotonic();
    this.#heardAt = began;
    for (;;) {
      if (this.#stopped) throw this.#stopped.error;
      if (!this.isFull) return;
      const now = this.#clock.monotonic();
      const left = Math.min(this.#heardAt + ACK_MS, began + STALLED_MS) - now;
      if (left <= 0) throw new HnError("timeout", { reason: "acks_missing" });
      await this.#news(left);
    }
  }

  async #news(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = this.#clock.setTimeout(resolve, ms);
    await promise;
    timer.cancel();
    this.#wake = undefined;
  }
}

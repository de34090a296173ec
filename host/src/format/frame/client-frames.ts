/** Frames that follow a message towards the one who works on it: into a call, or into an op. @source plugin-platform §5.2, §5.3.1 */
import { CONSTANTS, type Frame } from "../../contract/index.ts";
import { protocolError } from "./codec.ts";

const WINDOW = CONSTANTS.STREAM_WINDOW_FRAMES;
const ACK = CONSTANTS.STREAM_ACK_INTERVAL_FRAMES;

/** The receiving end: a queue within the window, read once. */
export class FrameInbox implements AsyncIterable<Frame> {
  readonly #onCredit: (frames: number) => void;
  readonly #queue: Frame[] = [];
  /** Frames that may still come. */
  #window: number = WINDOW;
  #taken = 0;
  #end: { error: unknown } | "whole" | undefined;
  #wake: (() => void) | undefined;

  /** @param onCredit  gives the sender room for so many more */
  constructor(onCredit: (frames: number) => void) {
    this.#onCredit = onCredit;
  }

  /** @throws plugin_gone reason protocol_error when there was no credit for it, or after the end */
  push(frame: Frame): void {
    if (this.#end === "whole") throw protocolError("A frame came after the last one.");
    this.#window -= 1;
    if (this.#window < 0) throw protocolError("More frames came than credit was given.");
    this.#queue.push(frame);
    this.#wake?.();
  }

  /** No more follow. Without an error the frames are whole; only the first end counts. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? "whole" : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, void> {
    for (;;) {
      if (typeof this.#end === "object") throw this.#end.error;
      const frame = this.#queue.shift();
      if (frame === undefined) {
        if (this.#end !== undefined) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      this.#taken += 1;
      if (this.#taken % ACK === 0 && this.#end === undefined) {
        this.#window += ACK;
        this.#onCredit(ACK);
      }
      yield frame;
    }
  }
}

/** The sending end: takes from a source no faster than the other side gives credit. */
export class FrameOutlet {
  #credit: number = WINDOW;
  #closed = false;
  #wake: (() => void) | undefined;

  /** @throws plugin_gone reason protocol_error for credit that nothing was sent for */
  credit(frames: number): void {
    if (!Number.isInteger(frames) || frames < 1 || this.#credit + frames > WINDOW)
      throw protocolError("Credit was given for frames that were never sent.");
    this.#credit += frames;
    this.#wake?.();
  }

  /** Nobody reads any more: what the source still has is not asked for. */
  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** @param send  null stands for the end. @throws what the source throws */
  async pump(source: AsyncIterable<Frame>, send: (frame: Frame | null) => Promise<void>): Promise<void> {
    for await (const frame of source) {
      while (this.#credit === 0 && !this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
      if (this.#closed) return;
      this.#credit -= 1;
      await send(frame);
    }
    if (!this.#closed) await send(null);
  }
}

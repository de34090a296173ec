import type { Clock, SocketMessage } from "../../contract/index.ts";
import type { TokenBucket } from "../../foundation/index.ts";

/** What may wait for a plugin that reads slowly. @source plugin-platform §5.3.1 */
const QUEUED_BYTES_MAX = 131_072;
const QUEUED_MAX = 16;

export interface SocketInboxOptions {
  clock: Clock;
  /** How many messages may pass in which time. */
  pace: TokenBucket;
  /** The client is to send no more for now, or may go on. */
  onFull: (full: boolean) => void;
}

/** What a client has sent and the plugin has not taken yet: the client is slowed down, never refused, when it is faster. */
export class SocketInbox implements AsyncIterable<SocketMessage> {
  readonly #o: SocketInboxOptions;
  readonly #queue: { message: SocketMessage; size: number }[] = [];
  #bytes = 0;
  #isFull = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(options: SocketInboxOptions) {
    this.#o = options;
  }

  /** @param size  in bytes */
  push(message: SocketMessage, size: number): void {
    if (this.#ended) return;
    this.#queue.push({ message, size });
    this.#bytes += size;
    this.#look();
    this.#wake?.();
  }

  /** Nothing follows; what is there can still be read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SocketMessage, void, void> {
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined) {
        if (this.#ended) return;
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      await this.#pace();
      this.#queue.shift();
      this.#bytes -= next.size;
      this.#look();
      yield next.message;
    }
  }

  async #pace(): Promise<void> {
    const { clock, pace } = this.#o;
    for (let ms = pace.take(clock.monotonic()); ms > 0; ms = pace.take(clock.monotonic()))
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
  }

  #look(): void {
    const isFull = this.#bytes > QUEUED_BYTES_MAX || this.#queue.length >= QUEUED_MAX;
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#o.onFull(isFull);
  }
}

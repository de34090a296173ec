/** Brings a plugin the messages of the topics it listens to. @source plugin-platform §2.4; 02 §7.2 */
import type { TopicMessage, Topics } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { fitsTopic } from "../permission/index.ts";

export interface TopicFeedOptions {
  /** Patterns of the manifest. */
  patterns: readonly string[];
  topics: Topics;
  /** Asked for each message when its turn has come; the operator may have to be waited for. */
  mayHear: (topic: string, signal: AbortSignal) => Promise<boolean>;
  /** Hands one over; resolves when the plugin has dealt with it. */
  deliver: (pattern: string, message: TopicMessage) => Promise<void>;
  /** The plugin's handler failed. */
  onFault: (detail: string) => void;
  /** So many were thrown away, because the plugin is slower than they come. */
  onDropped: (count: number) => void;
}

/** Beyond this many the oldest give way. */
const QUEUE_MAX = 256;

export class TopicFeed {
  readonly #o: TopicFeedOptions;
  readonly #queue: { pattern: string; message: TopicMessage }[] = [];
  readonly #unsubscribe: () => void;
  readonly #stopped = new AbortController();
  #busy = false;

  constructor(options: TopicFeedOptions) {
    this.#o = options;
    this.#unsubscribe = options.patterns.length === 0 ? () => {} : options.topics.subscribe((message) => this.#take(message));
  }

  stop(): void {
    this.#stopped.abort();
    this.#unsubscribe();
    this.#queue.length = 0;
  }

  /** One at a time and in order: a plugin that is busy lets the queue grow, and then loses the oldest. */
  #take(message: TopicMessage): void {
    const pattern = this.#o.patterns.find((one) => fitsTopic(one, message.topic));
    if (pattern === undefined) return;
    this.#queue.push({ pattern, message });
    if (this.#queue.length > QUEUE_MAX) {
      this.#queue.shift();
      this.#o.onDropped(1);
    }
    if (!this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    const { signal } = this.#stopped;
    for (let next = this.#queue.shift(); next !== undefined && !signal.aborted; next = this.#queue.shift()) {
      const { pattern, message } = next;
      // The right may have gone since it was queued.
      if (!(await this.#o.mayHear(message.topic, signal)) || signal.aborted) continue;
      try {
        await this.#o.deliver(pattern, message);
      } catch (error) {
        if (!signal.aborted) this.#o.onFault(`The topic ${message.topic} failed: ${HnError.from(error).message}`);
      }
    }
    this.#busy = false;
  }
}

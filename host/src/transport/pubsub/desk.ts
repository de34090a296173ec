import { HnError } from "../../foundation/index.ts";
import {
  CONSTANTS,
  type JsonValue,
  type NodeId,
  type Principal,
  type StandingLookup,
  type TopicBacklog,
  type TopicGuard,
  type Topics,
} from "../../contract/index.ts";
import { readingOf, type Asker, type Reading } from "./rows.ts";

const RETRY_MS = 5000;
/** Of one answer; a message has 64 KiB at most. */
const ANSWER_MAX_BYTES = 1_048_576;
/** Before a plugin that knows better is there. */
export const NOBODY_MORE: TopicGuard = { isThreadMember: () => false, isRelayOf: () => false };

export interface DeskOptions {
  topics: Topics;
  standing: StandingLookup;
  guard: TopicGuard;
}

/** One neighbour that listens to one topic; counted until it is ended. */
export interface Subscription {
  readonly topic: string;
  /** What came since, as far as this neighbour may see it. @throws unauthorized once it may not any more · revoked */
  since(after: { seq: number; epoch?: string }): TopicBacklog;
  /** Resolves when something was published on the topic, or `signal` fires. */
  news(signal: AbortSignal): Promise<void>;
  end(): void;
}

/**
 * Whom this node tells what is published on it, and how much of it at once.
 * @source 02 §7.2, T-16
 */
export class Desk {
  readonly #o: DeskOptions;
  /** Of each neighbour, by topic, how often it listens. */
  readonly #open: Map<NodeId, Map<string, number>> = new Map();
  readonly #polls: Map<NodeId, number> = new Map();
  readonly #waiting: Map<string, Set<() => void>> = new Map();
  readonly #unsubscribe: () => void;

  constructor(o: DeskOptions) {
    this.#o = o;
    this.#unsubscribe = o.topics.subscribe(({ topic }) => {
      for (const wake of this.#waiting.get(topic) ?? []) wake();
    });
  }

  /**
   * @param caller  as the pipeline has settled it
   * @throws bad_request without a topic · not_found for what is never told to neighbours · unauthorized · rate_limited beyond 32 topics
   */
  subscribe(caller: Principal | undefined, topic: unknown): Subscription {
    // Not who the key belongs to counts, but from which community it speaks.
    if (caller?.kind !== "member") throw forMembers();
    const node = caller.node_id;
    if (typeof topic !== "string" || topic === "")
      throw new HnError("bad_request", { message: 'Say which topic you want to hear, in "topic".' });
    const reading = readingOf(topic);
    if (reading === undefined)
      throw new HnError("not_found", { message: "There is no such topic, or it is not told to other nodes." });
    this.#check(node, reading);
    const topics = this.#open.get(node) ?? new Map<string, number>();
    if (!topics.has(topic) && topics.size >= CONSTANTS.TOPICS_PER_CALLER)
      throw new HnError("rate_limited", {
        retryAfterMs: RETRY_MS,
        message: "You listen to 32 topics already. End one of them first.",
      });
    this.#open.set(node, topics.set(topic, (topics.get(topic) ?? 0) + 1));
    let ended = false;
    return {
      topic,
      since: (after) => this.#since({ node, topic, reading }, after),
      news: (signal) => this.#news(topic, signal),
      end: () => {
        if (ended) return;
        ended = true;
        const left = (topics.get(topic) ?? 1) - 1;
        if (left > 0) topics.set(topic, left);
        else topics.delete(topic);
        if (topics.size === 0 && this.#open.get(node) === topics) this.#open.delete(node);
      },
    };
  }

  /**
   * One more poll that waits.
   * @returns ends the count
   * @throws rate_limited beyond 8
   */
  poll(node: NodeId): () => void {
    const held = this.#polls.get(node) ?? 0;
    if (held >= CONSTANTS.POLLS_PER_CALLER)
      throw new HnError("rate_limited", {
        retryAfterMs: RETRY_MS,
        message: "Eight of your polls are waiting already. Wait for one to end.",
      });
    this.#polls.set(node, held + 1);
    return () => {
      const left = (this.#polls.get(node) ?? 1) - 1;
      if (left === 0) this.#polls.delete(node);
      else this.#polls.set(node, left);
    };
  }

  /** Of all neighbours together. */
  get open(): number {
    let open = 0;
    for (const topics of this.#open.values()) for (const count of topics.values()) open += count;
    return open;
  }

  close(): void {
    this.#unsubscribe();
    for (const waiting of this.#waiting.values()) for (const wake of waiting) wake();
  }

  #since(
    { node, topic, reading }: { node: NodeId; topic: string; reading: Reading },
    after: { seq: number; epoch?: string },
  ): TopicBacklog {
    const asker = this.#check(node, reading);
    const all = this.#o.topics.since(topic, after);
    const messages: TopicBacklog["messages"] = [];
    let { last_seq } = all;
    let bytes = 0;
    for (const message of all.messages) {
      bytes += sizeOf(message.data);
      // The rest is there for the next question.
      if (bytes > ANSWER_MAX_BYTES && messages.length > 0) {
        last_seq = message.seq - 1;
        break;
      }
      if (reading.sees(asker, message.data)) messages.push(message);
    }
    return { ...all, messages, last_seq };
  }

  /** @throws unauthorized · revoked */
  #check(node: NodeId, reading: Reading): Asker {
    const standing = this.#o.standing.standing(node);
    if (standing.kind === "revoked") throw new HnError("revoked");
    if (standing.kind !== "member") throw forMembers();
    const asker: Asker = { node, level: standing.level };
    if (!reading.may(asker, this.#o.guard)) throw new HnError("unauthorized", { message: "This topic is for others." });
    return asker;
  }

  async #news(topic: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(topic) ?? new Set();
    this.#waiting.set(topic, waiting.add(resolve));
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    waiting.delete(resolve);
    if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
  }
}

function forMembers(): HnError {
  return new HnError("unauthorized", { message: "Topics are for members of the community. Ask a member for an invitation." });
}

function sizeOf(data: JsonValue): number {
  return JSON.stringify(data).length;
}

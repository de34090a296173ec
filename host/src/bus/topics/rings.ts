import { CONSTANTS, type JsonValue, type TopicBacklog } from "../../contract/index.ts";
import { LruMap } from "../../foundation/index.ts";

const TOPICS_MAX = 1024;
/** Of all topics together. */
const BYTES_MAX = 16_777_216;
/** So many that are gone may stand in the queue before it is swept. */
const SWEEP = 1024;

interface Kept {
  seq: number;
  data: JsonValue;
  bytes: number;
  ring: Ring;
}

interface Ring {
  /** Of this ring: one that was forgotten comes back under another. */
  epoch: string;
  messages: Kept[];
  last: number;
}

/**
 * The newest messages of each topic, numbered from 1: 256 of them, 16 MiB of all topics together, 1024 topics. What is forgotten is missed by
 * its number, and a topic that was forgotten whole starts a new epoch.
 * @source 02 T-16
 */
export class Rings {
  readonly #epoch: string;
  readonly #rings: Map<string, Ring> = new Map();
  readonly #recent: LruMap<string, true> = new LruMap(TOPICS_MAX);
  /** Oldest first, of all rings; some are gone from their ring already. */
  #kept: Kept[] = [];
  #bytes = 0;
  /** Messages in all rings. */
  #count = 0;
  #forgotten = 0;

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  add(topic: string, data: JsonValue): void {
    const ring = this.#ringOf(topic);
    ring.last += 1;
    const kept: Kept = { seq: ring.last, data, bytes: JSON.stringify(data).length, ring };
    ring.messages.push(kept);
    this.#kept.push(kept);
    this.#bytes += kept.bytes;
    this.#count += 1;
    if (ring.messages.length > CONSTANTS.TOPIC_RING_MESSAGES) this.#drop(ring);
    this.#trim();
  }

  /** @param after  what is known already; numbers of another epoch, or that were never given, count as none */
  since(topic: string, after: { seq: number; epoch?: string }): TopicBacklog {
    const ring = this.#rings.get(topic);
    const epoch = ring?.epoch ?? this.#nextEpoch();
    const last_seq = ring?.last ?? 0;
    const isOther = (after.epoch !== undefined && after.epoch !== epoch) || after.seq > last_seq;
    const seq = isOther ? 0 : after.seq;
    const messages = (ring?.messages ?? []).filter((message) => message.seq > seq);
    const first = messages[0]?.seq ?? last_seq + 1;
    const gap = first > seq + 1 || (isOther && after.seq > 0);
    return { epoch, messages: messages.map((one) => ({ seq: one.seq, data: one.data })), last_seq, ...(gap ? { gap } : {}) };
  }

  #ringOf(topic: string): Ring {
    this.#recent.set(topic, true);
    const known = this.#rings.get(topic);
    if (known) return known;
    if (this.#rings.size >= TOPICS_MAX)
      for (const [name, ring] of this.#rings) if (this.#recent.get(name) === undefined) this.#forget(name, ring);
    const ring: Ring = { epoch: this.#nextEpoch(), messages: [], last: 0 };
    this.#rings.set(topic, ring);
    return ring;
  }

  #nextEpoch(): string {
    return `${this.#epoch}.${this.#forgotten}`;
  }

  #forget(topic: string, ring: Ring): void {
    while (ring.messages.length > 0) this.#drop(ring);
    this.#rings.delete(topic);
    this.#forgotten += 1;
  }

  /** The ring's oldest message. */
  #drop(ring: Ring): void {
    const oldest = ring.messages.shift();
    if (oldest === undefined) return;
    this.#bytes -= oldest.bytes;
    this.#count -= 1;
    // Its place in the queue may stay for a thousand more; what it said need not.
    oldest.data = null;
  }

  #trim(): void {
    let looked = 0;
    while (this.#bytes > BYTES_MAX) {
      const oldest = this.#kept[looked++];
      if (oldest === undefined) break;
      if (oldest.ring.messages[0] === oldest) this.#drop(oldest.ring);
    }
    // Those that are gone by other ways are swept out when they are the greater part.
    if (looked > SWEEP || this.#kept.length > 2 * this.#count + SWEEP)
      this.#kept = this.#kept.filter((kept) => kept.seq >= (kept.ring.messages[0]?.seq ?? Infinity));
  }
}

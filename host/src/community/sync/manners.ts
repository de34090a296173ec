import type { Clock, Event, NodeId } from "../../contract/index.ts";
import { HnError, TokenBucket } from "../../foundation/index.ts";

/** @source 04 E-15 */
const OWN_EVENTS_PER_HOUR = 2000;
/** Types that the protocol does not know and no publisher's namespace covers. @source 04 E-4 */
const UNKNOWN_EVENTS_PER_DAY = 1000;
const HOUR_MS = 3_600_000;
const REST_MS = 600_000;
const REFUSED_SHARE = 0.2;
const REFUSED_FROM = 50;
const FORGED_BATCHES = 3;
/** First words of the event types of 04 §2, and publishers' own. */
const KNOWN: ReadonlySet<string> = new Set(
  "community node market chat file rag federation auth e2e ocr emergency relay mobile ext experimental".split(" "),
);

interface Record {
  own: TokenBucket;
  unknown: TokenBucket;
  forgedBatches: number;
  forgedSince: number;
  restsUntil: number;
}

/**
 * How much is taken from whom, and who is left alone for a while. In memory: a restart forgives.
 * @source 04 E-15
 */
export class Manners {
  readonly #clock: Clock;
  readonly #records: Map<NodeId, Record> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws rate_limited peer_backed_off */
  check(peer: NodeId): void {
    const waitMs = this.restMs(peer);
    if (waitMs > 0) throw new HnError("rate_limited", { reason: "peer_backed_off", retryAfterMs: waitMs });
  }

  /** Milliseconds for which a peer is left alone; 0 when it is not. */
  restMs(peer: NodeId): number {
    return Math.max(0, (this.#records.get(peer)?.restsUntil ?? 0) - this.#clock.monotonic());
  }

  /**
   * What a sender delivers of its own beyond its share is left for later: neither taken nor refused, and offered again with the next exchange.
   * Events of others have passed such a gate before, and what is here already costs nothing.
   */
  allowed(sender: NodeId, events: readonly Event[], isHere: (event: Event) => boolean): Event[] {
    const now = this.#clock.monotonic();
    return events.filter((event) => {
      if (typeof event !== "object" || event === null || event.author !== sender || isHere(event)) return true;
      const { own, unknown } = this.#of(sender);
      if (own.take(now) > 0) return false;
      return isKnownType(event.event_type) || unknown.take(now) === 0;
    });
  }

  /** After each batch of a peer. */
  note(peer: NodeId, o: { size: number; reasons: readonly { reason: string }[] }): void {
    const now = this.#clock.monotonic();
    const forged = o.reasons.some(({ reason }) => reason === "invalid_signature");
    const share = o.reasons.length / Math.max(1, o.size);
    if (!forged && (o.size < REFUSED_FROM || share <= REFUSED_SHARE)) return;
    const record = this.#of(peer);
    if (now - record.forgedSince > HOUR_MS) Object.assign(record, { forgedBatches: 0, forgedSince: now });
    if (forged) record.forgedBatches += 1;
    if (record.forgedBatches <= FORGED_BATCHES && (o.size < REFUSED_FROM || share <= REFUSED_SHARE)) return;
    record.forgedBatches = 0;
    record.restsUntil = now + REST_MS;
  }

  #of(node: NodeId): Record {
    const now = this.#clock.monotonic();
    const known = this.#records.get(node);
    if (known !== undefined) return known;
    const bucket = (capacity: number, perMs: number): TokenBucket =>
      new TokenBucket({ perSecond: (capacity / perMs) * 1000, capacity, now });
    const record: Record = {
      own: bucket(OWN_EVENTS_PER_HOUR, HOUR_MS),
      unknown: bucket(UNKNOWN_EVENTS_PER_DAY, 24 * HOUR_MS),
      forgedBatches: 0,
      forgedSince: now,
      restsUntil: 0,
    };
    this.#records.set(node, record);
    return record;
  }
}

function isKnownType(type: unknown): boolean {
  return typeof type === "string" && KNOWN.has(type.slice(0, type.indexOf(".")));
}

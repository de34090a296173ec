import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Event, SyncReply, VerifyMany } from "../../contract/index.ts";
import { HnError, RecentMap } from "../../foundation/index.ts";
import { admit, type Gate, idOf, isFarAhead, isKnownAuthor, precheck, type Refusal, refuse, WaitingRoom } from "./receive.ts";
import { compareEvents, type ShapedEvent, signedBytes } from "./shape.ts";

/** @source network.md §5 "Batch" */
const BATCH_EVENTS = 256;
const BATCH_BYTES = 4_194_304;
/** How long a forged event is remembered, and how many. @source 04 E-15 */
const FORGED_MS = 3_600_000;
const FORGED_MAX = 10_000;
/** After the disk was full, nothing is tried for this long. */
const FULL_MS = 10_000;

/** What became of some events. */
export type Taken = Omit<SyncReply, "events" | "more" | "new_head">;

export interface IngestOptions {
  gate: () => Gate;
  clock: Clock;
  verify: VerifyMany;
  /** Stores all that `work` takes, or nothing; each counts for the next already. @returns how many were new */
  atOnce: (work: (take: (shaped: ShapedEvent) => boolean) => void) => number;
}

/**
 * Takes events of others in batches: sorted, looked at, their signatures verified away from the loop, stored in one transaction each. Batches never
 * wait to become full: what arrives while one is under way makes up the next.
 * @source 04 §4, network.md §5
 */
export class Ingest {
  readonly #o: IngestOptions;
  readonly #waiting: WaitingRoom = new WaitingRoom();
  readonly #forged: RecentMap<string, number> = new RecentMap(FORGED_MAX);
  #turn: Promise<void> = Promise.resolve();
  #fullUntil = -Infinity;

  constructor(options: IngestOptions) {
    this.#o = options;
  }

  /** Events of authors that are not known yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * What is counted as accepted is stored. A batch that fails leaves those before it.
   * @throws capacity_exceeded disk_full
   */
  async take(values: readonly unknown[]): Promise<Taken> {
    const reply: Taken = { accepted: 0, rejected: 0, rejected_reasons: [] };
    if (values.length === 0) return reply;
    for (const [index, batch] of this.#batches(values, reply).entries()) {
      if (index > 0) await nextTurn();
      await this.#inTurn(() => this.#takeBatch(batch, reply));
    }
    reply.rejected = reply.rejected_reasons.length;
    if (reply.rejected > 1) {
      const places = new Map(values.map((value, place) => [idOf(value), place]));
      reply.rejected_reasons.sort((a, b) => (places.get(a.event_id) ?? 0) - (places.get(b.event_id) ?? 0));
    }
    return reply;
  }

  /** One batch at a time, so that each is judged by what those before it have brought. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #batches(values: readonly unknown[], reply: Taken): ShapedEvent[][] {
    const gate = this.#o.gate();
    const events: ShapedEvent[] = [];
    for (const value of values) {
      const first = precheck(gate, value);
      if (first.kind === "refuse") note(reply, first);
      else if (first.kind === "verify") events.push(first.shaped);
    }
    events.sort((a, b) => compareEvents(a.event, b.event));
    const batches: ShapedEvent[][] = [];
    let room = 0;
    for (const shaped of events) {
      const last = batches.at(-1);
      room -= shaped.raw.byteLength;
      if (last !== undefined && last.length < BATCH_EVENTS && room >= 0) last.push(shaped);
      else {
        batches.push([shaped]);
        room = BATCH_BYTES - shaped.raw.byteLength;
      }
    }
    return batches;
  }

  async #takeBatch(batch: readonly ShapedEvent[], reply: Taken): Promise<void> {
    if (this.#fullUntil > this.#o.clock.monotonic()) throw new HnError("capacity_exceeded", { reason: "disk_full" });
    const open = this.#withoutHopeless(batch, reply);
    const verdicts = await this.#verify(open);
    const genuine = open.filter((shaped, i) => verdicts[i] === true || this.#isForged(shaped, reply));
    try {
      reply.accepted += this.#o.atOnce((take) => {
        for (const shaped of genuine) this.#admit(shaped, take, reply);
      });
    } catch (error) {
      if (HnError.isHnError(error) && error.reason === "disk_full") this.#fullUntil = this.#o.clock.monotonic() + FULL_MS;
      throw error;
    }
  }

  /** Takes out what no signature could save. @source network.md §5 "Precheck" */
  #withoutHopeless(batch: readonly ShapedEvent[], reply: Taken): ShapedEvent[] {
    const { clock } = this.#o;
    const gate = this.#o.gate();
    const view = gate.membership();
    const full = this.#waiting.isFull(clock.now());
    const arriving = new Set(
      batch.filter(({ event }) => event.event_type.startsWith("community.")).map(({ event }) => event.author),
    );
    let head = gate.store.clock();
    return batch.filter((shaped) => {
      const { event } = shaped;
      const reason =
        (this.#forged.get(keyOf(shaped)) ?? -Infinity) > clock.monotonic()
          ? "invalid_signature"
          : isFarAhead(gate, event, head)
            ? "out_of_order"
            : full && !arriving.has(event.author) && !isKnownAuthor(view, event)
              ? "unknown_author"
              : null;
      if (reason !== null) note(reply, refuse(event, reason));
      else head = Math.max(head, event.lamport);
      return reason === null;
    });
  }

  async #verify(batch: readonly ShapedEvent[]): Promise<boolean[]> {
    if (batch.length === 0) return [];
    return this.#o.verify(
      batch.map((shaped) => ({ by: shaped.event.author, message: signedBytes(shaped), signature: shaped.event.signature })),
    );
  }

  /** @returns false, for the filter that it is asked in */
  #isForged(shaped: ShapedEvent, reply: Taken): false {
    // By its bytes, not by its id: nobody may keep a genuine event out by forging one of its name.
    this.#forged.set(keyOf(shaped), this.#o.clock.monotonic() + FORGED_MS);
    note(reply, refuse(shaped.event, "invalid_signature"));
    return false;
  }

  #admit(shaped: ShapedEvent, take: (shaped: ShapedEvent) => boolean, reply: Taken): void {
    const verdict = admit(this.#o.gate(), shaped);
    if (verdict.kind === "refuse") note(reply, verdict);
    else if (verdict.kind === "wait" && !this.#waiting.add(shaped, this.#o.clock.now()))
      note(reply, refuse(shaped.event, "unknown_author"));
    else if (verdict.kind === "store" && take(shaped) && mayReveal(shaped.event)) this.#releaseWaiting(take);
  }

  /** What waited for its author may be known by now, and let others in turn be known. */
  #releaseWaiting(take: (shaped: ShapedEvent) => boolean): void {
    const gate = this.#o.gate();
    const view = gate.membership();
    for (const shaped of this.#waiting.release((_author, { event }) => isKnownAuthor(view, event)))
      if (admit(gate, shaped).kind === "store" && take(shaped) && mayReveal(shaped.event)) this.#releaseWaiting(take);
  }
}

/** Nothing else makes an author known. */
function mayReveal({ event_type }: Event): boolean {
  return event_type.startsWith("community.");
}

function note(reply: Taken, { event_id, reason }: Refusal): void {
  reply.rejected_reasons.push({ event_id, reason });
}

function keyOf({ hash }: ShapedEvent): string {
  return Buffer.from(hash).toString("latin1");
}

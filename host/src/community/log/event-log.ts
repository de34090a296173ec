import type {
  Clock,
  CommunityId,
  Event,
  EventPage,
  EventQuery,
  JsonObject,
  NodeId,
  Position,
  SyncReply,
} from "../../contract/index.ts";
import { formatTime, HnError, type UlidFactory } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import { LevelHistory } from "../views/level-history.ts";
import { isLate, type Membership, replay } from "../views/membership.ts";
import { judge, type Verdict, WaitingRoom } from "./receive.ts";
import { compareEvents, shapeEvent, type ShapedEvent } from "./shape.ts";
import { type EventStore, placeOf } from "./store.ts";

export interface EventLogOptions {
  store: EventStore;
  signer: Signer;
  clock: Clock;
  newUlid: UlidFactory;
}

/** What a signer other than the device key signs: the root key, at creation and in emergencies only (I-11). */
export type EventSigner = Pick<Signer, "nodeId" | "signEvent">;

/** @returns whether the event was new */
type Take = (shaped: ShapedEvent) => boolean;

/**
 * One community's log in memory and on disk: append, receive, and the membership that follows from it.
 * @source 04 §3 to §5
 */
export class EventLog {
  readonly store: EventStore;
  readonly #options: EventLogOptions;
  readonly #waiting: WaitingRoom = new WaitingRoom();
  readonly #listeners: Set<(event: Event) => void> = new Set();
  #view: Membership | null = null;
  #levels: LevelHistory | null = null;
  /** Last place in the order; undefined until it is asked for. */
  #last: Position | null | undefined;
  #disorder = 0;
  bootstrapping = false;

  constructor(options: EventLogOptions) {
    this.store = options.store;
    this.#options = options;
  }

  /** @throws not_found no_community */
  communityId(): CommunityId {
    const id = this.store.communityId();
    if (id === null) throw new HnError("not_found", { reason: "no_community" });
    return id;
  }

  /** Membership at the head; rebuilt from disk when needed. */
  view(): Membership {
    this.#view ??= replay(this.communityId(), () => this.store.ordered("community."));
    return this.#view;
  }

  /**
   * Builds, signs and stores an event by this node (or by the root key) in one transaction: what is returned is on disk.
   * @source 04 §3, §4
   */
  append(o: { type: string; data: JsonObject; by?: EventSigner }): Event {
    const signer = o.by ?? this.#options.signer;
    const { store, clock, newUlid } = this.#options;
    const shaped = store.transaction(() => {
      const lamport = store.clock() + 1;
      const event = signer.signEvent({
        schema_version: 1,
        event_id: newUlid(),
        lamport,
        wall_clock: formatTime(clock.now()),
        community_id: this.communityId(),
        author: signer.nodeId,
        event_type: o.type,
        data: o.data,
      });
      const made = shapeEvent(event);
      store.insert(made, clock.now());
      store.setClock(lamport);
      return made;
    });
    this.#apply(shaped.event);
    this.#tell([shaped.event]);
    return shaped.event;
  }

  /**
   * Takes events of others in one transaction; what is counted as accepted is on disk.
   * @source 04 §4, §8, network.md §5 "Insert"
   */
  receive(values: readonly unknown[]): Omit<SyncReply, "events" | "more"> {
    const reply = { accepted: 0, rejected: 0, rejected_reasons: [] as { event_id: string; reason: string }[], new_head: 0 };
    const { store, clock } = this.#options;
    const stored = this.#atOnce((take) => {
      for (const value of values) {
        const verdict = this.#judge(value);
        if (verdict.kind === "refuse") reply.rejected_reasons.push({ event_id: verdict.event_id, reason: verdict.reason });
        else if (verdict.kind === "wait" && !this.#waiting.add(verdict.shaped, clock.now()))
          reply.rejected_reasons.push({ event_id: verdict.shaped.event.event_id, reason: "unknown_author" });
        else if (verdict.kind === "store" && take(verdict.shaped)) this.#releaseWaiting(take);
      }
    });
    reply.accepted = stored;
    reply.rejected = reply.rejected_reasons.length;
    reply.new_head = store.heads(this.communityId()).head;
    return reply;
  }

  /** One page in log order, each event with its author's level at that place. @source 04 §5 */
  read(query: EventQuery): EventPage {
    this.#levels ??= new LevelHistory(this.communityId(), () => this.store.ordered("community."));
    const levels = this.#levels;
    const { events, next } = this.store.page(query);
    return {
      events: events
        .filter((event) => levels.counts(event))
        .map((event) => ({ event, level: levels.levelAt(event.author, event) })),
      next,
    };
  }

  /** Rises whenever something changed behind the head: a late event, one in another's place, a revocation with its cut. */
  revision(): number {
    return this.#disorder + this.store.replacements;
  }

  onEvent(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #judge(value: unknown): Verdict {
    const { store, clock } = this.#options;
    return judge({ store, clock, membership: () => this.view(), bootstrapping: this.bootstrapping }, value);
  }

  /** What waited for its author may be known by now, and let others in turn be known. */
  #releaseWaiting(take: Take): void {
    const ready = this.#waiting.release((author: NodeId, shaped) => {
      const view = this.view();
      return (
        view.known.has(author) ||
        (shaped.event.event_type === "community.member.joined" && [...view.invites.values()].some((i) => i.invitee === author))
      );
    });
    for (const { event } of ready) {
      const verdict = this.#judge(event);
      if (verdict.kind === "store" && take(verdict.shaped)) this.#releaseWaiting(take);
    }
  }

  /**
   * Stores all of them or none; each counts for the next already, listeners hear of them when they are on disk.
   * @returns how many were new
   */
  #atOnce(work: (take: Take) => void): number {
    const { store, clock } = this.#options;
    const fresh: Event[] = [];
    const take: Take = (shaped) => {
      if (!store.insert(shaped, clock.now())) return false;
      store.setClock(Math.max(store.clock(), shaped.event.lamport) + 1);
      this.#apply(shaped.event);
      fresh.push(shaped.event);
      return true;
    };
    try {
      store.transaction(() => work(take));
    } catch (error) {
      // What was applied is not on disk.
      this.#view = null;
      this.#levels = null;
      this.#last = undefined;
      this.#disorder += 1;
      throw error;
    }
    this.#tell(fresh);
    return fresh.length;
  }

  #apply(event: Event): void {
    this.#place(event);
    if (!event.event_type.startsWith("community.") || this.#view === null) return;
    if (isLate(this.#view, event) || !this.#view.apply(event)) this.#view = null;
  }

  #place(event: Event): void {
    this.#last ??= this.store.last();
    const late = this.#last !== null && compareEvents(event, this.#last) < 0;
    if (!late) this.#last = placeOf(event);
    if (late || event.event_type === "community.member.revoked") this.#disorder += 1;
    if (event.event_type.startsWith("community.")) this.#levels = null;
  }

  #tell(events: readonly Event[]): void {
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }
}

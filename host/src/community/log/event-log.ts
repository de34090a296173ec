import type { Clock, CommunityId, Event, JsonObject, NodeId, SyncReply } from "../../contract/index.ts";
import { formatTime, HnError, type UlidFactory } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import { isLate, type Membership, replay } from "../views/membership.ts";
import { judge, WaitingRoom } from "./receive.ts";
import { shapeEvent, type ShapedEvent } from "./shape.ts";
import type { EventStore } from "./store.ts";

export interface EventLogOptions {
  store: EventStore;
  signer: Signer;
  clock: Clock;
  newUlid: UlidFactory;
}

/** What a signer other than the device key signs: the root key, at creation and in emergencies only (I-11). */
export type EventSigner = Pick<Signer, "nodeId" | "signEvent">;

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
    this.#applied([shaped]);
    return shaped.event;
  }

  /** Takes events of others; what is counted as accepted is on disk. @source 04 §4, §8 */
  receive(values: readonly unknown[]): Omit<SyncReply, "events" | "more"> {
    const reply = { accepted: 0, rejected: 0, rejected_reasons: [] as { event_id: string; reason: string }[], new_head: 0 };
    const { store, clock } = this.#options;
    for (const value of values) {
      const verdict = judge({ store, clock, membership: () => this.view(), bootstrapping: this.bootstrapping }, value);
      if (verdict.kind === "refuse") reply.rejected_reasons.push({ event_id: verdict.event_id, reason: verdict.reason });
      else if (verdict.kind === "wait" && !this.#waiting.add(verdict.shaped, clock.now()))
        reply.rejected_reasons.push({ event_id: verdict.shaped.event.event_id, reason: "unknown_author" });
      else if (verdict.kind === "store") reply.accepted += this.#store([verdict.shaped]) + this.#releaseWaiting();
    }
    reply.rejected = reply.rejected_reasons.length;
    reply.new_head = store.heads(this.communityId()).head;
    return reply;
  }

  onEvent(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #releaseWaiting(): number {
    const ready = this.#waiting.release((author: NodeId, shaped) => {
      const view = this.view();
      return (
        view.known.has(author) ||
        (shaped.event.event_type === "community.member.joined" && [...view.invites.values()].some((i) => i.invitee === author))
      );
    });
    let stored = 0;
    for (const shaped of ready) {
      const verdict = judge(
        { store: this.store, clock: this.#options.clock, membership: () => this.view(), bootstrapping: this.bootstrapping },
        shaped.event,
      );
      if (verdict.kind === "store") stored += this.#store([verdict.shaped]) + this.#releaseWaiting();
    }
    return stored;
  }

  #store(batch: ShapedEvent[]): number {
    const { store, clock } = this.#options;
    const fresh = store.transaction(() =>
      batch.filter((shaped) => {
        const inserted = store.insert(shaped, clock.now());
        if (inserted) store.setClock(Math.max(store.clock(), shaped.event.lamport) + 1);
        return inserted;
      }),
    );
    this.#applied(fresh);
    return fresh.length;
  }

  #applied(batch: ShapedEvent[]): void {
    for (const { event } of batch) {
      if (
        event.event_type.startsWith("community.") &&
        this.#view !== null &&
        (isLate(this.#view, event) || !this.#view.apply(event))
      )
        this.#view = null;
      for (const listener of this.#listeners) listener(event);
    }
  }
}

import { type Clock, CONSTANTS, type Event, type NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { beyond, type Membership } from "../views/membership.ts";
import { checkCommunity, shapeEvent, type ShapedEvent } from "./shape.ts";
import { addHash, type EventStore } from "./store.ts";

/** What the gate needs to know of the log it guards. */
export interface Gate {
  store: EventStore;
  membership: () => Membership;
  clock: Clock;
  /** While the first sync runs, a far higher lamport is normal (E-5). */
  bootstrapping: boolean;
}

export type Refusal = { kind: "refuse"; event_id: string; reason: string };
export type Verdict = { kind: "store" } | { kind: "wait" } | Refusal;

/**
 * What can be said of a received event before its signature is looked at: form, community, whether it is here already, and bounds that only rise.
 * @param value  one event out of a strictly parsed body
 * @returns what is left to verify
 * @source 04 §4 steps 1 to 3, network.md §5 "Precheck"
 */
export function precheck(gate: Gate, value: unknown): { kind: "verify"; shaped: ShapedEvent } | { kind: "duplicate" } | Refusal {
  let shaped: ShapedEvent;
  try {
    shaped = shapeEvent(value);
    const community = gate.store.communityId();
    if (community !== null) checkCommunity(shaped.event, community);
  } catch (error) {
    if (!HnError.isHnError(error)) throw error;
    return { kind: "refuse", event_id: idOf(value), reason: "bad_request" };
  }
  const { event } = shaped;
  if (gate.store.holds(shaped)) return { kind: "duplicate" };
  const record = gate.membership().revoked.get(event.author);
  if (record !== undefined && beyond(event, record.cut)) return refuse(event, "revoked_author");
  return event.lamport > CONSTANTS.EVENT_MAX_LAMPORT ? refuse(event, "out_of_order") : { kind: "verify", shaped };
}

/** Whether so high a lamport must wait until others have moved the head. @source 04 E-5 */
export function isFarAhead({ store, bootstrapping }: Gate, event: Event, head: number = store.clock()): boolean {
  return !bootstrapping && event.lamport > head + CONSTANTS.EVENT_LAMPORT_JUMP;
}

/**
 * Judges an event whose signature is genuine, by the log as it stands now.
 * @source 04 §4 steps 5 to 7
 */
export function admit(gate: Gate, shaped: ShapedEvent): Verdict {
  const { event } = shaped;
  const view = gate.membership();
  if (!isKnownAuthor(view, event)) return { kind: "wait" };
  if (revokedVerdict(gate.store, view, shaped)) return refuse(event, "revoked_author");
  return isFarAhead(gate, event) ? refuse(event, "out_of_order") : { kind: "store" };
}

export function refuse(event: Event, reason: string): Refusal {
  return { kind: "refuse", event_id: event.event_id, reason };
}

/** What a refused value calls itself; empty when it has no name. */
export function idOf(value: unknown): string {
  const id = typeof value === "object" && value !== null ? (value as { event_id?: unknown }).event_id : undefined;
  return typeof id === "string" ? id.slice(0, 26) : "";
}

export function isKnownAuthor(view: Membership, event: Event): boolean {
  if (view.known.has(event.author)) return true;
  return (
    event.event_type === "community.member.joined" && [...view.invites.values()].some((invite) => invite.invitee === event.author)
  );
}

/** Below the cut a late event still counts only while number and sum of the signers' view can be reached (E-9). */
function revokedVerdict(store: EventStore, view: Membership, shaped: ShapedEvent): boolean {
  const record = view.revoked.get(shaped.event.author);
  if (record === undefined) return false;
  if (beyond(shaped.event, record.cut)) return true;
  if (record.cut.count === null || record.cut.sum === null) return false;
  const have = store.sumUpTo(shaped.event.author, record.cut);
  if (have.count >= record.cut.count) return true;
  if (have.count + 1 < record.cut.count) return false;
  return addHash(have.sum, shaped.hash).toString(16).padStart(64, "0") !== record.cut.sum;
}

/** Events of authors not known yet, because an invitation and a first word may arrive in any order. @source 04 E-6 */
export class WaitingRoom {
  static readonly LIMIT = 1000;
  static readonly LIFETIME_MS = 600_000;
  #waiting: { shaped: ShapedEvent; until: number }[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  isFull(now: number): boolean {
    this.#waiting = this.#waiting.filter((entry) => entry.until > now);
    return this.#waiting.length >= WaitingRoom.LIMIT;
  }

  add(shaped: ShapedEvent, now: number): boolean {
    if (this.#waiting.some(({ shaped: { hash } }) => Buffer.compare(hash, shaped.hash) === 0)) return true;
    if (this.isFull(now)) return false;
    this.#waiting.push({ shaped, until: now + WaitingRoom.LIFETIME_MS });
    return true;
  }

  /** Takes out all that `ready` accepts. */
  release(ready: (author: NodeId, shaped: ShapedEvent) => boolean): ShapedEvent[] {
    const out = this.#waiting.filter((entry) => ready(entry.shaped.event.author, entry.shaped));
    if (out.length > 0) this.#waiting = this.#waiting.filter((entry) => !out.includes(entry));
    return out.map((entry) => entry.shaped);
  }
}

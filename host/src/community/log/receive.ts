import { type Clock, CONSTANTS, type Event, type NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";
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

export type Verdict =
  | { kind: "store"; shaped: ShapedEvent }
  | { kind: "duplicate" }
  | { kind: "wait"; shaped: ShapedEvent }
  | { kind: "refuse"; event_id: string; reason: string };

/**
 * Judges one received event up to, but without, the insert: steps 1 to 7 of 04 §4 in their order.
 * @param value  one event out of a strictly parsed body
 */
export function judge(gate: Gate, value: unknown): Verdict {
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
  if (!verifyTyped("event", event, { by: event.author })) return refuse(event, "invalid_signature");
  const view = gate.membership();
  if (!isKnownAuthor(view, event)) return { kind: "wait", shaped };
  const late = revokedVerdict(gate.store, view, shaped);
  if (late) return refuse(event, "revoked_author");
  if (event.lamport > CONSTANTS.EVENT_MAX_LAMPORT) return refuse(event, "out_of_order");
  if (!gate.bootstrapping && event.lamport > gate.store.clock() + CONSTANTS.EVENT_LAMPORT_JUMP)
    return refuse(event, "out_of_order");
  return { kind: "store", shaped };
}

function refuse(event: Event, reason: string): Verdict {
  return { kind: "refuse", event_id: event.event_id, reason };
}

function idOf(value: unknown): string {
  const id = typeof value === "object" && value !== null ? (value as { event_id?: unknown }).event_id : undefined;
  return typeof id === "string" ? id.slice(0, 26) : "";
}

function isKnownAuthor(view: Membership, event: Event): boolean {
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

  add(shaped: ShapedEvent, now: number): boolean {
    this.#waiting = this.#waiting.filter((entry) => entry.until > now);
    if (this.#waiting.length >= WaitingRoom.LIMIT) return false;
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

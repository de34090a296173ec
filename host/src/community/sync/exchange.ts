import {
  type Event,
  type NodeId,
  type Standing,
  type SyncHeads,
  type SyncReply,
  type SyncRequest,
  CONSTANTS,
} from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { EventLog } from "../log/event-log.ts";

/**
 * Serves `/sync/v1/events`: takes what the sender pushed, answers with what it lacks.
 * An invitee may push only its own join. @source 04 §8, 02 T-6
 */
export function serveExchange(log: EventLog, request: SyncRequest, sender: { node: NodeId; standing: Standing }): SyncReply {
  const { node, standing } = sender;
  if (standing.kind !== "member" && standing.kind !== "invitee")
    throw new HnError(standing.kind === "revoked" ? "revoked" : "unauthorized");
  if (request.community_id !== log.communityId())
    throw new HnError("bad_request", { message: "The log asked for belongs to another community." });
  if (!Array.isArray(request.events) || request.events.length > CONSTANTS.SYNC_BATCH_MAX_EVENTS)
    throw new HnError("bad_request", { reason: "too_large", message: "Send at most 1000 events at a time." });
  if (standing.kind === "invitee") checkInviteePush(request.events, node);
  const taken = log.receive(request.events);
  const { events, more } = log.store.above(readHeads(request));
  return { ...taken, events, more };
}

function checkInviteePush(events: Event[], node: NodeId): void {
  const own = events.every(
    (e) => typeof e === "object" && e !== null && e.author === node && e.event_type === "community.member.joined",
  );
  if (events.length > 1 || !own)
    throw new HnError("unauthorized", { message: "Before joining you may send one event only: your own join." });
}

function readHeads(request: SyncRequest): Record<NodeId, number> {
  const heads = request.our_heads_by_author;
  if (heads !== undefined) {
    if (typeof heads !== "object" || heads === null || Object.values(heads).some((n) => !Number.isSafeInteger(n)))
      throw new HnError("bad_request", { message: "our_heads_by_author must map node ids to integers." });
    return heads;
  }
  return {};
}

/** Heads with entries of revoked authors clipped to their cut, so that nobody is offered what is refused. @source 04 E-13 */
export function clippedHeads(log: EventLog): SyncHeads {
  const heads = log.store.heads(log.communityId());
  for (const record of log.view().revoked.values()) {
    const own = heads.heads_by_author[record.node_id];
    if (own !== undefined) heads.heads_by_author[record.node_id] = Math.min(own, record.cut.lamport);
  }
  return heads;
}

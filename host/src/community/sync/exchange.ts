import {
  CONSTANTS,
  type Event,
  type JsonValue,
  type NodeId,
  type Position,
  type RangeMessage,
  type Standing,
  type SyncBrief,
  type SyncHeads,
  type SyncRange,
  type SyncReply,
  type SyncRequest,
} from "../../contract/index.ts";
import { decodeBase64url, encodeBase64url, HnError } from "../../foundation/index.ts";
import type { EventLog } from "../log/event-log.ts";
import { frontierOf } from "./event-set.ts";
import type { Manners } from "./manners.ts";
import { ID_BYTES, readRangeMessage, writeRanges } from "./range-message.ts";
import { answerRanges, RangeView } from "./ranges.ts";
import { readSaltQuestion, type SaltedAnswers } from "./salted.ts";
import type { SumTree } from "./sum-tree.ts";

/** @source network.md §5 "Range message" */
export const WANT_MAX = 1000;

/**
 * Serves `/sync/v1/events`: takes what the sender pushed, answers with what it lacks.
 * An invitee may push only its own join. @source 04 §8, 02 T-6
 */
export async function serveExchange(
  log: EventLog,
  request: SyncRequest,
  sender: { node: NodeId; standing: Standing; manners: Manners },
): Promise<SyncReply> {
  const { node, standing, manners } = sender;
  if (standing.kind !== "member" && standing.kind !== "invitee")
    throw new HnError(standing.kind === "revoked" ? "revoked" : "unauthorized");
  if (request.community_id !== log.communityId())
    throw new HnError("bad_request", { message: "The log asked for belongs to another community." });
  if (!Array.isArray(request.events) || request.events.length > CONSTANTS.SYNC_BATCH_MAX_EVENTS)
    throw new HnError("bad_request", { reason: "too_large", message: "Send at most 1000 events at a time." });
  if (standing.kind === "invitee") checkInviteePush(request.events, node);
  const wanted = readWant(request);
  manners.check(node);
  const allowed = manners.allowed(node, request.events, (event) => log.store.knows(event));
  const taken = await log.receive(allowed);
  manners.note(node, { size: allowed.length, reasons: taken.rejected_reasons });
  if (wanted !== null) return { ...taken, events: log.store.at(log.set.find(wanted)), more: false };
  const counts = (place: Position): boolean => log.set.counts(place);
  const { events, more } = log.store.above(readHeads(request), { base: readBase(request), counts });
  return { ...taken, events, more };
}

/** Answers one step of a comparison by ranges; for members only. @source network.md §5, 02 T-6 */
export function serveRanges(
  log: EventLog,
  message: unknown,
  { node, standing, salted }: { node: NodeId; standing: Standing; salted: SaltedAnswers },
): RangeMessage {
  if (standing.kind !== "member") throw new HnError(standing.kind === "revoked" ? "revoked" : "unauthorized");
  const community_id = log.communityId();
  const { floor, ranges } = readRangeMessage(message, community_id);
  if (!log.set.ready) throw new HnError("capacity_exceeded", { reason: "log_being_read", retryAfterMs: 1000 });
  const common = Math.max(floor, log.store.floor());
  const answer = (tree: SumTree): SyncRange[] => writeRanges(answerRanges(new RangeView(tree, common), ranges));
  const { salt } = message as { salt?: JsonValue };
  if (salt === undefined) return { community_id, floor: common, ranges: answer(log.set.tree) };
  const question = readSaltQuestion(salt);
  const isFirst = ranges.every(({ mode }) => mode === 0);
  if (isFirst) salted.begin(log.set, node, question);
  const half = encodeBase64url(salted.half(node, question));
  return {
    community_id,
    floor: common,
    ranges: isFirst ? writeRanges(ranges) : answer(salted.tree(node, question)),
    salt: { half },
  };
}

/** Heads with the sums of the set beside them, counted from the higher of two floors on. @source 04 §8 */
export function briefOf(log: EventLog, floor: number): SyncBrief {
  const community_id = log.communityId();
  const { head, heads_by_author: heads } = clippedHeads(log);
  const from = Math.max(floor, log.store.floor());
  const sums = log.onceUnchanged(`sums from ${from}`, () => log.set.sumAbove(from));
  if (sums === undefined) return { community_id, head };
  return { community_id, head, set: { ...sums, frontier: log.onceUnchanged("frontier", () => frontierOf(heads)) } };
}

function readWant({ want }: SyncRequest): Set<string> | null {
  if (want === undefined) return null;
  if (!Array.isArray(want) || want.length > WANT_MAX)
    throw new HnError("bad_request", { reason: "too_large", message: "Ask for at most 1000 events by their hash." });
  return new Set(
    want.map((id: unknown) => Buffer.from(decodeBase64url(typeof id === "string" ? id : "", ID_BYTES)).toString("hex")),
  );
}

/** A sender without a vector has taken 1000 off its head already (E-13). */
function readBase({ our_heads_by_author: vector, our_head: head }: SyncRequest): number {
  return vector === undefined && typeof head === "number" && Number.isSafeInteger(head) ? Math.max(0, head) : 0;
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

/** Heads with entries of revoked authors clipped to their cut, so that nobody is offered what is refused. Not to be altered. @source 04 E-13 */
export function clippedHeads(log: EventLog): SyncHeads {
  return log.onceUnchanged("heads", () => readHeadsOf(log));
}

function readHeadsOf(log: EventLog): SyncHeads {
  const heads = log.store.heads(log.communityId());
  for (const record of log.view().revoked.values()) {
    const own = heads.heads_by_author[record.node_id];
    if (own !== undefined) heads.heads_by_author[record.node_id] = Math.min(own, record.cut.lamport);
  }
  return heads;
}

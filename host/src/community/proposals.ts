import type { CoSign, CoSigner, Event, JsonObject, JsonValue, MemberLevel, NodeId, Proposal } from "../contract/index.ts";
import {
  encodeBase64url,
  decodeBase64url,
  formatTime,
  HnError,
  isTime,
  parseStrictJson,
  parseTime,
} from "../foundation/index.ts";
import { canonicalBytes, parseNodeId, verifyTyped } from "../identity/index.ts";
import { checkEffect, type Hand, targetHead } from "./levels.ts";
import type { EventLog } from "./log/event-log.ts";
import { coSignPayload } from "./views/cosign.ts";
import { atLeast } from "./views/membership.ts";

const SCHEME = "hncosign://v1/";
const TEXT_MAX = 16_384;
const SIGNERS_MAX = 64;
const LIFETIME_MS = 86_400_000;
const ACTIONS: readonly string[] = ["community.member.promoted", "community.member.demoted", "community.member.revoked"];

/** An act with the signatures that it has so far. */
interface Draft {
  action: Proposal["action"];
  data: JsonObject & { target_node_id: NodeId; not_after: string };
  coSigners: CoSigner[];
}

/** @throws not_found · unauthorized @source 04 E-7 */
export function propose(
  log: EventLog,
  act: { action: Proposal["action"]; target: NodeId; level?: MemberLevel; reason?: string },
  hand: Hand,
): Proposal {
  parseNodeId(act.target);
  if (!log.view().members.has(act.target)) throw new HnError("not_found", { message: "Nobody with this id is a member." });
  const data: Draft["data"] = {
    client_id: hand.newUlid(),
    target_node_id: act.target,
    not_after: formatTime(hand.clock.now() + LIFETIME_MS),
    ...(act.action === "community.member.revoked"
      ? { reason: act.reason ?? "", ...targetHead(log, act.target) }
      : { new_level: act.level ?? "member" }),
  };
  return describe(log, sign(log, { action: act.action, data, coSigners: [] }, hand), hand);
}

/** @throws bad_request proposal_invalid · expired proposal_expired */
export function readProposal(log: EventLog, text: string, hand: Hand): Proposal {
  return describe(log, parse(log, text, hand), hand);
}

/** @throws as `readProposal` · unauthorized for whoever is not trusted */
export function cosign(log: EventLog, text: string, hand: Hand): Proposal {
  return describe(log, sign(log, parse(log, text, hand), hand), hand);
}

/** @throws as `cosign` · unauthorized co_signer_insufficient */
export function submit(log: EventLog, text: string, hand: Hand): Event {
  // Whoever submits is the event's author, and the author signs too (E-7).
  const draft = sign(log, parse(log, text, hand), hand);
  const data = eventData(draft);
  checkEffect(log, { type: draft.action, data, target: draft.data.target_node_id }, hand);
  return log.append({ type: draft.action, data });
}

function sign(log: EventLog, draft: Draft, { signer }: Hand): Draft {
  const me = signer.nodeId;
  if (draft.coSigners.some(({ node_id }) => node_id === me)) return draft;
  if (!atLeast(log.view().levelOf(me), "trusted"))
    throw new HnError("unauthorized", { message: "Only trusted members and anchors may sign this." });
  return { ...draft, coSigners: [...draft.coSigners, { node_id: me, signature: signer.signCoSign(payloadOf(log, draft)) }] };
}

function payloadOf(log: EventLog, { action, data }: Draft): CoSign {
  return coSignPayload({ community_id: log.communityId(), event_type: action, data });
}

function eventData({ data, coSigners }: Draft): JsonObject {
  return { ...data, co_signers: coSigners as unknown as JsonObject[] };
}

function describe(log: EventLog, draft: Draft, hand: Hand): Proposal {
  const { action, data, coSigners } = draft;
  const whole = { action, community_id: log.communityId(), data: eventData(draft) };
  return {
    text: SCHEME + encodeBase64url(canonicalBytes(whole)),
    action,
    target_node_id: data.target_node_id,
    ...(typeof data["new_level"] === "string" ? { new_level: data["new_level"] as MemberLevel } : {}),
    ...(typeof data["reason"] === "string" ? { reason: data["reason"] } : {}),
    not_after: data.not_after,
    signers: coSigners.map(({ node_id }) => node_id),
    enough: isEnough(log, draft, hand),
  };
}

function isEnough(log: EventLog, draft: Draft, hand: Hand): boolean {
  try {
    checkEffect(log, { type: draft.action, data: eventData(draft), target: draft.data.target_node_id }, hand);
    return true;
  } catch {
    return false;
  }
}

function parse(log: EventLog, text: string, { clock }: Hand): Draft {
  const draft = parseText(text.trim(), log.communityId());
  const left = parseTime(draft.data.not_after) - clock.now();
  if (left < 0) throw new HnError("expired", { reason: "proposal_expired" });
  // Longer than any node would let it count (E-7).
  if (left > 7 * LIFETIME_MS) throw invalid();
  const payload = payloadOf(log, draft);
  for (const { node_id, signature } of draft.coSigners)
    if (!verifyTyped("cosign", payload, { by: node_id, signature })) throw invalid();
  return draft;
}

function parseText(text: string, community: string): Draft {
  if (!text.startsWith(SCHEME) || text.length > TEXT_MAX) throw invalid();
  let whole: JsonValue;
  try {
    whole = parseStrictJson(decodeBase64url(text.slice(SCHEME.length)), { maxBytes: TEXT_MAX, maxDepth: 6 });
  } catch (cause) {
    throw invalid(cause);
  }
  if (!isObject(whole)) throw invalid();
  const { action, community_id, data } = whole;
  if (community_id !== community || typeof action !== "string" || !ACTIONS.includes(action) || !isObject(data)) throw invalid();
  const { co_signers: list, ...rest } = data;
  const { client_id, target_node_id: target, not_after } = rest;
  if (typeof client_id !== "string" || typeof target !== "string" || !isTime(not_after) || !Array.isArray(list)) throw invalid();
  const coSigners = list.flatMap((item) =>
    isObject(item) && typeof item["node_id"] === "string" && typeof item["signature"] === "string"
      ? [{ node_id: item["node_id"], signature: item["signature"] }]
      : [],
  );
  const isSound =
    coSigners.length === list.length &&
    coSigners.length <= SIGNERS_MAX &&
    new Set(coSigners.map(({ node_id }) => node_id)).size === coSigners.length;
  if (!isSound) throw invalid();
  return { action: action as Proposal["action"], data: { ...rest, target_node_id: target, not_after }, coSigners };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(cause?: unknown): HnError {
  return new HnError("bad_request", { reason: "proposal_invalid", cause });
}

import type { CoSign, CoSigner, Event, JsonObject, JsonValue, NodeId } from "../../contract/index.ts";
import { parseTime } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";

/** A co-signature may be used at most this long after its `not_after` was chosen. @source 04 E-7 */
const MAX_LIFETIME_MS = 7 * 86_400_000;

/** The object that each co-signer signs: the event's data without `co_signers`. @source 04 E-7 */
export function coSignPayload(event: { community_id: string; event_type: string; data: JsonObject }): CoSign {
  const { co_signers: _, ...data } = event.data;
  return { type: "hearthnet.cosign.v1", action: event.event_type, community_id: event.community_id, data };
}

/**
 * Distinct ids whose co-signature on this event is genuine and in time; empty when the list is missing, malformed or too late.
 * One false signature voids the whole list, so that nobody can be blamed for a list that a stranger padded.
 * @source 04 E-7
 */
export function genuineSigners(event: Event): Set<NodeId> {
  const list = readCoSigners(event.data["co_signers"]);
  const deadline = event.data["not_after"];
  if (list === null || typeof event.data["client_id"] !== "string" || typeof deadline !== "string") return new Set();
  try {
    const late = parseTime(deadline) - parseTime(event.wall_clock);
    if (late < 0 || late > MAX_LIFETIME_MS) return new Set();
  } catch {
    return new Set();
  }
  const payload = coSignPayload(event);
  const signers = new Set<NodeId>();
  for (const { node_id, signature } of list) {
    if (!verifyTyped("cosign", payload, { by: node_id, signature })) return new Set();
    signers.add(node_id);
  }
  return signers;
}

function readCoSigners(value: JsonValue | undefined): CoSigner[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > 64) return null;
  const list: CoSigner[] = [];
  for (const item of value) {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return null;
    const { node_id, signature } = item;
    if (typeof node_id !== "string" || typeof signature !== "string" || list.some((known) => known.node_id === node_id))
      return null;
    list.push({ node_id, signature });
  }
  return list;
}

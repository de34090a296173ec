import type { NodeId, Principal, TokenRevokedFor, Ulid } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Office } from "../verify/office.ts";

/**
 * Appends the revocation, when it would count: of tokens of this node, or of any where this node is trusted. Whoever asks must have asked for the
 * token, or be trusted.
 * @throws unauthorized reason token_not_yours
 * @source 05 §5, K-7
 */
export async function revokeToken(
  office: Office,
  input: { client_id: Ulid; token_id: Ulid; reason?: TokenRevokedFor },
  caller: Principal,
): Promise<{ event_id: Ulid }> {
  const { community, store, nodeId } = office;
  if (community.communityId() === null) throw new HnError("not_found", { reason: "no_community" });
  const own = store.issued(input.token_id);
  const weCount = own !== null || isTrusted(nodeId, office);
  if (!weCount || !mayAsk(caller, own?.askedBy, office)) throw new HnError("unauthorized", { reason: "token_not_yours" });
  const event = await community.append({
    type: "auth.token.revoked",
    data: { token_id: input.token_id, reason: input.reason ?? "manual" },
    clientId: input.client_id,
  });
  return { event_id: event.event_id };
}

function mayAsk(caller: Principal, askedBy: string | undefined, office: Office): boolean {
  if (caller.kind === "self") return true;
  if (caller.kind === "plugin") return askedBy === caller.plugin_id;
  return caller.kind === "member" && (askedBy === caller.node_id || isTrusted(caller.node_id, office));
}

function isTrusted(node: NodeId, { community }: Office): boolean {
  const standing = community.standing(node);
  return standing.kind === "member" && standing.level !== "member";
}

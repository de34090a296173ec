import type { PeerHint } from "./contract/index.ts";
import { readInvite } from "./identity/index.ts";

/**
 * Addresses of the node that has invited this one, as it has signed them.
 * @param now  Unix milliseconds
 * @throws bad_request invite_invalid · expired invite_expired
 * @source network.md §4 "Manual, invite"
 */
export function invitedBy(text: string, now: number): PeerHint[] {
  const { inviter_node_id, bootstrap_endpoints } = readInvite(text, { now });
  return bootstrap_endpoints
    .filter(({ transport }) => transport === "https")
    .map(({ host, port }) => ({
      source: "invite",
      host,
      port,
      nodeId: inviter_node_id,
      ttlMs: Infinity,
      detail: "named in the invitation that this node joined by",
    }));
}

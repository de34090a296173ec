import { HnError } from "../../foundation/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage } from "./passage.ts";

/**
 * Who the caller is here. The community header is a claim: standing comes from our own log, and another community's claim leads nowhere
 * while no federation plugin vouches for it. Who belongs to none speaks for itself alone and is a stranger.
 * @source 02 §3 step 7, T-9
 */
export function settleMembership(passage: Passage, gate: Gate): void {
  const { from, community } = headersOf(passage);
  const ours = gate.standing.communityId();
  if (ours !== null && community !== ours && community !== from && passage.rule.anyKey !== true)
    throw new HnError("not_federated");
  const standing = community === ours ? passage.standing : undefined;
  if (standing?.kind === "member") passage.caller = { kind: "member", node_id: from, community_id: ours, level: standing.level };
  else {
    passage.caller = { kind: "stranger", node_id: from, community_id: null, level: "unknown" };
    if (standing?.kind !== "invitee") passage.standing = { kind: "stranger" };
  }
  if (standing?.kind === "member" || standing?.kind === "invitee")
    gate.addresses.proven(passage.address, from, gate.clock.monotonic());
  if (standing?.kind === "member") gate.onProven(from);
}

import type { CommunityId, FederationGrant, MemberLevel, NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import type { Office } from "./office.ts";

/** What the issuer may hand on at this moment. */
export type Authority = { level: MemberLevel; grant: null } | { level: "federated"; grant: FederationGrant };

const RANK: Record<MemberLevel, number> = { member: 1, trusted: 2, anchor: 3 };

/** True when a holder of `had` now has less. */
export function isLower(level: Authority["level"], had: Authority["level"]): boolean {
  if (level === "federated" || had === "federated") return level !== had;
  return RANK[level] < RANK[had];
}

/**
 * The issuer's current level, no higher than that of whoever asked for the token; or what a link with its community grants.
 * @param claimed  community that the caller says it acts from
 * @throws revoked · token_invalid reason token_issuer_unknown · not_federated
 * @source 05 §3 step 6, §6, K-9
 */
export function settleIssuer(
  claims: Pick<Claims, "iss" | "act" | "issued_via">,
  office: Office,
  claimed: CommunityId | null,
): Authority {
  const { iss, act, issued_via } = claims;
  const level = levelOf(iss, office);
  if (level !== null) {
    if (act === undefined || act === iss) return { level, grant: null };
    const asked = levelOf(act, office);
    if (asked === null) throw unknown();
    return { level: isLower(asked, level) ? asked : level, grant: null };
  }
  // Whoever asked a foreign issuer cannot be judged here.
  const grant = claimed === null || act !== undefined ? null : office.federation()?.grantOf({ issuer: iss, community: claimed });
  if (grant !== null && grant !== undefined) return { level: "federated", grant };
  if (issued_via === "federation") throw new HnError("not_federated");
  throw unknown();
}

/** Null: no member, and never revoked. @throws revoked */
function levelOf(node: NodeId, { community }: Office): MemberLevel | null {
  const standing = community.standing(node);
  if (standing.kind === "revoked") throw new HnError("revoked", { reason: "token_issuer_revoked" });
  return standing.kind === "member" ? standing.level : null;
}

function unknown(): HnError {
  return new HnError("token_invalid", { reason: "token_issuer_unknown" });
}

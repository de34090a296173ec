import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import type { Office } from "./office.ts";

/** Our community, and this node where one is named. A token without audience is for its issuer's own. @throws unauthorized @source 05 §3 step 5, K-2 */
export function checkAudience({ aud, aud_node, iss }: Claims, { community, nodeId }: Pick<Office, "community" | "nodeId">): void {
  const ours = community.communityId();
  if (
    ours !== null &&
    (aud_node === undefined || aud_node === nodeId) &&
    (aud === null ? isOfOurs(iss, community) : aud === ours)
  )
    return;
  throw new HnError("unauthorized", { reason: "token_audience_mismatch" });
}

/** Whoever was revoked was one of us; the next step says so. */
function isOfOurs(node: string, community: Office["community"]): boolean {
  const { kind } = community.standing(node);
  return kind === "member" || kind === "revoked";
}

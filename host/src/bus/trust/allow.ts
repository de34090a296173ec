import { HnError } from "../../foundation/index.ts";
import type { Principal, TrustLevel, TrustRequirement, VerifiedToken } from "../../contract/index.ts";

const RANK: Record<TrustLevel, number> = { unknown: 0, member: 1, trusted: 2, anchor: 3 };

/** True for a caller that stands outside this community: it learns nothing about what is offered here. */
export function isOutsider(caller: Principal): boolean {
  return caller.kind === "stranger" || (caller.kind === "member" && RANK[caller.level] === 0);
}

/**
 * Whether a token, which covers the call, reaches the requirement by itself: up to the level of whoever stands behind it. One of a linked
 * community reaches what is for linked communities and for members, nothing yields `self`.
 * @source 03 B-11, 05 §6
 */
function reaches({ level }: VerifiedToken, required: TrustRequirement): boolean {
  if (required === "self") return false;
  if (level === "federated") return required === "federated" || required === "member";
  return required !== "federated" && RANK[level] >= RANK[required];
}

/**
 * Whether `caller` may use a capability that asks for `required`. The operator passes the whole ladder at local entries; a foreign caller
 * passes nothing while no federation plugin vouches for it; a plugin stands on the level it was given and is never the operator.
 * @param token  can only widen what the caller may do
 * @throws unauthorized | not_federated
 * @source 03 §8, B-11
 */
export function checkAllowed(caller: Principal, required: TrustRequirement, token?: VerifiedToken): void {
  if (required === "unknown" || (token !== undefined && reaches(token, required))) return;
  if (caller.kind === "federated") throw new HnError("not_federated");
  if (caller.kind === "self" && required !== "federated") return;
  if (required === "self") throw tooLow("It is reserved for the operator of this node");
  if (required === "federated") throw tooLow("It is reserved for linked communities");
  if (isOutsider(caller)) throw new HnError("unauthorized");
  if (RANK[caller.level] < RANK[required]) throw tooLow(`It needs the level ${required}, and yours is ${caller.level}`);
}

function tooLow(why: string): HnError {
  return new HnError("unauthorized", {
    message: `You are not allowed to do this. ${why}. Ask a trusted member of the community.`,
  });
}

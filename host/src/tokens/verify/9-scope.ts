import type { TokenPresentation } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import { covers } from "../read/covers.ts";
import { isBeyondBearers, isBeyondTokens } from "../read/never-by-token.ts";
import type { Authority } from "./6-issuer.ts";

/**
 * The token names the call, and what cannot be handed on is not.
 * @throws unauthorized reason token_chain · token_scope_insufficient · federation_forbidden
 * @source 05 §3 step 9, §4, §7, K-5
 */
export function checkScope(claims: Claims, presented: TokenPresentation, { grant }: Authority): void {
  const { capability, idempotent } = presented;
  if (isBeyondTokens(capability)) throw new HnError("unauthorized", { reason: "token_chain" });
  if (!covers(claims.scope, presented)) throw new HnError("token_scope_insufficient");
  // Nothing marks a bearer's request as seen before.
  if (claims.sub === "*" && (isBeyondBearers(capability) || !idempotent)) throw new HnError("token_scope_insufficient");
  if (grant !== null && !grant.covers(presented)) throw new HnError("federation_forbidden");
}

import { TOKEN_MAX_TTL_SECONDS, type TokenPresentation } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import type { TokenSettings } from "../settings.ts";

/**
 * A named subject must have signed the request; anything else would be a token for whoever finds it. Those for everybody count only where the
 * operator lets them.
 * @throws invalid_signature reason token_subject_mismatch · token_invalid reason bearer_refused
 * @source 05 §3 step 8, §4, K-4, K-5
 */
export function checkSubject(claims: Claims, signer: TokenPresentation["signer"], settings: TokenSettings): void {
  if (claims.sub === "*") return checkBearer(claims, settings);
  if (claims.sub !== signer) throw new HnError("invalid_signature", { reason: "token_subject_mismatch" });
}

function checkBearer({ issued_via, scope, iat, exp }: Claims, { allowBearer }: TokenSettings): void {
  if (
    !allowBearer ||
    (issued_via !== "federation" && issued_via !== "relay") ||
    scope.rate_limit_per_minute === undefined ||
    exp - iat > TOKEN_MAX_TTL_SECONDS
  )
    throw new HnError("token_invalid", { reason: "bearer_refused" });
}

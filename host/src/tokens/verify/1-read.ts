import { TOKEN_MAX_TTL_SECONDS } from "../../contract/index.ts";
import { readTokenText, type TokenText } from "../../identity/index.ts";
import { readClaims, type Claims } from "../read/claims.ts";
import type { Office } from "./office.ts";

export interface ReadToken {
  written: TokenText;
  claims: Claims;
}

/** Size, parts, header, claims, bounds; nothing of it drives a lookup. @throws bad_request · token_invalid @source 05 §3 step 1, K-3 */
export function readToken(text: string, { community }: Pick<Office, "community">): ReadToken {
  const written = readTokenText(text);
  const maxTtlSeconds = community.policy()?.capability_token_ttl_seconds ?? TOKEN_MAX_TTL_SECONDS;
  return { written, claims: readClaims(written.claims, { maxTtlSeconds }) };
}

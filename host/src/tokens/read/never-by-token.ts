/** What is not handed on. */

/** Acts on tokens, membership and links: whoever is here through a token may do none of them. @source 05 §4 "No chains" */
export function isBeyondTokens(capability: string): boolean {
  return (
    capability === "auth.token.issue" ||
    capability === "auth.token.revoke" ||
    capability.startsWith("community.") ||
    capability.startsWith("federation.peer.")
  );
}

const WRITES = /\.(?:post|put|ingest|revoke|invite)$/;
const NEVER_BEARER = ["chat.", "auth.", "community."];

/** Whoever finds the token could do it. @source 05 K-5 */
export function isBeyondBearers(capability: string): boolean {
  return WRITES.test(capability) || NEVER_BEARER.some((prefix) => capability.startsWith(prefix));
}

import { HnError } from "../../foundation/index.ts";
import type { VerifiedToken } from "../../contract/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage, type SignedHeaders } from "./passage.ts";

/** What a token is refused with that nobody has ever issued. */
const GUESSED: ReadonlySet<string> = new Set(["bad_request", "token_invalid"]);

/**
 * A token is checked, not ignored: whoever sends one counts on it. It can only widen what the caller may do, and only for this call. Where the key
 * alone counts, none is looked at; where members alone come in, none opens the door.
 * @throws as `TokenDesk.admit`
 * @source 02 §3 step 8, T-9, 04 E-15, 05 §4
 */
export function checkToken(passage: Passage, gate: Gate): void {
  const { rule } = passage;
  const headers = headersOf(passage);
  if (rule.anyKey === true || headers.token === undefined) return;
  if (rule.capability !== undefined) throw new HnError("token_scope_insufficient", { reason: "token_not_here" });
  passage.token = admit(passage, { ...headers, token: headers.token }, gate);
  // As a stranger, so that nothing beyond the call itself follows from the issuer's standing; counted and recorded against the issuer.
  passage.caller ??= { kind: "stranger", node_id: passage.token.issuer, community_id: null, level: "unknown" };
}

function admit(passage: Passage, headers: SignedHeaders & { token: string }, gate: Gate): VerifiedToken {
  const { token, from, community, capability, version } = headers;
  if (gate.tokens === undefined) throw new HnError("not_implemented", { reason: "tokens_unsupported" });
  try {
    return gate.tokens.admit({
      text: token,
      signer: from === "" ? null : from,
      community: community === "" ? null : community,
      capability,
      version,
      body: passage.body ?? {},
      idempotent: gate.isIdempotent(capability),
    });
  } catch (error) {
    // Nobody has signed: whoever guesses tokens is stopped where guessers of signatures are.
    if (from === "" && GUESSED.has(HnError.from(error).code))
      gate.addresses.failedSignature(passage.address, "", gate.clock.monotonic());
    throw error;
  }
}

import { TOKEN_DEFAULT_RATE } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";
import { nowSeconds, type Office } from "./office.ts";

/** @throws rate_limited reason token_limit · token_scope_insufficient reason token_used_up · capacity_exceeded @source 05 §3 step 10, §7, K-8 */
export function count({ iss, jti, exp, scope }: Claims, office: Office): void {
  // By issuer too: a jti that somebody else has chosen is another token.
  const retryAfterMs = office.minutes.take(`${iss} ${jti}`, {
    perMinute: scope.rate_limit_per_minute ?? TOKEN_DEFAULT_RATE,
    now: office.clock.monotonic(),
  });
  if (retryAfterMs > 0) throw new HnError("rate_limited", { reason: "token_limit", retryAfterMs });
  const max = scope.max_calls_total;
  if (max === undefined || max === null) return;
  const verdict = office.store.count({ issuer: iss, jti, exp, max }, nowSeconds(office));
  if (verdict === "used_up") throw new HnError("token_scope_insufficient", { reason: "token_used_up" });
  if (verdict === "full") throw new HnError("capacity_exceeded", { reason: "token_counters_full", retryAfterMs: 60_000 });
}

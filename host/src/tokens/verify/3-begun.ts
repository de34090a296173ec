import { HnError } from "../../foundation/index.ts";
import type { Claims } from "../read/claims.ts";

/** For clocks that differ; at the start only. Seconds. @source 05 K-3 */
const LEEWAY_SECONDS = 60;

/** @param now  Unix seconds. @throws token_expired reason token_not_yet_valid @source 05 §3 step 3 */
export function checkBegun({ nbf, iat }: Pick<Claims, "nbf" | "iat">, now: number): void {
  if (now < nbf - LEEWAY_SECONDS || iat > now + LEEWAY_SECONDS)
    throw new HnError("token_expired", { reason: "token_not_yet_valid" });
}

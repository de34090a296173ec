import { HnError } from "../../foundation/index.ts";

/** Never repeats anything of the token. @source 05 §3 */
export function malformed(): HnError {
  return new HnError("bad_request", { reason: "token_malformed" });
}

import { HnError } from "../../foundation/index.ts";

/** No grace at the end. @param now  Unix seconds. @throws token_expired @source 05 §3 step 4 */
export function checkNotOver(exp: number, now: number): void {
  if (now >= exp) throw new HnError("token_expired");
}

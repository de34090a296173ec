import { HnError } from "../../foundation/index.ts";
import { headersOf, type Passage } from "./passage.ts";

/** A token is refused, not ignored: whoever sends one counts on it. Where the key alone counts, none is looked at. @source 02 §3 step 8 */
export function checkToken(passage: Passage): void {
  if (passage.rule.anyKey !== true && headersOf(passage).token !== undefined)
    throw new HnError("not_implemented", { reason: "tokens_unsupported" });
}

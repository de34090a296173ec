import { HnError } from "../../foundation/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage } from "./passage.ts";

/** @source 02 §3 step 6 */
export function checkRevoked(passage: Passage, gate: Gate): void {
  passage.standing = gate.standing.standing(headersOf(passage).from);
  if (passage.standing.kind === "revoked") throw new HnError("revoked");
}

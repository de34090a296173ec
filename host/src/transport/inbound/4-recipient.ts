import { HnError } from "../../foundation/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage } from "./passage.ts";

/**
 * A request names the node it is meant for, else a captured one could be carried to a neighbour. Without a name only harmless repeats pass,
 * and none from a caller that is known to be able to name it.
 * @source 02 §3 step 4, T-3
 */
export function checkRecipient(passage: Passage, gate: Gate): void {
  const { to, from, capability } = headersOf(passage);
  if (to === gate.nodeId) return;
  if (to !== undefined) throw new HnError("invalid_signature", { reason: "wrong_recipient" });
  if (gate.featuresOf(from).includes("req-to") || !gate.isIdempotent(capability)) {
    throw new HnError("invalid_signature", { reason: "recipient_unbound" });
  }
}

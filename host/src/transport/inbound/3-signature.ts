import { HnError } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage } from "./passage.ts";

/** @source 02 §3 step 3 */
export function checkSignature(passage: Passage, gate: Gate): void {
  const { from, signature } = headersOf(passage);
  if (passage.envelope !== undefined && verifyTyped("request", passage.envelope, { by: from, signature })) return;
  gate.addresses.failedSignature(passage.address, from, gate.clock.monotonic());
  throw new HnError("invalid_signature");
}

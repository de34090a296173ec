import { HnError } from "../../foundation/index.ts";
import { DROP, type Gate } from "./gate.ts";
import { callerOf, headersOf, type Passage } from "./passage.ts";

/** @source 02 §3 step 9, §6 */
export function checkRate(passage: Passage, gate: Gate): void {
  const { capability } = headersOf(passage);
  const verdict = gate.rates.take(callerOf(passage).node_id, capability, gate.clock.monotonic());
  if (verdict.kind === "pass") return;
  if (verdict.kind === "drop") throw DROP;
  throw new HnError("rate_limited", {
    reason: "soft_limit",
    retryAfterMs: verdict.retryAfterMs,
    message: `Too many calls in a short time. Try again in ${verdict.retryAfterMs} ms.`,
  });
}

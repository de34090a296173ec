import { HnError } from "../../foundation/index.ts";
import { DROP, type Gate } from "./gate.ts";
import type { Passage } from "./passage.ts";

/** Before any cryptography: how much may come from one address. @source 02 §3 step 0, T-12 */
export function checkAddress(passage: Passage, gate: Gate): void {
  const verdict = gate.addresses.arrive(passage.address, claimedSender(passage.rawHeaders), gate.clock.monotonic());
  if (verdict.kind === "pass") return;
  if (verdict.kind === "drop") throw DROP;
  throw new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: verdict.retryAfterMs });
}

/** The sender as claimed, unchecked: only to find a member who has proven itself from this address before. */
function claimedSender(rawHeaders: readonly string[]): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.toLowerCase() === "x-hearthnet-from") return rawHeaders[i + 1];
  return undefined;
}

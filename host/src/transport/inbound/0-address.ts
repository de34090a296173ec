import { HnError } from "../../foundation/index.ts";
import { DROP, type Gate } from "./gate.ts";
import { readClaim } from "./header-fields.ts";
import type { Passage } from "./passage.ts";

/** Before any cryptography: how much may come from one address. @source 02 §3 step 0, T-12 */
export function checkAddress(passage: Passage, gate: Gate): void {
  const { address, rawHeaders } = passage;
  // As claimed, unchecked: only to find a member who has proven itself from this address before.
  const sender = fieldOf(rawHeaders, "x-hearthnet-from");
  const verdict = gate.addresses.arrive(address, sender, gate.clock.monotonic());
  if (verdict.kind === "pass") return;
  if (verdict.kind === "drop") throw DROP;
  passage.claim = readClaim(sender, fieldOf(rawHeaders, "x-hearthnet-request-id"));
  throw new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: verdict.retryAfterMs });
}

function fieldOf(rawHeaders: readonly string[], wanted: string): string | undefined {
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === wanted) return rawHeaders[i + 1];
  return undefined;
}

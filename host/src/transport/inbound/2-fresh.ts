import { formatTime, HnError, parseTime } from "../../foundation/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage } from "./passage.ts";

/** The refusal tells our time, so that a device without clock can correct itself once. @source 02 §3 step 2, T-2 */
export function checkFresh(passage: Passage, gate: Gate): void {
  const now = gate.clock.now();
  if (Math.abs(parseTime(headersOf(passage).timestamp) - now) <= CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000) return;
  throw new HnError("expired", { reason: "clock_skew", details: { server_time: formatTime(now) } });
}

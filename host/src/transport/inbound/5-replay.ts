import { formatTime, HnError, parseTime } from "../../foundation/index.ts";
import type { Gate } from "./gate.ts";
import { headersOf, type Passage } from "./passage.ts";

/** Every signed request counts once, over restarts too. @source 02 §3 step 5, T-2 */
export function checkReplay(passage: Passage, gate: Gate): void {
  const { capability, timestamp } = headersOf(passage);
  if (parseTime(timestamp) <= gate.replays.blindUntil && !gate.isIdempotent(capability)) {
    throw new HnError("expired", { reason: "restart_window", details: { server_time: formatTime(gate.clock.now()) } });
  }
  noteOnce(passage, gate);
  gate.replays.write();
}

/**
 * The same id runs once, whichever lane it comes by. Whoever acts upon it has it written down before.
 * @source network.md §1.7, 02 T-2
 */
export function noteOnce(passage: Passage, gate: Gate): void {
  const { from, request_id } = headersOf(passage);
  const verdict = gate.replays.note(from, request_id);
  if (verdict === "seen") throw new HnError("invalid_signature", { reason: "replayed" });
  if (verdict === "full") throw new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: 1000 });
}

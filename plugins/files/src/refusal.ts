/** What this plugin refuses, in the codes of spec 30 §2. */
import { HnError, type ErrorCode } from "@hearthnet/sdk-plugin";

const REASONS = {
  manifest_invalid: "bad_request",
  hash_mismatch: "bad_request",
  too_large: "bad_request",
  disk_full: "capacity_exceeded",
  member_quota_full: "capacity_exceeded",
  locked: "capacity_exceeded",
  upload_expired: "expired",
  blob_unknown: "not_found",
  fetch_failed: "partition",
  replica_refused: "capacity_exceeded",
} as const satisfies Record<string, ErrorCode>;

export function refuse(reason: keyof typeof REASONS, message: string, cause?: unknown): HnError {
  return new HnError(REASONS[reason], { reason, message, cause });
}

/** Whether it is not here or not for this caller: the same answer. @source 30 §2 */
export function notHere(): HnError {
  return refuse("blob_unknown", "There is no such file here. Ask whoever shared it whether it still exists.");
}

export function memberQuotaFull(): HnError {
  return refuse(
    "member_quota_full",
    "You have stored as much here as one member may. Ask for some of it to be deleted, or use another node.",
  );
}

export function diskFull(cause?: unknown): HnError {
  return refuse(
    "disk_full",
    "The disk of this node is too full to take the file; nothing was stored. Delete or unpin files here, or use another node.",
    cause,
  );
}

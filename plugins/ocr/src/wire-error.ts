import { HnError } from "@hearthnet/sdk-plugin";
import { Failure } from "./failure.ts";

/** When a place is likely to be free again. */
const RETRY_AFTER_MS = 3000;

/** Gives a failure its code on the bus; anything else passes unchanged. @source 02 §5 */
export function asHnError(error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  const detail = { reason: error.reason, message: error.message, cause: error.cause };
  return new HnError(error.code, error.code === "capacity_exceeded" ? { ...detail, retryAfterMs: RETRY_AFTER_MS } : detail);
}

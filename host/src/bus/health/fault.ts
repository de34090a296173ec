import { HnError } from "../../foundation/index.ts";

const PROVIDER_FAULTS = new Set<string>(["internal_error", "timeout", "partition", "not_implemented", "plugin_gone"]);
/** Signature trouble that the provider's answer caused, not our request. */
const ANSWER_FAULTS = new Set<string | undefined>(["response_unsigned", "tls_mismatch"]);

/**
 * Whether an error speaks against the provider. What a caller can provoke is neutral, else any member could quarantine a neighbour.
 * @source 03 B-10
 */
export function isProviderFault(error: unknown): boolean {
  if (!HnError.isHnError(error)) return true;
  return PROVIDER_FAULTS.has(error.code) || (error.code === "invalid_signature" && ANSWER_FAULTS.has(error.reason));
}

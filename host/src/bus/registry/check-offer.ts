import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type CapabilityDescriptor, type Offer } from "../../contract/index.ts";
import { checkNamespace } from "./name.ts";

const STABILITY = new Set(["experimental", "beta", "stable", "deprecated"]);
const TRUST = new Set(["unknown", "member", "trusted", "anchor", "self", "federated"]);
const PARAMS_MAX_BYTES = 8192;
const CONCURRENT_MAX = 1024;

/**
 * Checks everything about an offer but its schemas.
 * @throws bad_request reason schema_invalid | namespace_violation
 * @source 03 §1, B-5
 */
export function checkOffer(offer: Offer): void {
  const { descriptor, maxBodyBytes } = offer;
  checkNamespace(descriptor.name, offer.plugin_id);
  const wrong =
    faultOf(descriptor) ??
    (maxBodyBytes === undefined || isCount(maxBodyBytes, CONSTANTS.CALL_BODY_CEILING_BYTES)
      ? null
      : "maxBodyBytes must lie between 1 and 16 MiB");
  if (wrong !== null) {
    throw new HnError("bad_request", {
      reason: "schema_invalid",
      message: `The capability "${descriptor.name}" cannot be registered: ${wrong}.`,
    });
  }
}

function faultOf(d: CapabilityDescriptor): string | null {
  if (!Array.isArray(d.version) || d.version.length !== 2 || !d.version.every((n) => Number.isSafeInteger(n) && n >= 0))
    return "version must be two whole numbers";
  if (!STABILITY.has(d.stability)) return "stability is not one of experimental, beta, stable, deprecated";
  if (!TRUST.has(d.trust_required)) return "trust_required is not a known level";
  if (!isCount(d.max_concurrent, CONCURRENT_MAX)) return "max_concurrent must lie between 1 and 1024";
  if (!(d.timeout_seconds > 0 && d.timeout_seconds <= 86_400)) return "timeout_seconds must lie between 0 and 86400";
  if (typeof d.idempotent !== "boolean") return "idempotent must be true or false";
  if (d.response_schema === null && d.stream_schema === null) return "it needs a response_schema, a stream_schema, or both";
  return paramsFault(d.params);
}

/** Why these params cannot be offered, or nothing. */
export function paramsFault(params: unknown): string | null {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return "params must be an object";
  return Buffer.byteLength(JSON.stringify(params)) > PARAMS_MAX_BYTES ? "params are larger than 8 KiB" : null;
}

function isCount(n: number, max: number): boolean {
  return Number.isSafeInteger(n) && n >= 1 && n <= max;
}

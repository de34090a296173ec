import type { HnError } from "../../foundation/index.ts";

/** Why a WebSocket is closed. @source 02 §8 */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  internal: 1011,
  badFrame: 4400,
  authentication: 4401,
  forbidden: 4403,
  timeout: 4408,
  rate: 4429,
} as const;

const BY_ERROR: Readonly<Record<string, number>> = {
  bad_request: CLOSE.badFrame,
  schema_mismatch: CLOSE.badFrame,
  invalid_signature: CLOSE.authentication,
  expired: CLOSE.authentication,
  token_invalid: CLOSE.authentication,
  token_expired: CLOSE.authentication,
  token_revoked: CLOSE.authentication,
  unauthorized: CLOSE.forbidden,
  revoked: CLOSE.forbidden,
  not_federated: CLOSE.forbidden,
  federation_forbidden: CLOSE.forbidden,
  token_scope_insufficient: CLOSE.forbidden,
  timeout: CLOSE.timeout,
  rate_limited: CLOSE.rate,
  capacity_exceeded: CLOSE.rate,
  partition: CLOSE.goingAway,
};

/** The code for what was wrong with the sender or its words; everything else is this node's own fault. */
export function closeCodeOf(error: HnError): number {
  return BY_ERROR[error.code] ?? CLOSE.internal;
}

/** What the closing of a neighbour's WebSocket says, where no frame has said more. */
export function errorOfClose(code: number): {
  code: "bad_request" | "invalid_signature" | "unauthorized" | "timeout" | "rate_limited" | "partition";
} {
  if (code === CLOSE.badFrame) return { code: "bad_request" };
  if (code === CLOSE.authentication) return { code: "invalid_signature" };
  if (code === CLOSE.forbidden) return { code: "unauthorized" };
  if (code === CLOSE.timeout) return { code: "timeout" };
  return { code: code === CLOSE.rate ? "rate_limited" : "partition" };
}

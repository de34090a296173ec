import { formatTime, hexOfTrace, writeTraceparent } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { CommunityId, JsonObject, NodeId, RequestEnvelope, Signature } from "../../contract/index.ts";

export interface RequestFacts {
  capability: string;
  version: string;
  requestId: string;
  community: CommunityId;
  to: NodeId;
  /** Whether the recipient is named: all nodes but those of the first generation understand it. */
  bound: boolean;
  body: JsonObject;
  /** Unix milliseconds by the callee's clock, as far as it is known. */
  now: number;
  traceId?: string;
  /** Span of the call, 16 hex digits; goes with the trace id. */
  spanId?: string;
  timeoutMs?: number;
  token?: string;
  accept: string;
}

/** What is signed of a request, and the signature. @source 02 §3, T-3 */
export function signedEnvelope(
  signer: Signer,
  facts: Omit<RequestFacts, "accept">,
): { envelope: RequestEnvelope; signature: Signature } {
  const { body, capability, community, requestId, to, version, bound } = facts;
  // In the order in which it is signed, which spares the sorting.
  const envelope: RequestEnvelope = {
    body,
    capability,
    community,
    from: signer.nodeId,
    request_id: requestId,
    timestamp: formatTime(facts.now),
    version,
  };
  if (bound) envelope.to = to;
  return { envelope, signature: signer.signRequest(envelope) };
}

/** Headers of a signed request. @source 02 §3, T-3 */
export function signedHeaders(signer: Signer, facts: RequestFacts): Record<string, string> {
  const { envelope, signature } = signedEnvelope(signer, facts);
  const { traceId, spanId, timeoutMs, token } = facts;
  const headers: Record<string, string> = {
    accept: facts.accept,
    "x-hearthnet-capability": envelope.capability,
    "x-hearthnet-capability-version": envelope.version,
    "x-hearthnet-request-id": envelope.request_id,
    "x-hearthnet-from": envelope.from,
    "x-hearthnet-community": envelope.community,
    "x-hearthnet-timestamp": envelope.timestamp,
    "x-hearthnet-signature": signature,
  };
  if (envelope.to !== undefined) headers["x-hearthnet-to"] = envelope.to;
  if (traceId !== undefined) headers["x-hearthnet-trace-id"] = traceId;
  if (traceId !== undefined && spanId !== undefined)
    headers["traceparent"] = writeTraceparent({ traceId: hexOfTrace(traceId), spanId });
  if (timeoutMs !== undefined) headers["x-hearthnet-timeout-ms"] = String(Math.max(1, Math.floor(timeoutMs)));
  if (token !== undefined) headers["x-hearthnet-token"] = token;
  return headers;
}

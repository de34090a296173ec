import { formatTime, hexOfTrace, writeTraceparent } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { CommunityId, JsonObject, NodeId, RequestEnvelope } from "../../contract/index.ts";

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

/** Headers of a signed request. @source 02 §3, T-3 */
export function signedHeaders(signer: Signer, facts: RequestFacts): Record<string, string> {
  const { body, capability, community, requestId, to, version, bound, traceId, spanId, timeoutMs, token } = facts;
  const timestamp = formatTime(facts.now);
  // In the order in which it is signed, which spares the sorting.
  const envelope: RequestEnvelope = {
    body,
    capability,
    community,
    from: signer.nodeId,
    request_id: requestId,
    timestamp,
    version,
  };
  if (bound) envelope.to = to;
  const headers: Record<string, string> = {
    accept: facts.accept,
    "x-hearthnet-capability": capability,
    "x-hearthnet-capability-version": version,
    "x-hearthnet-request-id": requestId,
    "x-hearthnet-from": signer.nodeId,
    "x-hearthnet-community": community,
    "x-hearthnet-timestamp": timestamp,
    "x-hearthnet-signature": signer.signRequest(envelope),
  };
  if (bound) headers["x-hearthnet-to"] = to;
  if (traceId !== undefined) headers["x-hearthnet-trace-id"] = traceId;
  if (traceId !== undefined && spanId !== undefined)
    headers["traceparent"] = writeTraceparent({ traceId: hexOfTrace(traceId), spanId });
  if (timeoutMs !== undefined) headers["x-hearthnet-timeout-ms"] = String(Math.max(1, Math.floor(timeoutMs)));
  if (token !== undefined) headers["x-hearthnet-token"] = token;
  return headers;
}

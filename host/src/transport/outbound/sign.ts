import { formatTime } from "../../foundation/index.ts";
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
  timeoutMs?: number;
  token?: string;
  accept: string;
}

/** Headers of a signed request. @source 02 §3, T-3 */
export function signedHeaders(signer: Signer, facts: RequestFacts): Record<string, string> {
  const envelope: RequestEnvelope = {
    capability: facts.capability,
    version: facts.version,
    request_id: facts.requestId,
    from: signer.nodeId,
    community: facts.community,
    timestamp: formatTime(facts.now),
    body: facts.body,
    ...(facts.bound ? { to: facts.to } : {}),
  };
  return {
    accept: facts.accept,
    "x-hearthnet-capability": envelope.capability,
    "x-hearthnet-capability-version": envelope.version,
    "x-hearthnet-request-id": envelope.request_id,
    "x-hearthnet-from": envelope.from,
    "x-hearthnet-community": envelope.community,
    "x-hearthnet-timestamp": envelope.timestamp,
    "x-hearthnet-signature": signer.signRequest(envelope),
    ...(facts.bound ? { "x-hearthnet-to": facts.to } : {}),
    ...(facts.traceId === undefined ? {} : { "x-hearthnet-trace-id": facts.traceId }),
    ...(facts.timeoutMs === undefined ? {} : { "x-hearthnet-timeout-ms": String(Math.max(1, Math.floor(facts.timeoutMs))) }),
    ...(facts.token === undefined ? {} : { "x-hearthnet-token": facts.token }),
  };
}

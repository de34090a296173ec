import type {
  CommunityId,
  JsonObject,
  NodeId,
  Principal,
  RequestEnvelope,
  Standing,
  Time,
  VerifiedToken,
} from "../../contract/index.ts";

/** What a route wants of its callers. */
export interface RouteRule {
  /** Pseudo-capability that signs this route; `undefined` on the bus route, where the header names the real one. @source 02 T-4 */
  capability: string | undefined;
  /** Query parameters are the signed body (GET), or forbidden (the bus), or absent. */
  query: "body" | "refused";
  /** What the path says; signed under these names. @source 02 T-4 */
  pathParams?: Readonly<Record<string, string>>;
  /** The key alone counts: membership and tokens are not asked for (`signed` routes of plugins). @source 02 §2, class S */
  anyKey?: boolean;
}

/** Headers of a request, checked for form. A bearer's names no sender: `from` and what belongs to its signature are empty. @source 02 §3, T-9 */
export interface SignedHeaders {
  capability: string;
  version: string;
  request_id: string;
  from: NodeId | "";
  community: CommunityId | "";
  timestamp: Time;
  signature: string;
  to: NodeId | undefined;
  token: string | undefined;
  timeoutMs: number | undefined;
  /** As it came, or from the `traceparent` header. */
  traceId: string | undefined;
  /** The caller's span when it belongs to this trace; unsigned, for diagnosis only. */
  parentSpanId: string | undefined;
}

/** Who claims to call, as far as the claim has the right form; answers are signed to it. */
export interface Claim {
  from: NodeId | "";
  requestId: string;
}

/** One request on its way through the pipeline; each step adds what it has established. */
export interface Passage {
  readonly rule: RouteRule;
  readonly address: string;
  readonly rawHeaders: readonly string[];
  /** The query string without `?`; empty when there is none. */
  readonly queryText: string;
  readonly isGet: boolean;
  claim: Claim;
  /** By the first half of step 1. */
  headers: SignedHeaders | undefined;
  /** The body, read between the halves of step 1; empty for GET. */
  bytes: Uint8Array;
  body: JsonObject | undefined;
  envelope: RequestEnvelope | undefined;
  /** By step 7. */
  standing: Standing | undefined;
  caller: Principal | undefined;
  /** By step 8. */
  token: VerifiedToken | undefined;
}

/** A request nothing is known of yet. */
export function newPassage(o: Pick<Passage, "rule" | "address" | "rawHeaders" | "queryText" | "isGet">): Passage {
  return {
    rule: o.rule,
    address: o.address,
    rawHeaders: o.rawHeaders,
    queryText: o.queryText,
    isGet: o.isGet,
    claim: { from: "", requestId: "" },
    headers: undefined,
    bytes: NO_BYTES,
    body: undefined,
    envelope: undefined,
    standing: undefined,
    caller: undefined,
    token: undefined,
  };
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Nobody signed it: the token alone speaks. @source 05 §4, 02 T-9 */
export function isBearer(passage: Passage): boolean {
  return headersOf(passage).from === "";
}

/** Who calls, as settled by steps 7 and 8. */
export function callerOf(passage: Passage): Principal {
  if (!passage.caller) throw new TypeError("the steps that settle the caller have not run");
  return passage.caller;
}

/** What every step may rely on after step 1. */
export function headersOf(passage: Passage): SignedHeaders {
  if (!passage.headers) throw new TypeError("the step that reads the headers has not run");
  return passage.headers;
}

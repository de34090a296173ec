import { TOKEN_MAX_CHARS } from "../../contract/index.ts";
import { hexOfTrace, HnError, isRequestId, isTime, readTraceparent, traceOfHex } from "../../foundation/index.ts";
import { isNodeId, parseNodeId } from "../../identity/index.ts";
import { headerWrong, readFields, type Fields } from "./header-fields.ts";
import type { Passage, SignedHeaders } from "./passage.ts";

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;
/** What proves the sender; a bearer has none of it. @source 02 T-9 */
const PROOF = ["From", "Community", "Timestamp", "Signature", "To"] as const;
const JSON_TYPE = /^application\/json(?:\s*;\s*charset=utf-8)?$/i;

/**
 * Reads the headers once; what comes out is what is verified and what is dispatched.
 * @throws bad_request
 * @source 02 §3 step 1, T-4, T-5
 */
export function parseHeaders(passage: Passage): void {
  const fields = readFields(passage.rawHeaders, (claim) => (passage.claim = claim));
  checkBodyForm(passage, fields);
  if (passage.rule.query === "refused" && passage.queryText !== "")
    throw new HnError("bad_request", { message: "This address takes no query string. Put everything into the body." });
  passage.headers = readSignedHeaders(fields, passage.rule.capability);
}

/** No content coding, JSON where there is a body, and no body where none would be signed. @source 02 T-5 */
function checkBodyForm(passage: Passage, fields: Fields): void {
  const coding = fields.get("content-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "identity")
    throw headerWrong("Content-Encoding", "is not accepted on requests");
  if (!passage.isGet) {
    if (!JSON_TYPE.test(fields.get("content-type") ?? "")) throw headerWrong("Content-Type", "must be application/json");
  } else if ((fields.get("content-length") ?? "0") !== "0" || fields.has("transfer-encoding"))
    throw new HnError("bad_request", { message: "A GET request takes no body. Put everything into the query string." });
}

function readSignedHeaders(fields: Fields, route: string | undefined): SignedHeaders {
  const may = (name: string): string | undefined => fields.get(`x-hearthnet-${name.toLowerCase()}`);
  const need = (name: string): string => {
    const value = may(name);
    if (value === undefined || value === "") throw headerWrong(`X-HearthNet-${name}`, "is missing");
    return value;
  };
  const token = may("Token");
  if (token !== undefined && Buffer.byteLength(token) > TOKEN_MAX_CHARS)
    throw headerWrong("X-HearthNet-Token", "is longer than 2048 bytes");
  // A bearer sends nothing that only a signature could prove.
  const isBearer = route === undefined && token !== undefined && PROOF.every((name) => may(name) === undefined);
  const prove = (name: (typeof PROOF)[number]): string => (isBearer ? "" : need(name));
  const headers: SignedHeaders = {
    capability: need("Capability"),
    version: need("Capability-Version"),
    request_id: need("Request-Id"),
    from: prove("From"),
    community: prove("Community"),
    timestamp: prove("Timestamp"),
    signature: prove("Signature"),
    to: may("To"),
    token,
    timeoutMs: readTimeout(may("Timeout-Ms")),
    traceId: may("Trace-Id"),
    parentSpanId: undefined,
  };
  checkForm(headers, route);
  if (!isBearer) checkProof(headers);
  placeInTrace(headers, fields.get("traceparent"));
  return headers;
}

/** Our own header names the trace; the one of W3C adds the caller's span, and names the trace for callers that know no other. @source 03 B-14 */
export function placeInTrace(headers: SignedHeaders, traceparent: string | undefined): void {
  const told = readTraceparent(traceparent);
  if (told === undefined) return;
  headers.traceId ??= traceOfHex(told.traceId);
  if (hexOfTrace(headers.traceId) === told.traceId) headers.parentSpanId = told.spanId;
}

/**
 * Form of what is signed, wherever it stood.
 * @param wrong  makes the refusal, from the header's name and what is wrong with it
 * @throws bad_request
 */
export function checkForm(headers: SignedHeaders, route: string | undefined, wrong: typeof headerWrong = headerWrong): void {
  if (headers.capability.length > 64 || !NAME.test(headers.capability))
    throw wrong("X-HearthNet-Capability", "is not a capability's name");
  if (!VERSION.test(headers.version)) throw wrong("X-HearthNet-Capability-Version", "is not of the form X.Y");
  if (!isRequestId(headers.request_id)) throw wrong("X-HearthNet-Request-Id", "is not an id of 8 to 64 letters, digits, - or _");
  if (headers.traceId !== undefined && !isRequestId(headers.traceId)) throw wrong("X-HearthNet-Trace-Id", "is not an id");
  if (route !== undefined && (headers.capability !== route || headers.version !== "1.0")) {
    throw wrong("X-HearthNet-Capability", `must be ${route} in version 1.0 at this address`);
  }
}

/**
 * Form of what proves the sender.
 * @throws bad_request
 */
export function checkProof({ timestamp, from, community, to }: SignedHeaders, wrong: typeof headerWrong = headerWrong): void {
  if (!isTime(timestamp)) throw wrong("X-HearthNet-Timestamp", "is not of the form 2026-07-01T12:00:00Z");
  parseNodeId(from);
  parseNodeId(community);
  if (to !== undefined && !isNodeId(to)) throw wrong("X-HearthNet-To", "is not a node id");
}

/** @throws bad_request */
export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw headerWrong("X-HearthNet-Timeout-Ms", "is not a whole number of milliseconds");
  return Number(text);
}

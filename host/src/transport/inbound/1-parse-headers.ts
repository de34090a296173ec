import { HnError, isRequestId, isTime } from "../../foundation/index.ts";
import { isNodeId, parseNodeId } from "../../identity/index.ts";
import { headerWrong, readFields, type Fields } from "./header-fields.ts";
import type { Passage, SignedHeaders } from "./passage.ts";

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;
export const TOKEN_MAX_BYTES = 2048;
const JSON_TYPE = /^application\/json(?:\s*;\s*charset=utf-8)?$/i;

/**
 * Reads the headers once; what comes out is what is verified and what is dispatched.
 * @throws bad_request · not_implemented tokens_unsupported
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
  if (token !== undefined && may("From") === undefined) throw new HnError("not_implemented", { reason: "tokens_unsupported" });
  if (token !== undefined && Buffer.byteLength(token) > TOKEN_MAX_BYTES)
    throw headerWrong("X-HearthNet-Token", "is longer than 2048 bytes");
  const headers: SignedHeaders = {
    capability: need("Capability"),
    version: need("Capability-Version"),
    request_id: need("Request-Id"),
    from: need("From"),
    community: need("Community"),
    timestamp: need("Timestamp"),
    signature: need("Signature"),
    to: may("To"),
    token,
    timeoutMs: readTimeout(may("Timeout-Ms")),
    traceId: may("Trace-Id"),
  };
  checkForm(headers, route);
  return headers;
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
  if (!isTime(headers.timestamp)) throw wrong("X-HearthNet-Timestamp", "is not of the form 2026-07-01T12:00:00Z");
  parseNodeId(headers.from);
  parseNodeId(headers.community);
  if (headers.to !== undefined && !isNodeId(headers.to)) throw wrong("X-HearthNet-To", "is not a node id");
  if (route !== undefined && (headers.capability !== route || headers.version !== "1.0")) {
    throw wrong("X-HearthNet-Capability", `must be ${route} in version 1.0 at this address`);
  }
}

/** @throws bad_request */
export function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw headerWrong("X-HearthNet-Timeout-Ms", "is not a whole number of milliseconds");
  return Number(text);
}

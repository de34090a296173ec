import { HnError, isRequestId, isTime, parseStrictJson } from "../../foundation/index.ts";
import { parseNodeId } from "../../identity/index.ts";
import type { JsonObject } from "../../contract/index.ts";
import { headerWrong, readFields } from "./header-fields.ts";
import type { Passage, SignedHeaders } from "./passage.ts";

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
const VERSION = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;
const TOKEN_MAX_BYTES = 2048;
const JSON_TYPE = /^application\/json(?:\s*;\s*charset=utf-8)?$/i;

/**
 * Reads headers and body once; what comes out is what is verified and what is dispatched.
 * @source 02 §3 step 1, T-4, T-5
 */
export function parse(passage: Passage): void {
  const fields = readFields(passage.rawHeaders);
  // The claim first, so that even a refusal can be signed to whom it concerns.
  passage.claim = { from: claimOf(fields), requestId: fields.get("x-hearthnet-request-id") ?? "" };
  if (!isRequestId(passage.claim.requestId)) passage.claim.requestId = "";
  const coding = fields.get("content-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "identity")
    throw headerWrong("Content-Encoding", "is not accepted on requests");
  if (passage.rule.query === "refused" && passage.queryText !== "") {
    throw new HnError("bad_request", { message: "This address takes no query string. Put everything into the body." });
  }
  passage.headers = readSignedHeaders(fields, passage.rule.capability);
  const body = passage.isGet ? readQuery(passage.queryText) : readBody(passage.bytes, fields);
  passage.body = body;
  const { capability, version, request_id, from, community, timestamp, to } = passage.headers;
  passage.envelope = { capability, version, request_id, from, community, timestamp, body, ...(to === undefined ? {} : { to }) };
}

function claimOf(fields: Map<string, string>): string {
  const from = fields.get("x-hearthnet-from") ?? "";
  try {
    parseNodeId(from);
    return from;
  } catch {
    return "";
  }
}

function readSignedHeaders(fields: Map<string, string>, route: string | undefined): SignedHeaders {
  const need = (name: string): string => {
    const value = fields.get(`x-hearthnet-${name.toLowerCase()}`);
    if (value === undefined || value === "") throw headerWrong(`X-HearthNet-${name}`, "is missing");
    return value;
  };
  const may = (name: string): string | undefined => fields.get(`x-hearthnet-${name.toLowerCase()}`);
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

function checkForm(headers: SignedHeaders, route: string | undefined): void {
  if (headers.capability.length > 64 || !NAME.test(headers.capability))
    throw headerWrong("X-HearthNet-Capability", "is not a capability's name");
  if (!VERSION.test(headers.version)) throw headerWrong("X-HearthNet-Capability-Version", "is not of the form X.Y");
  if (!isRequestId(headers.request_id))
    throw headerWrong("X-HearthNet-Request-Id", "is not an id of 8 to 64 letters, digits, - or _");
  if (headers.traceId !== undefined && !isRequestId(headers.traceId)) throw headerWrong("X-HearthNet-Trace-Id", "is not an id");
  if (!isTime(headers.timestamp)) throw headerWrong("X-HearthNet-Timestamp", "is not of the form 2026-07-01T12:00:00Z");
  parseNodeId(headers.from);
  parseNodeId(headers.community);
  if (headers.to !== undefined) parseNodeId(headers.to);
  if (route !== undefined && (headers.capability !== route || headers.version !== "1.0")) {
    throw headerWrong("X-HearthNet-Capability", `must be ${route} in version 1.0 at this address`);
  }
}

function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw headerWrong("X-HearthNet-Timeout-Ms", "is not a whole number of milliseconds");
  return Number(text);
}

function readBody(bytes: Uint8Array, fields: Map<string, string>): JsonObject {
  if (!JSON_TYPE.test(fields.get("content-type") ?? "")) throw headerWrong("Content-Type", "must be application/json");
  const value = parseStrictJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HnError("bad_request", { reason: "json_invalid", message: "The body must be a JSON object." });
  }
  return value;
}

/** Decoded query parameters as the body, all strings, each once. */
function readQuery(text: string): JsonObject {
  const body = Object.create(null) as JsonObject;
  for (const [key, value] of new URLSearchParams(text)) {
    if (key === "__proto__" || key === "constructor" || key in body) {
      throw new HnError("bad_request", { message: "A query parameter is not allowed or stands there twice." });
    }
    body[key] = value;
  }
  return body;
}

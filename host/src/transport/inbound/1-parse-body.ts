import { HnError, parseStrictJson } from "../../foundation/index.ts";
import type { JsonObject } from "../../contract/index.ts";
import { headersOf, isBearer, type Passage } from "./passage.ts";

/**
 * Reads body or query once and puts together what the signature must cover.
 * @throws bad_request
 * @source 02 §3 step 1, T-4, T-5
 */
export function parseBody(passage: Passage): void {
  const body = passage.isGet ? readQuery(passage.queryText) : readJson(passage.bytes);
  passage.body = body;
  if (isBearer(passage)) return;
  const signed = withPathParams(body, passage);
  const { capability, version, request_id, from, community, timestamp, to } = headersOf(passage);
  // In the order in which it is signed, which spares the sorting.
  passage.envelope =
    to === undefined
      ? { body: signed, capability, community, from, request_id, timestamp, version }
      : { body: signed, capability, community, from, request_id, timestamp, to, version };
}

/** Path parameters are part of what was meant: among the query's for GET, else under a key that no body may hold. @source 02 T-4 */
function withPathParams(body: JsonObject, { rule, isGet }: Passage): JsonObject {
  const params = rule.pathParams ?? {};
  const names = isGet ? Object.keys(params) : rule.pathParams === undefined ? [] : ["_path"];
  if (names.some((name) => Object.hasOwn(body, name)))
    throw new HnError("bad_request", { message: "A parameter of the path stands in the query or the body as well." });
  if (Object.keys(params).length === 0) return body;
  return isGet ? { ...body, ...params } : { ...body, _path: { ...params } };
}

function readJson(bytes: Uint8Array): JsonObject {
  const value = parseStrictJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HnError("bad_request", { reason: "json_invalid", message: "The body must be a JSON object." });
  }
  return value;
}

/** Decoded query parameters as the body, all strings, each once. @throws bad_request */
export function readQuery(text: string): JsonObject {
  const body = Object.create(null) as JsonObject;
  for (const [key, value] of new URLSearchParams(text)) {
    if (key === "__proto__" || key === "constructor" || key in body) {
      throw new HnError("bad_request", { message: "A query parameter is not allowed or stands there twice." });
    }
    body[key] = value;
  }
  return body;
}

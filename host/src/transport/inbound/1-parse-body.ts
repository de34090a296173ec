import { HnError, parseStrictJson } from "../../foundation/index.ts";
import type { JsonObject } from "../../contract/index.ts";
import { headersOf, type Passage } from "./passage.ts";

/**
 * Reads body or query once and puts together what the signature must cover.
 * @throws bad_request
 * @source 02 §3 step 1, T-4, T-5
 */
export function parseBody(passage: Passage): void {
  const body = passage.isGet ? readQuery(passage.queryText) : readJson(passage.bytes);
  passage.body = body;
  const { capability, version, request_id, from, community, timestamp, to } = headersOf(passage);
  // In the order in which it is signed, which spares the sorting.
  passage.envelope =
    to === undefined
      ? { body, capability, community, from, request_id, timestamp, version }
      : { body, capability, community, from, request_id, timestamp, to, version };
}

function readJson(bytes: Uint8Array): JsonObject {
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

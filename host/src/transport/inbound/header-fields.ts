import { HnError } from "../../foundation/index.ts";

const SINGLE = new Set([
  "host",
  "accept",
  "authorization",
  "content-type",
  "content-length",
  "content-encoding",
  "transfer-encoding",
]);

/**
 * Header fields by lower-case name. Every field that carries meaning here must stand there exactly once: two readers of a doubled field may
 * each believe another one.
 * @throws bad_request reason header_missing
 * @source 02 T-5
 */
export function readFields(rawHeaders: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    if (fields.has(name) && (SINGLE.has(name) || name.startsWith("x-hearthnet-"))) throw headerWrong(name, "stands there twice");
    fields.set(name, rawHeaders[i + 1] ?? "");
  }
  return fields;
}

export function headerWrong(name: string, why: string): HnError {
  return new HnError("bad_request", {
    reason: "header_missing",
    message: `The header ${name} ${why}. Send every X-HearthNet header exactly once and well-formed.`,
  });
}

import { HnError, isRequestId } from "../../foundation/index.ts";
import { isNodeId } from "../../identity/index.ts";
import type { Claim } from "./passage.ts";

/** Header fields by lower-case name. */
export type Fields = ReadonlyMap<string, string>;

const OURS = "x-hearthnet-";
const SINGLE: ReadonlySet<string> = new Set([
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
 * @param onClaim  hears who claims to call, also when this throws: a refusal is signed to whom it concerns
 * @throws bad_request reason header_missing
 * @source 02 T-5
 */
export function readFields(rawHeaders: readonly string[], onClaim?: (claim: Claim) => void): Fields {
  const fields = new Map<string, string>();
  let doubled: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase();
    if (fields.has(name) && (SINGLE.has(name) || name.startsWith(OURS))) doubled ??= name;
    // Two say nothing for certain; this one is for diagnosis only, so it counts as none. @source W3C Trace Context §3.2
    else fields.set(name, name === "traceparent" && fields.has(name) ? "" : (rawHeaders[i + 1] ?? ""));
  }
  onClaim?.(readClaim(fields.get("x-hearthnet-from"), fields.get("x-hearthnet-request-id")));
  if (doubled !== undefined) throw headerWrong(doubled, "stands there twice");
  return fields;
}

/** What a request says about its sender, as far as it has the right form. Nothing of it is proven. */
export function readClaim(from: unknown, requestId: unknown): Claim {
  return { from: isNodeId(from) ? from : "", requestId: isRequestId(requestId) ? requestId : "" };
}

export function headerWrong(name: string, why: string): HnError {
  return new HnError("bad_request", {
    reason: "header_missing",
    message: `The header ${name} ${why}. Send every X-HearthNet header exactly once and well-formed.`,
  });
}

import { HnError } from "../../foundation/index.ts";

/** Classes of tuf-js by name: they are not all exported. */
const EXPIRED = new Set(["ExpiredMetadataError"]);
const OLDER = new Set(["BadVersionError"]);

/**
 * What tuf-js says, as one class of marketplace §5.1. It wraps errors of deeper steps into text, hence the look at the words.
 * @source marketplace §5.1
 */
export function tufFailure(error: unknown): HnError {
  if (HnError.isHnError(error)) return error;
  const { name, text } = described(error);
  // Our own fetcher's verdicts come back wrapped.
  const inner = innerHnError(error);
  if (inner !== undefined) return inner;
  if (EXPIRED.has(name) || /expired/i.test(text)) return new HnError("expired", { reason: "catalogue_expired", cause: error });
  if (OLDER.has(name) || /version .* (must be|is lower)|expected version|rollback|less than|Cannot .* version/i.test(text))
    return new HnError("invalid_signature", {
      reason: "rolled_back",
      message: "The registry shows an older state than one already seen.",
      action: "Do not use this source; tell the registry's owner.",
      cause: error,
    });
  if (/signed by \d+\/\d+|unsigned|signature/i.test(text))
    return new HnError("invalid_signature", {
      reason: "wrong_key",
      message: "The catalogue is not signed by the keys that this node trusts for the registry.",
      cause: error,
    });
  return new HnError("bad_request", { reason: "damaged", message: "The registry's catalogue cannot be read.", cause: error });
}

function described(error: unknown): { name: string; text: string } {
  const parts: string[] = [];
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    parts.push(`${at.name} ${at.message}`);
  return { name: error instanceof Error ? error.constructor.name : "", text: parts.join(" ") };
}

function innerHnError(error: unknown): HnError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (HnError.isHnError(at)) return at;
  return undefined;
}

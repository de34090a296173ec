import { LengthOrHashMismatchError, UnsignedMetadataError } from "@tufjs/models/dist/error.js";
import { BadVersionError, ExpiredMetadataError } from "tuf-js/dist/error.js";
import { HnError } from "../../foundation/index.ts";

/** What tuf-js says of a piece of metadata, as one class of marketplace §5.1. */
export function tufFailure(error: unknown): HnError {
  if (HnError.isHnError(error)) return error;
  if (error instanceof ExpiredMetadataError) return new HnError("expired", { reason: "catalogue_expired", cause: error });
  if (error instanceof BadVersionError || (error instanceof Error && error.message.startsWith("Missing file")))
    return rolledBack(error);
  if (error instanceof UnsignedMetadataError)
    return new HnError("invalid_signature", {
      reason: "wrong_key",
      message: "The catalogue is not signed by the keys that this node trusts for the registry.",
      cause: error,
    });
  const what = error instanceof LengthOrHashMismatchError ? "is not what its own signed list says" : "cannot be read";
  return new HnError("bad_request", { reason: "damaged", message: `The registry's catalogue ${what}.`, cause: error });
}

export function rolledBack(cause?: unknown): HnError {
  return new HnError("invalid_signature", {
    reason: "rolled_back",
    message: "The registry shows an older state than one already seen.",
    action: "Do not use this source; tell the registry's owner.",
    ...(cause === undefined ? {} : { cause }),
  });
}

import { HnError } from "../../foundation/index.ts";

/** Why a schema cannot be registered. */
export function schemaInvalid(what: string, why: string): HnError {
  return new HnError("bad_request", {
    reason: "schema_invalid",
    message: `The ${what} of this capability cannot be used: ${why}. Change it to the allowed subset of JSON Schema 2020-12.`,
  });
}

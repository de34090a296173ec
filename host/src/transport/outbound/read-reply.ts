import { HnError } from "../../foundation/index.ts";
import type { JsonObject, Reply } from "../../contract/index.ts";

/** A neighbour's answer, whichever way it came. @throws internal_error when it holds no output */
export function readReply(body: JsonObject): Reply {
  const { output, meta } = body;
  if (typeof output !== "object" || output === null || Array.isArray(output)) {
    throw new HnError("internal_error", {
      message: "The neighbour's answer holds no output. Its software may be older or newer than this one.",
    });
  }
  const known = typeof meta === "object" && meta !== null && !Array.isArray(meta) ? meta : {};
  const { ms, ...rest } = known;
  return { output, meta: typeof ms === "number" ? { ...rest, ms } : rest };
}

import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "../../contract/index.ts";

/**
 * Whether an instance that offers `offered` can serve a request with `requested`: each key with a value must equal the offered one when the
 * offer has that key; `model` may also be one of `models`, and a model that the offer does not name at all does not fit.
 * @source 03 B-5
 */
export function paramsCompatible(offered: JsonObject, requested: JsonObject): boolean {
  for (const key of Object.keys(requested)) {
    const want = requested[key];
    if (want === null || want === undefined) continue;
    if (key === "model") {
      const models = offered["models"];
      if (offered["model"] === want || (Array.isArray(models) && models.includes(want))) continue;
      return false;
    }
    if (Object.hasOwn(offered, key) && !same(offered[key], want)) return false;
  }
  return true;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  // Parsed wire objects have no prototype, offers may have one: compare content only.
  return typeof a === "object" && typeof b === "object" && isDeepStrictEqual(structuredClone(a), structuredClone(b));
}

import type { JsonObject, JsonValue, TokenScope } from "../../contract/index.ts";
import { isObject } from "./scope.ts";

export interface CoveredCall {
  capability: string;
  /** As requested, `X.Y`. */
  version: string;
  body: JsonObject;
}

/**
 * Whether a scope covers a call: one entry is exactly its name and requested version, and every constrained parameter is there with allowed
 * values only. A parameter that is missing is refused: what the provider would take in its place may lie outside the list.
 * @source 05 §7, K-10
 */
export function covers(scope: TokenScope, call: CoveredCall): boolean {
  if (!scope.capabilities.includes(`${call.capability}@${call.version}`)) return false;
  return Object.entries(scope.params_constraints ?? {}).every(([key, allowed]) => isWithin(call.body, { key, allowed }));
}

function isWithin(body: JsonObject, { key, allowed }: { key: string; allowed: readonly string[] }): boolean {
  const given = ["params", "input"].flatMap((part) => {
    const values = body[part];
    return isObject(values) && Object.hasOwn(values, key) ? [values[key]] : [];
  });
  return given.length > 0 && given.every((value) => fits(value, allowed));
}

/** An empty list says nothing, and may stand for everything. */
function fits(value: JsonValue | undefined, allowed: readonly string[]): boolean {
  const values = Array.isArray(value) ? value : [value];
  return values.length > 0 && values.every((one) => typeof one === "string" && allowed.includes(one));
}

import type { JsonObject, JsonValue, TokenScope } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { malformed } from "./malformed.ts";

const ENTRY = /^([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+)(?:@(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8}))?$/;
const NAME_MAX = 64;
const ENTRIES_MAX = 32;
const KEYS: ReadonlySet<string> = new Set([
  "capabilities",
  "params_constraints",
  "rate_limit_per_minute",
  "max_calls_total",
  "max_uses",
]);

/** One entry of a scope taken apart; no version: an action that is not on the bus. */
export interface ScopeEntry {
  name: string;
  version: [major: number, minor: number] | null;
}

/** `name@X.Y` or a bare name; anything else, wildcards too, is none. @source 05 §7 */
export function readEntry(text: unknown): ScopeEntry | null {
  const [, name, major, minor] = (typeof text === "string" ? ENTRY.exec(text) : null) ?? [];
  if (name === undefined || name.length > NAME_MAX) return null;
  return { name, version: major === undefined || minor === undefined ? null : [Number(major), Number(minor)] };
}

/**
 * Reads what a token allows. A key that is not known here may be a restriction, and a restriction must not be dropped.
 * @throws bad_request reason token_malformed · token_invalid reason token_scope_unknown
 * @source 05 §2, K-2
 */
export function readScope(value: JsonValue | undefined): TokenScope {
  if (!isObject(value)) throw malformed();
  if (Object.keys(value).some((key) => !KEYS.has(key))) throw new HnError("token_invalid", { reason: "token_scope_unknown" });
  const { capabilities } = value;
  if (!Array.isArray(capabilities) || capabilities.length < 1 || capabilities.length > ENTRIES_MAX) throw malformed();
  const scope: TokenScope = { capabilities: capabilities.map(entryText) };
  const constraints = value["params_constraints"];
  if (constraints !== undefined && constraints !== null) scope.params_constraints = readConstraints(constraints);
  const rate = readCount(value["rate_limit_per_minute"]);
  if (rate !== undefined && rate !== null) scope.rate_limit_per_minute = rate;
  const total = readTotal(value);
  if (total !== undefined) scope.max_calls_total = total;
  return scope;
}

function entryText(value: JsonValue): string {
  if (typeof value !== "string" || readEntry(value) === null) throw malformed();
  return value;
}

function readConstraints(value: JsonValue): Record<string, string[]> {
  if (!isObject(value)) throw malformed();
  return Object.fromEntries(
    Object.entries(value).map(([key, list]) => {
      if (!Array.isArray(list) || !list.every((one) => typeof one === "string")) throw malformed();
      return [key, list];
    }),
  );
}

/** The Python implementation writes `max_uses`; both at once would be two limits where one is meant. */
function readTotal({ max_calls_total: ours, max_uses: theirs }: JsonObject): number | null | undefined {
  if (ours !== undefined && theirs !== undefined) throw malformed();
  return readCount(ours ?? theirs);
}

function readCount(value: JsonValue | undefined): number | null | undefined {
  if (value === undefined || value === null) return value;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

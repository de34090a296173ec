/** Is one set of rights contained in another? Decides whether an update needs the operator. @source plugin-platform §3.4.2 */
import type { JsonObject, JsonValue } from "../../contract/index.ts";
import type { Right } from "../../format/index.ts";
import { isEntryWithin } from "./hosts.ts";

/** Scope members that widen with their size. Everything else must be equal. */
const NUMBERS = new Set(["quotaMb", "tokensPerMin"]);
/** Switches that widen when they are on. */
const SWITCHES = new Set(["own", "threads"]);
/** Ordered choices, narrow first. */
const ORDERS: Record<string, readonly string[]> = { mode: ["ro", "rw"] };

/** Lists in which `*` stands for every entry. */
const STARRED = new Set(["capabilities", "hosts", "types", "topics"]);

/** True when `inner` gives nothing that `outer` does not give. Unknown members count as wider unless they are equal. */
export function isScopeWithin(inner: JsonObject, outer: JsonObject): boolean {
  const names = new Set([...Object.keys(inner), ...Object.keys(outer)]);
  return [...names].every((name) => {
    if (isTheOperators(name, inner, outer)) return true;
    // Under its own authority a plugin is never covered by `*`.
    if (STARRED.has(name) && inner["own"] !== true && isList(inner[name]) && isList(outer[name]) && outer[name].includes("*"))
      return true;
    return isMemberWithin(name, inner[name], outer[name]);
  });
}

/** What a manifest leaves open and the operator fills in: the folder behind a name, the devices where none are named. */
function isTheOperators(name: string, inner: JsonObject, outer: JsonObject): boolean {
  if (outer[name] !== undefined || inner[name] === undefined) return false;
  return name === "devices" || (name === "path" && typeof inner["mode"] === "string");
}

function isList(value: JsonValue | undefined): value is JsonValue[] {
  return Array.isArray(value);
}

function isTexts(value: JsonValue | undefined): value is string[] {
  return isList(value) && value.every((entry) => typeof entry === "string");
}

function isMemberWithin(name: string, inner: JsonValue | undefined, outer: JsonValue | undefined): boolean {
  if (NUMBERS.has(name)) {
    // No limit named is the host's own default, which only another "no limit" is known to stay within.
    if (inner === undefined || outer === undefined) return inner === outer;
    return typeof inner === "number" && typeof outer === "number" && inner <= outer;
  }
  // A folder is the operator's choice alone: what is asked for names none, and no folder gives nothing.
  if (name === "path") return inner === undefined || outer === undefined || inner === outer;
  if (SWITCHES.has(name)) return inner !== true || outer === true;
  const order = ORDERS[name];
  if (order !== undefined && typeof inner === "string" && typeof outer === "string") {
    const [at, limit] = [order.indexOf(inner), order.indexOf(outer)];
    return at >= 0 && limit >= 0 ? at <= limit : inner === outer;
  }
  if (name === "hosts" && isTexts(inner) && isTexts(outer))
    return inner.every((entry) => outer.some((other) => isEntryWithin(entry, other)));
  if (Array.isArray(inner) || Array.isArray(outer)) {
    const allowed = new Set(Array.isArray(outer) ? outer.map((entry) => JSON.stringify(entry)) : []);
    return (Array.isArray(inner) ? inner : inner === undefined ? [] : [inner]).every((entry) =>
      allowed.has(JSON.stringify(entry)),
    );
  }
  return JSON.stringify(inner) === JSON.stringify(outer);
}

/** True when every right of `inner` is covered by one right of `outer`. */
export function isWithin(inner: readonly Right[], outer: readonly Right[]): boolean {
  return inner.every(({ permission, scope }) =>
    outer.some((right) => right.permission === permission && isScopeWithin(scope, right.scope)),
  );
}

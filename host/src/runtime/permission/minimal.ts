/** The smallest part of what is asked for that everything seen still passes under. @source plugin-platform §3.4.5 */
import type { Grant, JsonObject, JsonValue, PermissionName } from "../../contract/index.ts";
import { weightOf, type Right } from "../../format/index.ts";
import { GrantTable } from "./check.ts";
import { isExact, parsePattern } from "./hosts.ts";
import { passes, type Check } from "./modes.ts";
import { isScopeWithin } from "./subset.ts";

/** Members that no check sees, because the process is started with them. */
const AT_START: ReadonlySet<string> = new Set(["threads"]);

/** What a scope lists at the most; more is offered as it was asked for. */
const LIST_MAX = 64;

/** A check that was wanted, for which op's permission, and what the ledger calls its target. */
export interface Wanted {
  permission: PermissionName;
  check: Check;
  target: string;
}

/**
 * Takes away whatever can be taken away: whole rights, the heaviest first, then entries of lists, switches, the right to write; `*` and
 * patterns of hosts become the targets that were really wanted. It asks the very checks that decide, so it knows as much of scopes as they do.
 * @param asked  everything the plugin asks for
 */
export function minimalRights(asked: readonly Right[], wanted: readonly Wanted[]): Right[] {
  // What passes under nothing that can be asked for needs no right.
  const provable = wanted.filter(({ check }) => suffice(asked, [check]));
  const checks = provable.map(({ check }) => check);
  let rights = asked.toSorted((a, b) => weightOf(b) - weightOf(a));
  for (const right of rights) {
    const others = rights.filter((other) => other !== right);
    if (suffice(others, checks)) rights = others;
    else {
      const targets = provable.filter(({ permission }) => permission === right.permission).map(({ target }) => target);
      const scope = minimalScope(right.scope, { targets, suffices: (s) => suffice([...others, { ...right, scope: s }], checks) });
      rights = rights.map((other) => (other === right ? { ...right, scope } : other));
    }
  }
  return asked.flatMap(({ permission }) => rights.find((right) => right.permission === permission) ?? []);
}

function suffice(rights: readonly Right[], checks: readonly Check[]): boolean {
  const table = new GrantTable(rights.map((right): Grant => ({ ...right, mode: "allow", grantedBy: "operator", at: 0 })));
  return checks.every((check) => passes(table, check));
}

function minimalScope(
  asked: JsonObject,
  o: { targets: readonly string[]; suffices: (scope: JsonObject) => boolean },
): JsonObject {
  const fits = (scope: JsonObject): boolean => isScopeWithin(scope, asked) && o.suffices(scope);
  const named = withoutPatterns(asked, o.targets);
  let scope = fits(named) ? named : asked;
  for (const [name, value] of Object.entries(scope)) {
    if (AT_START.has(name)) continue;
    for (const smaller of smallerThan(value)) {
      const next = smaller({ scope, name });
      if (fits(next)) scope = next;
    }
  }
  return scope;
}

type Smaller = (of: { scope: JsonObject; name: string }) => JsonObject;

function smallerThan(value: JsonValue): Smaller[] {
  if (Array.isArray(value)) return value.map((entry) => (of) => withoutEntry(of, entry));
  if (value === true) return [({ scope: { ...scope }, name }) => (delete scope[name], scope)];
  return value === "rw" ? [({ scope, name }) => ({ ...scope, [name]: "ro" })] : [];
}

/** The last entry of a list stays: an empty list would say that the right is not needed at all. */
function withoutEntry({ scope, name }: { scope: JsonObject; name: string }, entry: JsonValue): JsonObject {
  const value = scope[name];
  if (!Array.isArray(value) || value.length === 1) return scope;
  return { ...scope, [name]: value.filter((other) => other !== entry) };
}

function withoutPatterns(scope: JsonObject, targets: readonly string[]): JsonObject {
  const named = [...new Set(targets.filter((target) => target !== ""))];
  return Object.fromEntries(
    Object.entries(scope).map(([name, value]) => {
      if (!Array.isArray(value) || named.length === 0) return [name, value];
      const plain = value.filter((entry) => !isPattern(name, entry));
      const covered = named.filter((target) => isScopeWithin({ ...scope, [name]: [target] }, scope));
      const entries = [...new Set([...plain, ...covered])];
      return [name, plain.length === value.length || entries.length > LIST_MAX ? value : entries];
    }),
  );
}

function isPattern(name: string, entry: JsonValue): boolean {
  if (name !== "hosts" || typeof entry !== "string") return entry === "*";
  const pattern = parsePattern(entry);
  return pattern !== null && !isExact(pattern);
}

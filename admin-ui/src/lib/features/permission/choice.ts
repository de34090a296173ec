/** What the operator chooses for one permission, and what the node is told of it. */
import { type Grant, type GrantInput, type JsonObject, type PermissionName, PERMISSIONS } from "@hearthnet/host/contract";

/** From this weight on the plugin's name is typed. @source plugin-platform §3.4.4 */
export const HEAVY = 4;

export interface Choice {
  on: boolean;
  /** Be asked at each use. */
  ask: boolean;
  /** Entries of lists that are left out, by the list's name. */
  without: Record<string, string[]>;
  /** The folder that is lent, for `fs.mount`. */
  folder?: string;
}
export type Choices = Record<string, Choice>;

interface Wish {
  name: PermissionName;
  scope?: JsonObject;
}

/** What is decided when the plugin starts, or begins to offer, nobody can be asked about later. @source plugin-platform §3.4.3 */
export function canBeAsked(name: PermissionName): boolean {
  const { check } = PERMISSIONS[name];
  return check !== "argv" && check !== "registry.register";
}

/** Lists of a scope in which single entries can be ticked. */
export function lists(scope: JsonObject | undefined): [name: string, entries: string[]][] {
  return Object.entries(scope ?? {}).flatMap(([name, value]) =>
    Array.isArray(value) && value.length > 1 && value.every((entry) => typeof entry === "string") ? [[name, value]] : [],
  );
}

export function isOver(grant: Grant, now: number): boolean {
  return grant.expires !== undefined && grant.expires <= now;
}

/** A folder is lent by its path, which no manifest can name. @source plugin-platform §3.1 fs.mount */
export function lendsFolder(name: PermissionName): boolean {
  return name === "fs.mount";
}

/** As it was decided before; `start` where it was not. */
export function choiceOf(wish: Wish, grants: readonly Grant[], start: boolean): Choice {
  const grant = grants.find(({ permission }) => permission === wish.name);
  const given = grant !== undefined && (grant.mode === "allow" || grant.mode === "ask") && !isOver(grant, Date.now());
  const left = (name: string, entries: string[]): string[] => {
    const held = given ? grant.scope[name] : undefined;
    return Array.isArray(held) ? entries.filter((entry) => !held.includes(entry)) : [];
  };
  const folder = grant?.scope["path"];
  return {
    ...(lendsFolder(wish.name) && typeof folder === "string" ? { folder } : {}),
    on: grant === undefined ? start : given,
    ask: grant?.mode === "ask",
    without: Object.fromEntries(lists(wish.scope).map(([name, entries]) => [name, left(name, entries)])),
  };
}

/** True when nothing of a list is left, or no folder is named: then it must be denied instead. */
export function isEmptied({ name: permission, scope }: Wish, { without, folder }: Choice): boolean {
  if (lendsFolder(permission) && folder === undefined) return true;
  return lists(scope).some(([name, entries]) => (without[name] ?? []).length === entries.length);
}

/** @param held  the present row: what the page has no control for stays as it is */
export function grantOf(wish: Wish, choice: Choice | undefined, held?: Grant): GrantInput {
  if (choice?.on !== true || isEmptied(wish, choice)) return { permission: wish.name, mode: "deny" };
  const base: JsonObject = { ...wish.scope, ...held?.scope };
  for (const [name, entries] of lists(wish.scope))
    base[name] = entries.filter((entry) => choice.without[name]?.includes(entry) !== true);
  if (choice.folder !== undefined) base["path"] = choice.folder;
  const lasting = held?.expires !== undefined && !isOver(held, Date.now()) ? { expires: held.expires } : {};
  return {
    permission: wish.name,
    mode: choice.ask && canBeAsked(wish.name) ? "ask" : "allow",
    scope: base,
    ...(held?.mode === "audit" ? {} : lasting),
  };
}

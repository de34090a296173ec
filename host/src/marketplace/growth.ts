import type { Grant, Growth, PermissionRequest, PluginManifest, RightChange } from "../contract/index.ts";
import { isWithin, requested, type Right } from "../runtime/index.ts";

/**
 * What a version asks for that its operator has not consented to with the version before.
 * @param held  the rights that the version before has
 * @returns empty: nobody needs to be asked
 * @source plugin-platform §3.4.2
 */
export function growthOf(former: PluginManifest, next: PluginManifest, held: readonly Grant[]): Growth[] {
  const dependencies = Object.keys(next.dependencies ?? {}).filter((id) => !Object.hasOwn(former.dependencies ?? {}, id));
  const routes = publicRoutes(next).filter((route) => !publicRoutes(former).includes(route));
  return [
    ...next.permissions.flatMap((request) => growthOfRight(former, { request, held })),
    ...(next.tier.min === "isolate" && former.tier.min === "process" ? [{ kind: "tier" as const, what: "isolate" }] : []),
    ...dependencies.map((what) => ({ kind: "dependency" as const, what })),
    ...routes.map((what) => ({ kind: "route" as const, what })),
    ...openedTo(former, next).map((what) => ({ kind: "open" as const, what })),
  ];
}

/** How one wish differs from what the version before asked for; null when it is nothing more. */
export function changeOf(former: PluginManifest, request: PermissionRequest, isRequired: boolean): RightChange | null {
  const [right] = requested([request]);
  const before = requested([...former.permissions, ...(former.optionalPermissions ?? [])]);
  if (right === undefined || !before.some(({ permission }) => permission === right.permission)) return "new";
  if (!isWithin([right], before)) return "wider";
  return isRequired && !isWithin([right], requested(former.permissions)) ? "required" : null;
}

/** In words. */
export function describeGrowth({ kind, what }: Growth): string {
  switch (kind) {
    case "tier":
      return "a place in a shared process";
    case "dependency":
      return `the plugin ${what}`;
    case "route":
      return `the address ${what}, open to everybody`;
    case "open":
      return `${what}, open to strangers`;
    case "required":
      return `${what}, which was optional before`;
    default:
      return what;
  }
}

function growthOfRight(
  former: PluginManifest,
  { request, held }: { request: PermissionRequest; held: readonly Grant[] },
): Growth[] {
  const change = changeOf(former, request, true);
  if (change === null) return [];
  const [right] = requested([request]);
  // What was optional and is granted already is nothing new.
  if (change === "required" && right !== undefined && isHeld(right, held)) return [];
  const kind =
    change === "required" ? "required" : request.name === "native" ? "native" : change === "new" ? "permission" : "scope";
  const scope = Object.keys(request.scope ?? {}).length === 0 ? "" : ` ${JSON.stringify(request.scope)}`;
  return [{ kind, what: `${request.name}${scope}` }];
}

function isHeld(right: Right, held: readonly Grant[]): boolean {
  return isWithin(
    [right],
    held.filter(({ mode }) => mode === "allow"),
  );
}

function publicRoutes({ contributes }: PluginManifest): string[] {
  return (contributes.http ?? []).flatMap(({ routes }) =>
    routes.filter(({ auth }) => auth === "public").map(({ method, path }) => `${method} ${path}`),
  );
}

/** Capabilities that strangers may call from now on: what is provided weighs more than before. */
function openedTo(former: PluginManifest, next: PluginManifest): string[] {
  const open = ({ contributes }: PluginManifest): string[] =>
    (contributes.capabilities ?? [])
      .filter(({ trust }) => trust === "unknown" || trust === "federated")
      .map(({ name, version }) => `${name}@${version.split(".")[0] ?? ""}`);
  const before = new Set(open(former));
  return open(next).filter((name) => !before.has(name));
}

import type { Grant, JsonValue, PluginManifest } from "../contract/index.ts";
import { requested } from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { isWithin, type Right } from "../runtime/index.ts";

/**
 * Rights of a version that follows another: what the operator has granted, as far as the new one still asks for it. What it asks for more
 * waits for the operator.
 * @throws unauthorized consent_required
 * @source plugin-platform §3.4.2
 */
export function carryOver(former: PluginManifest, next: PluginManifest, held: readonly Grant[]): Grant[] {
  const grown = growthOf(former, next);
  if (grown.length > 0) {
    throw new HnError("unauthorized", {
      reason: "consent_required",
      message: `${next.id} ${next.version} asks for more than ${former.version}: ${grown.join(", ")}. Version ${former.version} runs on.`,
      action: `Read \`hearthnet plugin show ${next.id}\`, then run \`hearthnet plugin update ${next.id} --grant all\`, or name each permission with --grant.`,
    });
  }
  const asked = requested([...next.permissions, ...(next.optionalPermissions ?? [])]);
  const denied = held.filter(({ mode, permission }) => mode === "deny" && asked.some((right) => right.permission === permission));
  const allowed = held.filter(({ mode }) => mode === "allow");
  return [...allowed.flatMap((grant) => narrowed(grant, asked)), ...denied];
}

/** In words, what the operator has not seen before. */
function growthOf(former: PluginManifest, next: PluginManifest): string[] {
  const before = requested([...former.permissions, ...(former.optionalPermissions ?? [])]);
  const dependencies = Object.keys(next.dependencies ?? {}).filter((id) => !Object.hasOwn(former.dependencies ?? {}, id));
  return [
    ...requested(next.permissions)
      .filter((right) => !isWithin([right], before))
      .map(({ permission, scope }) => `${permission}${Object.keys(scope).length === 0 ? "" : ` ${JSON.stringify(scope)}`}`),
    ...(next.tier.min === "isolate" && former.tier.min === "process" ? ["a place in a shared process"] : []),
    ...dependencies.map((id) => `the plugin ${id}`),
  ];
}

/** The grant as it is while the new version may still have it whole, otherwise what it asks for of it. */
function narrowed(grant: Grant, asked: readonly Right[]): Grant[] {
  if (isWithin([grant], asked)) return [grant];
  return asked
    .filter((right) => right.permission === grant.permission && isWithin([right], [grant]))
    .map(({ scope }) => ({ ...grant, scope: { ...scope, ...folderOf(grant) } }));
}

/** The folder that the operator has picked stays picked. */
function folderOf({ scope }: Grant): { path?: JsonValue } {
  return scope["path"] === undefined ? {} : { path: scope["path"] };
}

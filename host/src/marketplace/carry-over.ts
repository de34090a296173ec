import type { Grant, JsonValue, PluginManifest } from "../contract/index.ts";
import { requested } from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { isWithin, type Right } from "../runtime/index.ts";
import { describeGrowth, growthOf } from "./growth.ts";

/**
 * Rights of a version that follows another: what the operator has granted, as far as the new one still asks for it. What it asks for more
 * waits for the operator.
 * @throws unauthorized consent_required
 * @source plugin-platform §3.4.2
 */
export function carryOver(former: PluginManifest, next: PluginManifest, held: readonly Grant[]): Grant[] {
  const grown = growthOf(former, next, held);
  if (grown.length > 0) {
    throw new HnError("unauthorized", {
      reason: "consent_required",
      message: `${next.id} ${next.version} asks for more than ${former.version}: ${grown.map(describeGrowth).join(", ")}. Version ${former.version} runs on.`,
      action: `Read \`hearthnet plugin show ${next.id}\`, then run \`hearthnet plugin update ${next.id} --grant all\`, or name each permission with --grant.`,
    });
  }
  const asked = requested([...next.permissions, ...(next.optionalPermissions ?? [])]);
  const given = held.filter(({ mode }) => mode === "allow" || mode === "ask");
  // What was only tried in a trial run was not granted.
  const denied = held.filter(({ mode }) => mode === "deny" || mode === "audit").map(({ expires: _, ...grant }) => grant);
  return [
    ...given.flatMap((grant) => narrowed(grant, asked)),
    ...denied
      .filter(({ permission }) => asked.some((right) => right.permission === permission))
      .filter(({ permission, mode }) => mode === "deny" || !given.some((grant) => grant.permission === permission))
      .map((grant): Grant => ({ ...grant, mode: "deny" })),
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

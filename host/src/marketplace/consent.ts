import type { Clock, Grant, InstallRequest, PermissionRequest, PluginManifest } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import { isWithin, requested, weightOf, type Right } from "../runtime/index.ts";
import { HEAVY } from "./review.ts";

/**
 * Turns the operator's answer into grants: never more than the manifest asks for, and one row for each permission that was refused.
 * @throws bad_request for a right that is not asked for · unauthorized consent_required
 * @source plugin-platform §3.4
 */
export function consentTo(
  manifest: PluginManifest,
  request: Pick<InstallRequest, "grantedBy" | "confirmId" | "reviewDigest"> & {
    grants: Exclude<InstallRequest["grants"], "keep">;
  },
  clock: Pick<Clock, "now">,
): Grant[] {
  const asked = [...manifest.permissions, ...(manifest.optionalPermissions ?? [])];
  const allowed: Right[] =
    request.grants === "all" ? requested(asked) : request.grants.map((grant) => rightOf(grant, asked, manifest.id));
  const silent = request.grants !== "all" && request.grants.length === 0 && request.reviewDigest === undefined;
  if (silent && manifest.permissions.length > 0)
    throw new HnError("unauthorized", {
      reason: "consent_required",
      message: `${manifest.id} asks for ${manifest.permissions.map(({ name }) => name).join(", ")}; nothing of it was granted.`,
      action: `Read \`hearthnet plugin show ${manifest.id}\`, then install with --grant all or with single --grant PERMISSION.`,
    });
  if (allowed.some((right) => weightOf(right) >= HEAVY) && request.confirmId !== manifest.id)
    throw new HnError("unauthorized", {
      reason: "consent_required",
      message: `${manifest.id} asks for far-reaching rights. They are granted only when you type its id.`,
      action: `Type ${manifest.id} to confirm; in the terminal --confirm ${manifest.id}.`,
    });
  const at = clock.now();
  const refused = requested(manifest.permissions).filter(
    ({ permission }) => !allowed.some((right) => right.permission === permission),
  );
  return [
    ...allowed.map((right): Grant => ({ ...right, mode: "allow", grantedBy: request.grantedBy, at })),
    ...refused.map((right): Grant => ({ ...right, mode: "deny", grantedBy: request.grantedBy, at })),
  ];
}

function rightOf(grant: { permission: string; scope?: Right["scope"] }, asked: readonly PermissionRequest[], id: string): Right {
  const request = asked.find(({ name }) => name === grant.permission);
  if (request === undefined)
    throw new HnError("bad_request", {
      message: `${id} does not ask for the permission "${grant.permission.slice(0, 64)}".`,
      action: `It asks for: ${asked.map(({ name }) => name).join(", ") || "nothing"}.`,
    });
  const [whole] = requested([request]);
  const right: Right = { permission: request.name, scope: grant.scope ?? whole?.scope ?? {} };
  if (whole === undefined || !isWithin([right], [whole]))
    throw new HnError("bad_request", {
      message: `${id} does not ask for ${grant.permission} to this extent.`,
      action: "Grant it as asked for, or narrower.",
    });
  return right;
}

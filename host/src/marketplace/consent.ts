import {
  PERMISSIONS,
  type Clock,
  type Grant,
  type GrantChoice,
  type InstallRequest,
  type PermissionName,
  type PluginManifest,
} from "../contract/index.ts";
import { checkScope } from "../format/index.ts";
import { HnError } from "../foundation/index.ts";
import { isDecidedAtStart, isWithin, requested, weightOf, type Right } from "../runtime/index.ts";

/** From this weight on the operator types the plugin's id. @source plugin-platform §3.4.4 */
export const HEAVY = 4;

export interface ConsentRules {
  clock: Pick<Clock, "now">;
  /** Whether this publisher may be granted machine code. @source plugin-platform §3.4.4 */
  nativeAllowed: boolean;
  /** What it is granted already: that needs no second confirmation. */
  held?: readonly Grant[];
}

export type Consent = Pick<InstallRequest, "grantedBy" | "confirmId" | "reviewDigest"> & { grants: "all" | GrantChoice[] };

/**
 * Turns the operator's answer into grants: never more than the manifest asks for, and one row for each permission that was refused.
 * @throws bad_request for a right that is not asked for, or not like this · unauthorized consent_required | policy
 * @source plugin-platform §3.4
 */
export function consentTo(manifest: PluginManifest, request: Consent, rules: ConsentRules): Grant[] {
  const asked = requested([...manifest.permissions, ...(manifest.optionalPermissions ?? [])]);
  const silent = request.grants !== "all" && request.grants.length === 0 && request.reviewDigest === undefined;
  if (silent && manifest.permissions.length > 0)
    throw new HnError("unauthorized", {
      reason: "consent_required",
      message: `${manifest.id} asks for ${manifest.permissions.map(({ name }) => name).join(", ")}; nothing of it was granted.`,
      action: `Read \`hearthnet plugin show ${manifest.id}\`, then install with --grant all or with single --grant PERMISSION.`,
    });
  const { held = [] } = rules;
  const at = Math.floor(rules.clock.now());
  const base = { grantedBy: request.grantedBy, at };
  const decided: Grant[] =
    request.grants === "all"
      ? asked.map((right) => ({ ...right, ...base, mode: "allow" }))
      : request.grants.map((choice) => ({ ...decisionOn(choice, { asked, id: manifest.id, now: at, held }), ...base }));
  const allowed = held.filter(({ mode }) => mode === "allow");
  const given = decided.filter((grant) => grant.mode !== "deny" && !isWithin([grant], allowed));
  if (given.some(({ permission }) => permission === "native") && !rules.nativeAllowed) throw nativeRefused(manifest.id);
  checkTyped(manifest, given, request.confirmId);
  const refused = requested(manifest.permissions).filter(
    ({ permission }) => !decided.some((grant) => grant.permission === permission),
  );
  return [...decided, ...refused.map((right): Grant => ({ ...right, ...base, mode: "deny" }))];
}

/** Far-reaching rights are given by hand alone. @throws unauthorized consent_required */
export function checkTyped(manifest: PluginManifest, rights: readonly Right[], confirmId: string | undefined): void {
  const offers = manifest.contributes.capabilities ?? [];
  if (confirmId === manifest.id || !rights.some((right) => weightOf(right, offers) >= HEAVY)) return;
  throw new HnError("unauthorized", {
    reason: "consent_required",
    message: `${manifest.id} asks for far-reaching rights. They are granted only when you type its id.`,
    action: `Type ${manifest.id} to confirm; in the terminal --confirm ${manifest.id}.`,
  });
}

function decisionOn(
  { permission, scope, mode = "allow", expires }: GrantChoice,
  o: { asked: readonly Right[]; id: string; now: number; held: readonly Grant[] },
): Pick<Grant, "permission" | "scope" | "mode" | "expires"> {
  const whole = o.asked.find((right) => right.permission === permission);
  if (whole === undefined)
    throw new HnError("bad_request", {
      message: `${o.id} does not ask for the permission "${permission.slice(0, 64)}".`,
      action: `It asks for: ${o.asked.map((right) => right.permission).join(", ") || "nothing"}.`,
    });
  const right: Right = { permission: whole.permission, scope: scope ?? whole.scope };
  checkNarrowed(right, whole, o.id);
  if (mode === "ask" && !canBeAsked(right.permission))
    throw new HnError("bad_request", {
      message: `${right.permission} is decided when the plugin starts, so nobody can be asked later.`,
      action: "Allow it or deny it.",
    });
  const isKnown = o.held.some((grant) => grant.permission === permission && grant.expires === expires);
  if (expires !== undefined && expires <= o.now && !isKnown)
    throw new HnError("bad_request", {
      message: "The time at which the permission is to end has passed already.",
      action: "Name a later one.",
    });
  return { ...right, mode, ...(expires === undefined || mode === "deny" ? {} : { expires }) };
}

/** @throws bad_request naming the members at fault */
function checkNarrowed(right: Right, whole: Right, id: string): void {
  const problems = checkScope(right.permission, right.scope, { at: "/scope", granted: true });
  if (problems.length > 0)
    throw new HnError("bad_request", {
      message: `The scope for ${right.permission} is not valid: ${problems.map(({ path, message }) => `${path} ${message}`).join("; ")}.`,
      action: `Granted can be at most ${JSON.stringify(whole.scope)}.`,
      paths: problems.map(({ path }) => path),
    });
  if (!isWithin([right], [whole]))
    throw new HnError("bad_request", {
      message: `${id} does not ask for ${right.permission} to this extent.`,
      action: `Grant it as asked for, or narrower: at most ${JSON.stringify(whole.scope)}.`,
    });
}

/** What a plugin offers is decided when it begins to, and what a process is started with when it starts. */
function canBeAsked(permission: PermissionName): boolean {
  return !isDecidedAtStart(permission) && PERMISSIONS[permission].check !== "registry.register";
}

function nativeRefused(id: string): HnError {
  return new HnError("unauthorized", {
    reason: "policy",
    message: `${id} wants to run machine code, and its publisher is not one of those that may on this node.`,
    action:
      "Install it without the permission native, or add the publisher's key to policy.nativePublishers in hearthnet.config.ts.",
  });
}

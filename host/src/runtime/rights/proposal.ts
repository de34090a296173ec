/** What a plugin really needs, as its trial run has shown. @source plugin-platform §3.4.5 */
import type { Grant, PermissionName, PluginManifest, ProposedGrant, TrialProposal } from "../../contract/index.ts";
import { sha256Hex } from "../../format/index.ts";
import { canonicalBytes } from "../../identity/index.ts";
import type { TrialUse } from "../journal/index.ts";
import { isDecidedAtStart, isWithin, minimalRights, requested, weightOf, type Right } from "../permission/index.ts";

/** Everything that a manifest asks for, wherever it says so. */
export function everythingAsked(manifest: PluginManifest): Right[] {
  return requested([...manifest.permissions, ...(manifest.optionalPermissions ?? [])]);
}

/** @param before  the rights outside of the trial run */
export function propose(manifest: PluginManifest, uses: readonly TrialUse[], before: readonly Grant[]): TrialProposal {
  const asked = everythingAsked(manifest);
  const used = minimalRights(
    asked.filter(({ permission }) => !isDecidedAtStart(permission)),
    uses.map(({ permission, method, args, target }) => ({ permission, check: { method, args }, target })),
  );
  const started = before.filter(({ permission, mode }) => mode === "allow" && isDecidedAtStart(permission));
  const row = ({ permission, scope }: Right): ProposedGrant => ({
    permission,
    scope,
    weight: weightOf({ permission, scope }, manifest.contributes.capabilities ?? []),
    // That a name may be asked for is asked before it is known which right counts, and goes with a check of that right.
    uses: uses.filter((use) => use.permission === permission && use.method !== "name").reduce((sum, { count }) => sum + count, 0),
  });
  const grants = [...used, ...started].map(row);
  const named = new Set(grants.map(({ permission }) => permission));
  const names = (wanted: (permission: PermissionName) => boolean): PermissionName[] =>
    asked.map(({ permission }) => permission).filter((permission) => wanted(permission));
  return {
    digest: sha256Hex(canonicalBytes(grants.map(({ permission, scope }) => ({ permission, scope })))),
    grants,
    unused: names((permission) => !isDecidedAtStart(permission) && !named.has(permission)),
    untried: names(isDecidedAtStart),
  };
}

/** The rights during a trial run: what is allowed stays so, all else that is asked for is simulated until it is over. */
export function tryingGrants(manifest: PluginManifest, before: readonly Grant[], o: { now: number; until: number }): Grant[] {
  const kept = before.filter(({ mode, permission }) => mode === "allow" || mode === "ask" || isDecidedAtStart(permission));
  const tried = everythingAsked(manifest)
    .filter((right) => !isDecidedAtStart(right.permission))
    .filter(
      (right) =>
        !isWithin(
          [right],
          kept.filter(({ mode }) => mode === "allow"),
        ),
    )
    .map((right): Grant => ({ ...right, mode: "audit", grantedBy: "operator", at: o.now, expires: o.until }));
  return [...kept, ...tried];
}

/** The rights after the operator has accepted: what was proposed, and a no to all else that is asked for. */
export function acceptedGrants(manifest: PluginManifest, { grants }: TrialProposal, now: number): Grant[] {
  const row = ({ permission, scope }: Right, mode: Grant["mode"]): Grant => ({
    permission,
    scope,
    mode,
    grantedBy: "operator",
    at: now,
  });
  const named = new Set(grants.map(({ permission }) => permission));
  return [
    ...grants.map((right) => row(right, "allow")),
    ...everythingAsked(manifest)
      .filter(({ permission }) => !named.has(permission))
      .map((right) => row(right, "deny")),
  ];
}

import type { CommunityPolicy, JsonValue } from "../../contract/index.ts";

/** What a new community starts with. @source 01 §6 */
export const DEFAULT_POLICY: CommunityPolicy = {
  min_signatures_to_invite: 1,
  min_signatures_to_demote: 3,
  min_signatures_to_revoke: 3,
  min_signatures_to_federate: 3,
  capability_token_ttl_seconds: 86_400,
  federation_enabled: true,
  default_member_can_invite: true,
};

/**
 * Reads a policy from a log event and clamps it: every `min_*` at least 1, token lifetime at most a day. Unknown fields are dropped, missing
 * ones take the default, so that every node reads the same policy out of the same event.
 * @source 01 I-12
 */
export function readPolicy(value: JsonValue | undefined): CommunityPolicy {
  const given = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
  const count = (key: keyof CommunityPolicy, fallback: number): number => {
    const n = given[key];
    return typeof n === "number" && Number.isSafeInteger(n) ? Math.max(1, n) : fallback;
  };
  const flag = (key: keyof CommunityPolicy, fallback: boolean): boolean => {
    const b = given[key];
    return typeof b === "boolean" ? b : fallback;
  };
  return {
    min_signatures_to_invite: count("min_signatures_to_invite", DEFAULT_POLICY.min_signatures_to_invite),
    min_signatures_to_demote: count("min_signatures_to_demote", DEFAULT_POLICY.min_signatures_to_demote),
    min_signatures_to_revoke: count("min_signatures_to_revoke", DEFAULT_POLICY.min_signatures_to_revoke),
    min_signatures_to_federate: count("min_signatures_to_federate", 3),
    capability_token_ttl_seconds: Math.min(
      86_400,
      count("capability_token_ttl_seconds", DEFAULT_POLICY.capability_token_ttl_seconds),
    ),
    federation_enabled: flag("federation_enabled", DEFAULT_POLICY.federation_enabled),
    default_member_can_invite: flag("default_member_can_invite", DEFAULT_POLICY.default_member_can_invite),
  };
}

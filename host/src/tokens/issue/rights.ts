import type { MemberLevel, NodeId, OfferLookup, Principal, TrustLevel, TrustRequirement } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { isBeyondTokens } from "../read/never-by-token.ts";
import { readEntry } from "../read/scope.ts";
import type { TokenSettings } from "../settings.ts";
import type { Office } from "../verify/office.ts";

const RANK: Record<TrustLevel, number> = { unknown: 0, member: 1, trusted: 2, anchor: 3 };

/** In whose name a token is asked for. */
export interface Asker {
  /** `self`, a plugin's id or a node's. */
  id: string;
  /** Set where somebody else's node asks: bounds the token as the issuer does. */
  act: NodeId | null;
  level: MemberLevel;
  /** Tokens an hour; null: as many as it likes. @source 05 §8 */
  perHour: number | null;
}

const PER_HOUR = { member: 30, plugin: 600 } as const;

/**
 * Who may have a token signed, and up to which level: never more than this node, never more than they themselves.
 * @throws unauthorized · unauthorized reason remote_issue_off
 * @source 05 §6, K-9
 */
export function settleAsker(
  caller: Principal,
  { nodeId, community, settings }: Pick<Office, "nodeId" | "community" | "settings">,
): Asker {
  const node = levelOf(community.standing(nodeId));
  switch (caller.kind) {
    case "self":
      return { id: "self", act: null, level: node, perHour: null };
    case "plugin":
      return { id: caller.plugin_id ?? "plugin", act: null, level: lower(node, caller.level), perHour: PER_HOUR.plugin };
    case "member": {
      if (settings.remoteIssue === "off") throw new HnError("unauthorized", { reason: "remote_issue_off" });
      const level = lower(node, levelOf(community.standing(caller.node_id)));
      return { id: caller.node_id, act: caller.node_id === nodeId ? null : caller.node_id, level, perHour: PER_HOUR.member };
    }
    default:
      throw new HnError("unauthorized");
  }
}

/**
 * Every entry is something that the asker may call at this moment.
 * @throws not_found · token_scope_insufficient reason token_beyond_rights
 * @source 05 §6, K-9
 */
export function checkRights(capabilities: readonly string[], level: MemberLevel, offers: OfferLookup): void {
  for (const text of capabilities) {
    const entry = readEntry(text);
    if (entry === null || isBeyondTokens(entry.name)) throw tooMuch();
    // Not on the bus: only its own address knows what it wants.
    if (entry.version === null) continue;
    const required = offers.requirement(entry.name, entry.version);
    if (required === null)
      throw new HnError("not_found", {
        message: `Nobody here offers ${text}.`,
        action: "Look at the list of capabilities; name and version must be written as there.",
      });
    if (!reaches(level, required)) throw tooMuch();
  }
}

function tooMuch(): HnError {
  return new HnError("token_scope_insufficient", { reason: "token_beyond_rights" });
}

/** A token never yields `self`, and nothing of a link that is not there. */
function reaches(level: MemberLevel, required: TrustRequirement): boolean {
  return required !== "self" && required !== "federated" && RANK[level] >= RANK[required];
}

function levelOf(standing: ReturnType<Office["community"]["standing"]>): MemberLevel {
  if (standing.kind !== "member") throw new HnError("unauthorized");
  return standing.level;
}

function lower(node: MemberLevel, other: TrustLevel): MemberLevel {
  if (other === "unknown") throw new HnError("unauthorized");
  return RANK[other] < RANK[node] ? other : node;
}

/** The longest life, seconds. @source 05 §6 */
export function longestLife(settings: TokenSettings, policySeconds: number): number {
  return Math.min(settings.maxTtlSeconds, policySeconds);
}

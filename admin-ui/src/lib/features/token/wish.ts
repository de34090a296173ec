import type { CallableCapability, TokenIssueBody, TokenScope } from "@hearthnet/host/contract";

/** One parameter and what it may be, as typed. */
export interface Only {
  param: string;
  values: string;
}

/** What a token can hand on, with the nodes that offer it. */
export interface Choice {
  ref: string;
  where: string[];
}

/** Acts that no token may do; the node refuses them all the same. @source 05 §4 */
const NEVER = /^(auth\.token\.(issue|revoke)$|community\.|federation\.peer\.)/;

/** Each capability once, by name. */
export function choicesOf(items: readonly CallableCapability[]): Choice[] {
  const found = new Map<string, string[]>();
  for (const { name, version, node_name, trust_required } of items) {
    if (NEVER.test(name) || trust_required === "self" || trust_required === "federated") continue;
    const ref = `${name}@${version}`;
    const where = found.get(ref) ?? [];
    if (!where.includes(node_name)) where.push(node_name);
    found.set(ref, where);
  }
  return [...found].map(([ref, where]) => ({ ref, where })).sort((a, b) => a.ref.localeCompare(b.ref));
}

/** What was filled in; empty rows say nothing. */
export function limitsOf(rows: readonly Only[]): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const { param, values } of rows) {
    const allowed = values
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
    if (param.trim() !== "" && allowed.length > 0) out[param.trim()] = [...(out[param.trim()] ?? []), ...allowed];
  }
  return out;
}

export interface Wish {
  clientId: string;
  subject: string;
  capabilities: string[];
  only: readonly Only[];
  ttlSeconds: number;
  calls: number | null;
  rate: number | null;
  /** Empty: every node. */
  place: string;
}

export function bodyOf(wish: Wish): TokenIssueBody {
  const limits = limitsOf(wish.only);
  const scope: TokenScope = { capabilities: wish.capabilities };
  if (Object.keys(limits).length > 0) scope.params_constraints = limits;
  if (wish.rate !== null) scope.rate_limit_per_minute = wish.rate;
  if (wish.calls !== null) scope.max_calls_total = wish.calls;
  return {
    client_id: wish.clientId,
    subject: wish.subject,
    scope,
    ttl_seconds: wish.ttlSeconds,
    ...(wish.place === "" ? {} : { aud_node: wish.place }),
  };
}

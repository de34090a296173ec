import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type CommunityId, type JsonObject, type NodeId } from "../../contract/index.ts";
import { retryAfterMs } from "../call/slots.ts";
import type { Provider } from "../registry/provider.ts";
import { paramsCompatible } from "./params.ts";
import { formatVersion, satisfies, type VersionPair } from "./version.ts";

/** What is looked for. */
export interface Need {
  capability: string;
  version: VersionPair;
  params: JsonObject;
  /** Only entries of this node. */
  node: NodeId | undefined;
  /** Only entries of this node itself; calls from the network. @source 03 B-7 */
  localOnly: boolean;
  /** Nodes that were tried already. */
  tried: ReadonlySet<NodeId> | undefined;
  communityId: CommunityId | null;
  now: number;
}

/**
 * Entries that may serve the call now, in no order: right name, version and params, allowed, fresh, healthy, not full; of one node only its
 * highest compatible minor version.
 * @returns never empty
 * @throws not_found | capacity_exceeded | partition
 * @source 03 §5, §2, B-3
 */
export function findCandidates(named: readonly Provider[], need: Need): Provider[] {
  const [only] = named;
  if (
    only &&
    named.length === 1 &&
    fits(only, need) &&
    only.health.state(need.now) === "open" &&
    isFree(only) &&
    isReachable(only, need.now, named)
  ) {
    return [only];
  }
  const fitting = highestMinor(named.filter((provider) => fits(provider, need)));
  const usable = fitting.filter((provider) => isReachable(provider, need.now, fitting));
  const free = usable.filter(isFree);
  if (free.length > 0) return free;
  // Who calls from outside hears of full places only after trust and schema, so the choice is left to them. @source 03 §8
  if (usable[0] && need.localOnly) return usable;
  if (usable[0]) {
    throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: Math.min(...usable.map(retryAfterMs)) });
  }
  if (fitting.length > 0) throw new HnError("partition", { reason: "provider_unreachable" });
  throw nothingFits(named, need);
}

function isFree(provider: Provider): boolean {
  return provider.in_flight < provider.descriptor.max_concurrent;
}

function fits(provider: Provider, need: Need): boolean {
  if (!satisfies(provider.descriptor.version, need.version)) return false;
  if (need.localOnly && provider.local?.onlyHere !== false) return false;
  if (!provider.is_local && provider.communityId !== need.communityId) return false;
  if (need.node !== undefined && provider.node_id !== need.node) return false;
  if (need.tried?.has(provider.node_id)) return false;
  return paramsCompatible(provider.descriptor.params, need.params);
}

function highestMinor(providers: Provider[]): Provider[] {
  if (providers.length < 2) return providers;
  const best = new Map<NodeId, number>();
  for (const p of providers) best.set(p.node_id, Math.max(best.get(p.node_id) ?? 0, p.descriptor.version[1]));
  return providers.filter((p) => p.descriptor.version[1] === best.get(p.node_id));
}

/** Not resting, nor its node, and heard of within a minute. A local entry rests only while somebody else can do its work. @source 03 B-10 */
export function isReachable(provider: Provider, now: number, fitting: readonly Provider[]): boolean {
  if (!provider.is_local) {
    return (
      provider.health.state(now) !== "quarantined" &&
      provider.breaker?.isShut(now) !== true &&
      now - provider.lastSeen <= CONSTANTS.FRESHNESS_WINDOW_SECONDS * 1000
    );
  }
  if (provider.health.state(now) !== "quarantined") return true;
  return !fitting.some(
    (other) =>
      other !== provider && (other.is_local ? other.health.state(now) !== "quarantined" : isReachable(other, now, fitting)),
  );
}

function nothingFits(named: readonly Provider[], need: Need): HnError {
  const visible = named.filter((provider) => !need.localOnly || provider.local?.onlyHere === false);
  const versions = [
    ...new Set(visible.map((provider) => `${need.capability}@${formatVersion(provider.descriptor.version)}`)),
  ].sort();
  const others = versions.filter((text) => text !== `${need.capability}@${formatVersion(need.version)}`);
  // A caller that still speaks a major which this node has dropped must upgrade. @source 03 §2
  const dropped =
    need.localOnly && visible.length > 0 && visible.every((provider) => provider.descriptor.version[0] > need.version[0]);
  const nodes = [
    ...new Set(named.filter((p) => !p.is_local && satisfies(p.descriptor.version, need.version)).map((p) => p.node_id)),
  ].slice(0, 5);
  const details = {
    ...(others.length === 0 ? {} : { alt_capabilities: others.slice(0, 8) }),
    ...(need.localOnly && nodes.length > 0 ? { alt_nodes: nodes } : {}),
  };
  const wanted = `${need.capability}@${formatVersion(need.version)}`;
  if (dropped) {
    const newest = visible.reduce((a, b) => (b.descriptor.version[0] >= a.descriptor.version[0] ? b : a));
    return new HnError("schema_mismatch", {
      message: `${wanted} is no longer served here; ${others.join(", ")} is. Update the caller.`,
      details: { ...details, schema_hash_expected: newest.schemaHash },
    });
  }
  return new HnError("not_found", { message: `${why(visible, need, wanted)}`, details });
}

function why(visible: readonly Provider[], need: Need, wanted: string): string {
  if (need.node !== undefined)
    return `The node you named does not offer ${wanted} to you at the moment. Leave the node out, or choose another.`;
  if (visible.some((provider) => satisfies(provider.descriptor.version, need.version)))
    return `${wanted} is offered, but not with these params. Ask for other params, or leave them out.`;
  return `Nobody offers ${wanted} at the moment. Check the spelling, or install a plugin that provides it.`;
}

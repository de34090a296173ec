import type { CommunityId, NodeId, Profile } from "../../contract/index.ts";
import { shortId } from "../../identity/index.ts";

/** What this node says about itself on its own network. @source 01 §9 */
export interface LanFacts {
  nodeId: NodeId;
  displayName: string;
  /** null before it belongs to one: then it speaks for itself alone. */
  communityId: CommunityId | null;
  profile: Profile;
  port: number;
  /** Names of what it offers, without versions. */
  capabilities: string[];
}

export interface ShortFacts {
  node: string;
  community: string;
}

/** Short ids do: a hint is grouped by them and proven by the manifest. */
export function shortFacts({ nodeId, communityId }: LanFacts): ShortFacts {
  return { node: shortId(nodeId), community: shortId(communityId ?? nodeId) };
}

/** A port that a node may be at: what lies below was never meant to be dialled because of a packet. @source 06 H-11 */
export function isNodePort(port: unknown): port is number {
  return typeof port === "number" && Number.isInteger(port) && (port === 443 || (port >= 1024 && port <= 65_535));
}

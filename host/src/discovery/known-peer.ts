import { CONSTANTS, type Endpoint, type NodeId, type NodeManifest } from "../contract/index.ts";
import type { Remembered } from "./address-book.ts";

const ENDPOINTS_MAX = 8;
const ONLINE_MS = CONSTANTS.FRESHNESS_WINDOW_SECONDS * 1000;
/** How long after its last manifest has run out a peer is dropped. @source 01 §5 */
const DROP_MS = (CONSTANTS.MANIFEST_TTL_SECONDS + CONSTANTS.PEER_PRUNE_SECONDS) * 1000;

/** A node and how it is doing. Times with `At` are monotonic milliseconds. */
export interface KnownPeer extends Remembered {
  /** Of the last verified manifest in this run. */
  verifiedAt: number | null;
  /** `name@X.Y`, as it offers them. */
  capabilities: string[];
  failures: number;
  /** Left alone until then. */
  restsUntilAt: number;
  /** Of the last exchange of logs that went well. */
  syncedAt: number | null;
}

export function newPeer(node: NodeId): KnownPeer {
  return {
    node_id: node,
    display_name: "",
    endpoints: [],
    manual: false,
    last_seen: 0,
    verifiedAt: null,
    capabilities: [],
    failures: 0,
    restsUntilAt: 0,
    syncedAt: null,
  };
}

/** Whether calls go there. @source 03 §5 (3) */
export function isOnline(peer: KnownPeer, now: number): boolean {
  return peer.verifiedAt !== null && now - peer.verifiedAt <= ONLINE_MS;
}

export function isToBeDropped(peer: KnownPeer, now: number): boolean {
  return peer.verifiedAt !== null && now - peer.verifiedAt >= DROP_MS;
}

/** A working address that the manifest forgets (a router in between) stays first; what the manifest says about it is taken over. */
export function endpointsFrom(manifest: NodeManifest, working: Endpoint): Endpoint[] {
  const isWorking = (e: Endpoint): boolean => e.host === working.host && e.port === working.port;
  const named = manifest.endpoints.find(isWorking);
  return [named ?? working, ...manifest.endpoints.filter((e) => !isWorking(e))].slice(0, ENDPOINTS_MAX);
}

/** Where to look for a peer: where it was, then where its own join says. */
export function placesOf(peer: KnownPeer, fromLog: Endpoint[]): Endpoint[] {
  const rest = fromLog.filter((e) => !peer.endpoints.some((known) => known.host === e.host && known.port === e.port));
  return [...peer.endpoints, ...rest];
}

/** Failed again: rests for 2, 4, 8 … 30 s. @source 02 §9 */
export function restAfterFailure(peer: KnownPeer, now: number): void {
  peer.failures += 1;
  peer.restsUntilAt = now + Math.min(CONSTANTS.RECONNECT_BACKOFF_CAP_SECONDS, 2 ** peer.failures) * 1000;
}

import { randomBytes } from "node:crypto";
import { createUlidFactory, silentLog } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { Clock, CommunityId, Doors, Log, NodeId, PeerLink, Random, StandingLookup } from "../../contract/index.ts";
import { PeerSessions } from "../session/sessions.ts";
import { SessionLane } from "./by-session.ts";
import { callPeer, streamPeer } from "./call.ts";
import type { Wire } from "./exchange.ts";
import { revokedNeighbour } from "./failure.ts";
import { fetchManifest } from "./manifest.ts";
import { KnownPeers } from "./peers.ts";
import { Pools } from "./pools.ts";
import { SyncLink } from "./sync.ts";

export interface LinkOptions {
  signer: Signer;
  /** The community this node acts from; `null` before it has one. */
  communityId: () => CommunityId | null;
  /** Who may still be called. */
  standing: StandingLookup["standing"];
  clock: Clock;
  random?: Random;
  log?: Log;
}

/** The way to other nodes, with what it has learned about them. */
export interface Link extends PeerLink, Doors {
  /** Features from the newest verified manifest; empty when none is known. For the listener's `featuresOf`. */
  featuresOf(node: NodeId): readonly string[];
  /** Connections on which both sides call; the listener takes part in them. */
  readonly sessions: PeerSessions;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/** Calls neighbours over connections pinned to their keys; every answer is verified. @source 02 */
export function createLink(o: LinkOptions): Link {
  const peers = new KnownPeers(o.clock);
  const pools = new Pools();
  const random: Random = o.random ?? ((n) => randomBytes(n));
  const wire: Wire = {
    signer: o.signer,
    clock: o.clock,
    newId: createUlidFactory(o.clock, random),
    pools,
    peers,
    standing: o.standing,
  };
  const { signer, clock, communityId, standing } = o;
  const sessions = new PeerSessions({ signer, communityId, standing, clock, random, peers, log: o.log ?? silentLog });
  const sync = new SyncLink(wire);
  // A node without a community speaks for itself alone.
  const community = (): CommunityId => o.communityId() ?? o.signer.nodeId;
  const lanes = new SessionLane(wire, sessions, {
    call: (call) => callPeer(wire, call, community()),
    stream: (call) => streamPeer(wire, call, community()),
  });
  return {
    sessions,
    call: (call) => lanes.call(call),
    stream: (call) => lanes.stream(call),
    fetchManifest: async (endpoint, expected) => {
      const manifest = await fetchManifest({ clock: o.clock, peers, endpoint, expected });
      sessions.manifestSeen(manifest.node_id);
      return manifest;
    },
    communityManifest: (peer) => sync.communityManifest(peer),
    syncHeads: (peer) => sync.syncHeads(peer),
    syncEvents: (peer, request) => sync.syncEvents(peer, request),
    sessionWith: (node) => sessions.live(node)?.facts,
    featuresOf: (node) => peers.featuresOf(node),
    shutRevoked: () => {
      sessions.shutRevoked();
      for (const node of pools.nodes()) if (o.standing(node).kind === "revoked") pools.drop(node, revokedNeighbour());
    },
    close: () => {
      sessions.close();
      return pools.close();
    },
  };
}

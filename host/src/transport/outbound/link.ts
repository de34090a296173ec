import { randomBytes } from "node:crypto";
import { createUlidFactory, HnError, silentLog } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type {
  Clock,
  CommunityId,
  Doors,
  Frame,
  JsonObject,
  Log,
  NodeId,
  OutboundCall,
  PackageLink,
  PeerLink,
  Random,
  StandingLookup,
  TopicLink,
} from "../../contract/index.ts";
import { KeptSeals } from "../session/kept-seals.ts";
import { PeerSessions } from "../session/sessions.ts";
import { SessionLane } from "./by-session.ts";
import { callPeer, streamPeer } from "./call.ts";
import type { Wire } from "./exchange.ts";
import { revokedNeighbour } from "./failure.ts";
import { fetchManifest } from "./manifest.ts";
import { packageFile } from "./packages.ts";
import { KnownPeers } from "./peers.ts";
import { Pools, type Ways } from "./pools.ts";
import { SyncLink } from "./sync.ts";
import { followTopic } from "../pubsub/follow.ts";
import { OpenSockets } from "../websocket/open-sockets.ts";
import { streamOverSocket } from "../websocket/client-call.ts";
import { NoSocket } from "../websocket/dial.ts";

export interface LinkOptions {
  signer: Signer;
  /** The community this node acts from; `null` before it has one. */
  communityId: () => CommunityId | null;
  /** Who may still be called. */
  standing: StandingLookup["standing"];
  clock: Clock;
  random?: Random;
  /** Instead of connections of its own: a simulated network. */
  ways?: Ways;
  /** What is known of neighbours; whoever reads their manifests by another way hands it in. */
  peers?: KnownPeers;
  log?: Log;
  /** File for what neighbours have signed on their sessions; absent: it is not kept. */
  sealsPath?: string;
}

/** The way to other nodes, with what it has learned about them. */
export interface Link extends PeerLink, PackageLink, TopicLink, Doors {
  /** Features from the newest verified manifest; empty when none is known. For the listener's `featuresOf`. */
  featuresOf(node: NodeId): readonly string[];
  /** Connections on which both sides call; the listener takes part in them. */
  readonly sessions: PeerSessions;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/**
 * Frames of the caller need a WebSocket. Where they may be left out and there is none, server-sent events do; nothing was sent by then.
 * @source 02 §8, network.md "Lanes"
 */
async function* streamBestWay(wire: Wire, call: OutboundCall, community: CommunityId): AsyncGenerator<Frame, JsonObject, void> {
  if (call.frames === undefined) return yield* streamPeer(wire, call, community);
  try {
    return yield* streamOverSocket(wire, call, community);
  } catch (error) {
    if (!(error instanceof NoSocket) || call.framesOptional !== true) throw error;
  }
  return yield* streamPeer(wire, call, community);
}

/** Calls neighbours over connections pinned to their keys; every answer is verified. @source 02 */
export function createLink(o: LinkOptions): Link {
  const peers = o.peers ?? new KnownPeers(o.clock);
  const pools = o.ways ?? new Pools();
  const random: Random = o.random ?? ((n) => randomBytes(n));
  const wire: Wire = {
    signer: o.signer,
    clock: o.clock,
    newId: createUlidFactory(o.clock, random),
    pools,
    peers,
    standing: o.standing,
    sockets: new OpenSockets(),
  };
  const { signer, clock, communityId, standing } = o;
  const log = o.log ?? silentLog;
  const seals = o.sealsPath === undefined ? undefined : new KeptSeals({ path: o.sealsPath, clock, log });
  const sessions = new PeerSessions({ signer, communityId, standing, clock, random, peers, log, ...(seals && { seals }) });
  const sync = new SyncLink(wire, sessions);
  // A node without a community speaks for itself alone.
  const community = (): CommunityId => o.communityId() ?? o.signer.nodeId;
  const lanes = new SessionLane(wire, sessions, {
    call: (call) => callPeer(wire, call, community()),
    stream: (call) => streamPeer(wire, call, community()),
  });
  return {
    sessions,
    call: (call) => lanes.call(call),
    // Frames of the caller have no record of their own on a session.
    stream: (call) => (call.frames === undefined ? lanes.stream(call) : streamBestWay(wire, call, community())),
    follow: (following) => followTopic(wire, following, { community, random, sessions }),
    fetchManifest: async (endpoint, expected, limits) => {
      const manifest = await fetchManifest({ clock: o.clock, peers, endpoint, expected, ...limits });
      sessions.manifestSeen(manifest.node_id);
      return manifest;
    },
    communityManifest: (peer) => sync.communityManifest(peer),
    syncHeads: (peer) => sync.syncHeads(peer),
    syncBrief: (peer, floor) => sync.syncBrief(peer, floor),
    syncReconcile: (peer, message) => sync.syncReconcile(peer, message),
    syncEvents: (peer, request) => sync.syncEvents(peer, request),
    packageFile: (to, question, more) => packageFile(wire, to, { question, community: community(), ...more }),
    sessionWith: (node) => sessions.live(node)?.facts,
    featuresOf: (node) => peers.featuresOf(node),
    shutRevoked: () => {
      sessions.shutRevoked();
      for (const node of new Set([...pools.nodes(), ...wire.sockets.nodes()])) {
        if (o.standing(node).kind !== "revoked") continue;
        pools.drop(node, revokedNeighbour());
        wire.sockets.drop(node, revokedNeighbour());
      }
    },
    close: async () => {
      sessions.close();
      wire.sockets.dropAll(new HnError("partition", { reason: "closing" }));
      await pools.close();
      seals?.close();
    },
  };
}

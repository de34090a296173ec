import {
  CONSTANTS,
  type Bus,
  type Clock,
  type Community,
  type Endpoint,
  type Log,
  type NodeId,
  type NodeManifest,
  type PeerLink,
  type PeerRow,
  type Peers,
  type Timer,
} from "../contract/index.ts";
import { type Database, HnError, openDatabase } from "../foundation/index.ts";
import { parseNodeId } from "../identity/index.ts";

const MIGRATIONS = [
  `CREATE TABLE peer(node_id TEXT PRIMARY KEY, display_name TEXT NOT NULL, endpoints TEXT NOT NULL, manual INTEGER NOT NULL, last_seen INTEGER NOT NULL) STRICT;`,
];

export interface PeersOptions {
  /** SQLite file. */
  path: string;
  nodeId: NodeId;
  clock: Clock;
  log: Log;
  link: PeerLink;
  bus: Pick<Bus, "peerSeen" | "peerGone">;
  community: Pick<Community, "standing" | "members" | "syncWith" | "communityId" | "onEvent" | "levelOf">;
}

interface Known {
  node_id: NodeId;
  display_name: string;
  endpoints: Endpoint[];
  manual: boolean;
  /** Unix milliseconds. */
  last_seen: number;
  /** Monotonic milliseconds of the last verified manifest; 0 = never in this run. */
  verified: number;
  capabilities: string[];
  failures: number;
  /** Monotonic milliseconds before which it is left alone. */
  notBefore: number;
}

/** Quiet time between two log exchanges with one peer. @source 04 §8 */
const SYNC_INTERVAL_MS = 300_000;

/**
 * Keeps the manifests of known nodes fresh: members from the log and addresses typed by the operator. Found peers (LAN, DHT) come with the mesh.
 * @source 01 §5 "Republish", 00 §4.1 peer prune
 */
export function openPeers(options: PeersOptions): Peers & { close(): void } {
  return new PeerTable(options);
}

class PeerTable implements Peers {
  readonly #o: PeersOptions;
  readonly #db: Database;
  readonly #known: Map<NodeId, Known> = new Map();
  readonly #listeners: Set<() => void> = new Set();
  readonly #synced: Map<NodeId, number> = new Map();
  #timer: Timer | null = null;
  #round: Promise<void> | null = null;
  #closed = false;

  constructor(options: PeersOptions) {
    this.#o = options;
    this.#db = openDatabase(options.path, { migrations: MIGRATIONS });
    for (const row of this.#db.prepare("SELECT * FROM peer").all() as {
      node_id: string;
      display_name: string;
      endpoints: string;
      manual: number;
      last_seen: number;
    }[])
      this.#known.set(row.node_id, {
        ...fresh(row.node_id),
        display_name: row.display_name,
        endpoints: JSON.parse(row.endpoints) as Endpoint[],
        manual: row.manual === 1,
        last_seen: row.last_seen,
      });
    this.#schedule(0);
  }

  list(): PeerRow[] {
    return [...this.#known.values()].map((peer) => ({
      node_id: peer.node_id,
      display_name: peer.display_name,
      level: this.#o.community.levelOf(peer.node_id),
      endpoints: peer.endpoints,
      online: this.#isOnline(peer),
      last_seen: peer.last_seen,
      capabilities: peer.capabilities,
    }));
  }

  async add(endpoint: Endpoint, expected?: NodeId): Promise<PeerRow> {
    if (expected !== undefined) parseNodeId(expected);
    const manifest = await this.#o.link.fetchManifest(endpoint, expected);
    if (manifest.node_id === this.#o.nodeId)
      throw new HnError("bad_request", { message: "This is the address of this node itself." });
    this.#seen(manifest, { manual: true, endpoint });
    return this.list().find((peer) => peer.node_id === manifest.node_id) as PeerRow;
  }

  remove(node: NodeId): void {
    if (!this.#known.delete(node)) throw new HnError("not_found", { message: "No node with this id is remembered." });
    this.#db.prepare("DELETE FROM peer WHERE node_id = ?").run(node);
    this.#o.bus.peerGone(node);
    this.#changed();
  }

  /** One round at a time; asking again joins the round under way. */
  refresh(): Promise<void> {
    this.#round ??= this.#refreshAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#db.close();
  }

  async #refreshAll(): Promise<void> {
    for (const member of this.#o.community.members()) {
      if (member.node_id === this.#o.nodeId || member.endpoints.length === 0) continue;
      if (!this.#known.has(member.node_id))
        this.#known.set(member.node_id, {
          ...fresh(member.node_id),
          display_name: member.display_name,
          endpoints: member.endpoints,
        });
    }
    const now = this.#o.clock.monotonic();
    await Promise.all([...this.#known.values()].filter((peer) => peer.notBefore <= now).map((peer) => this.#refreshOne(peer)));
    this.#prune();
  }

  async #refreshOne(peer: Known): Promise<void> {
    for (const endpoint of peer.endpoints) {
      try {
        const manifest = await this.#o.link.fetchManifest(endpoint, peer.node_id);
        if (this.#closed || !this.#known.has(peer.node_id)) return;
        this.#seen(manifest, { manual: peer.manual, endpoint });
        await this.#sync(peer);
        return;
      } catch (error) {
        this.#o.log.debug("peer not reached", {
          peer: peer.node_id,
          error: HnError.from(error).reason ?? HnError.from(error).code,
        });
      }
    }
    peer.failures += 1;
    peer.notBefore = this.#o.clock.monotonic() + Math.min(CONSTANTS.RECONNECT_BACKOFF_CAP_SECONDS, 2 ** peer.failures) * 1000;
  }

  #seen(manifest: NodeManifest, o: { manual: boolean; endpoint: Endpoint }): void {
    // A working address that the manifest forgets (NAT, loopback tests) stays first.
    const rest = manifest.endpoints.filter((e) => e.host !== o.endpoint.host || e.port !== o.endpoint.port);
    const peer: Known = {
      ...(this.#known.get(manifest.node_id) ?? fresh(manifest.node_id)),
      display_name: manifest.display_name,
      endpoints: [o.endpoint, ...rest].slice(0, 8),
      last_seen: this.#o.clock.now(),
      verified: this.#o.clock.monotonic(),
      capabilities: manifest.capabilities.map((c) => `${c.name}@${c.version}`),
      failures: 0,
      notBefore: 0,
    };
    peer.manual ||= o.manual;
    this.#known.set(peer.node_id, peer);
    this.#db
      .prepare("INSERT OR REPLACE INTO peer VALUES(?, ?, ?, ?, ?)")
      .run(peer.node_id, peer.display_name, JSON.stringify(peer.endpoints), peer.manual ? 1 : 0, peer.last_seen);
    // Strangers are kept for the operator to see but never routed to (01 §5 step 7).
    const member =
      manifest.community_id === this.#o.community.communityId() && this.#o.community.standing(manifest.node_id).kind === "member";
    if (member) this.#o.bus.peerSeen({ ...manifest, endpoints: peer.endpoints });
    else this.#o.bus.peerGone(manifest.node_id);
    this.#changed();
  }

  async #sync(peer: Known): Promise<void> {
    const { community, clock, link } = this.#o;
    if (community.communityId() === null || community.standing(peer.node_id).kind !== "member") return;
    if (clock.monotonic() - (this.#synced.get(peer.node_id) ?? -Infinity) < SYNC_INTERVAL_MS) return;
    this.#synced.set(peer.node_id, clock.monotonic());
    await community.syncWith({ node_id: peer.node_id, endpoints: peer.endpoints }, link);
  }

  #prune(): void {
    for (const peer of this.#known.values()) {
      const gone = peer.verified > 0 && !this.#isOnline(peer);
      if (!gone) continue;
      peer.verified = 0;
      peer.capabilities = [];
      this.#o.bus.peerGone(peer.node_id);
      this.#changed();
    }
  }

  #isOnline(peer: Known): boolean {
    return peer.verified > 0 && this.#o.clock.monotonic() - peer.verified <= CONSTANTS.PEER_PRUNE_SECONDS * 1000;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#o.clock.setTimeout(() => {
      void this.refresh()
        .catch((error: unknown) => this.#o.log.warn("peer round failed", { error }))
        .finally(() => {
          if (!this.#closed) this.#schedule(CONSTANTS.MANIFEST_REPUBLISH_INTERVAL_SECONDS * 1000);
        });
    }, delayMs);
  }
}

function fresh(node: NodeId): Known {
  return {
    node_id: node,
    display_name: "",
    endpoints: [],
    manual: false,
    last_seen: 0,
    verified: 0,
    capabilities: [],
    failures: 0,
    notBefore: 0,
  };
}

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
import { HnError } from "../foundation/index.ts";
import { parseNodeId } from "../identity/index.ts";
import { AddressBook } from "./address-book.ts";
import { endpointsFrom, isOnline, isToBeDropped, newPeer, placesOf, restAfterFailure, type KnownPeer } from "./known-peer.ts";

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

const ROUND_MS = CONSTANTS.MANIFEST_REPUBLISH_INTERVAL_SECONDS * 1000;
/** Quiet time between two log exchanges with one peer. @source 04 §8 */
const SYNC_INTERVAL_MS = 300_000;
/** Peers asked at the same time. @source network.md §4 */
const PROBES_MAX = 64;

/**
 * Keeps the manifests of known nodes fresh: members from the log and addresses typed by the operator. Found peers (LAN, DHT) come with the mesh.
 * @source 01 §5 "Republish", 00 §4.1 peer prune
 */
export function openPeers(options: PeersOptions): Peers & { close(): void } {
  return new PeerTable(options);
}

class PeerTable implements Peers {
  readonly #o: PeersOptions;
  readonly #book: AddressBook;
  readonly #known: Map<NodeId, KnownPeer> = new Map();
  readonly #listeners: Set<() => void> = new Set();
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;
  #round: Promise<void> | null = null;
  /** The round after the one under way, when somebody has asked for it. */
  #next: Promise<void> | null = null;
  #closed = false;

  constructor(options: PeersOptions) {
    this.#o = options;
    this.#book = new AddressBook(options.path);
    for (const row of this.#book.all()) this.#known.set(row.node_id, { ...newPeer(row.node_id), ...row });
    // Who joined, left or rose is news to everybody: the next exchange with each does not wait for its turn. @source 04 §8 "on peer join"
    this.#unsubscribe = options.community.onEvent((event) => {
      if (!event.event_type.startsWith("community.")) return;
      for (const peer of this.#known.values()) peer.syncedAt = null;
      this.#schedule(0);
    });
    this.#schedule(0);
  }

  list(): PeerRow[] {
    const now = this.#o.clock.monotonic();
    return [...this.#known.values()].map((peer) => {
      const session = this.#o.link.sessionWith?.(peer.node_id);
      return {
        node_id: peer.node_id,
        display_name: peer.display_name,
        level: this.#o.community.levelOf(peer.node_id),
        endpoints: peer.endpoints,
        online: isOnline(peer, now),
        last_seen: peer.last_seen,
        capabilities: peer.capabilities,
        ...(session === undefined ? {} : { session }),
      };
    });
  }

  async add(endpoint: Endpoint, expected?: NodeId): Promise<PeerRow> {
    // A mistyped id is told at once, not after an address was waited for.
    if (expected !== undefined) parseNodeId(expected);
    const manifest = await this.#o.link.fetchManifest(endpoint, expected);
    if (manifest.node_id === this.#o.nodeId)
      throw new HnError("bad_request", { message: "This is the address of this node itself." });
    this.#seen(manifest, { manual: true, endpoint });
    return this.list().find((peer) => peer.node_id === manifest.node_id) as PeerRow;
  }

  remove(node: NodeId): void {
    if (!this.#known.has(node)) throw new HnError("not_found", { message: "No node with this id is remembered." });
    this.#forget(node);
    this.#changed();
  }

  /** One round at a time. Asking again during one brings another after it: what has changed since it began must not wait. */
  refresh(): Promise<void> {
    if (this.#next !== null) return this.#next;
    if (this.#round === null) return this.#begin();
    this.#next = this.#round.catch(() => undefined).then(() => this.#begin());
    return this.#next;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#timer?.cancel();
    this.#book.close();
  }

  #begin(): Promise<void> {
    this.#next = null;
    this.#round = this.#refreshAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  async #refreshAll(): Promise<void> {
    if (this.#closed) return;
    const places = this.#readMembers();
    const now = this.#o.clock.monotonic();
    const waiting = [...this.#known.values()].filter((peer) => peer.restsUntilAt <= now);
    const probe = async (): Promise<void> => {
      for (let peer = waiting.pop(); peer; peer = waiting.pop())
        await this.#refreshOne(peer, placesOf(peer, places.get(peer.node_id) ?? []));
    };
    await Promise.all(Array.from({ length: Math.min(PROBES_MAX, waiting.length) }, probe));
    this.#prune();
  }

  /** Takes new members in and lets former ones go. @returns where each member's own join says it is */
  #readMembers(): Map<NodeId, Endpoint[]> {
    const places = new Map<NodeId, Endpoint[]>();
    for (const member of this.#o.community.members()) {
      if (member.node_id === this.#o.nodeId) continue;
      places.set(member.node_id, member.endpoints);
      if (!this.#known.has(member.node_id) && member.endpoints.length > 0)
        this.#known.set(member.node_id, { ...newPeer(member.node_id), display_name: member.display_name });
    }
    const former = [...this.#known.values()].filter((peer) => !peer.manual && !places.has(peer.node_id));
    for (const { node_id } of former) this.#forget(node_id);
    if (former.length > 0) this.#changed();
    return places;
  }

  async #refreshOne(peer: KnownPeer, places: Endpoint[]): Promise<void> {
    for (const endpoint of places) {
      try {
        const manifest = await this.#o.link.fetchManifest(endpoint, peer.node_id);
        if (this.#closed || !this.#known.has(peer.node_id)) return;
        this.#seen(manifest, { manual: peer.manual, endpoint });
        await this.#sync(peer.node_id);
        return;
      } catch (error) {
        this.#complain("peer not reached", peer.node_id, error);
      }
    }
    restAfterFailure(peer, this.#o.clock.monotonic());
  }

  #seen(manifest: NodeManifest, o: { manual: boolean; endpoint: Endpoint }): void {
    const { clock, bus, community } = this.#o;
    const former = this.#known.get(manifest.node_id) ?? newPeer(manifest.node_id);
    const peer = Object.assign(former, {
      display_name: manifest.display_name,
      endpoints: endpointsFrom(manifest, o.endpoint),
      manual: former.manual || o.manual,
      last_seen: clock.now(),
      verifiedAt: clock.monotonic(),
      capabilities: manifest.capabilities.map((c) => `${c.name}@${c.version}`),
      failures: 0,
      restsUntilAt: 0,
    });
    this.#known.set(peer.node_id, peer);
    this.#book.keep(peer);
    // Strangers are kept for the operator to see but never routed to. @source 01 §5 step 7
    const isMember = manifest.community_id === community.communityId() && community.standing(peer.node_id).kind === "member";
    if (isMember) bus.peerSeen({ ...manifest, endpoints: peer.endpoints });
    else bus.peerGone(peer.node_id);
    this.#changed();
  }

  async #sync(node: NodeId): Promise<void> {
    const { community, clock, link } = this.#o;
    const peer = this.#known.get(node);
    if (!peer || community.communityId() === null || community.standing(node).kind !== "member") return;
    const startedAt = clock.monotonic();
    if (peer.syncedAt !== null && startedAt - peer.syncedAt < SYNC_INTERVAL_MS) return;
    // Before it has begun: what happens meanwhile asks for another one.
    peer.syncedAt = startedAt;
    try {
      await community.syncWith({ node_id: node, endpoints: peer.endpoints }, link);
    } catch (error) {
      peer.syncedAt = null;
      this.#complain("logs not exchanged", node, error);
    }
  }

  #prune(): void {
    if (this.#closed) return;
    const now = this.#o.clock.monotonic();
    for (const peer of this.#known.values()) {
      if (!isToBeDropped(peer, now)) continue;
      peer.verifiedAt = null;
      peer.capabilities = [];
      this.#o.bus.peerGone(peer.node_id);
      this.#changed();
    }
  }

  #forget(node: NodeId): void {
    this.#known.delete(node);
    this.#book.forget(node);
    this.#o.bus.peerGone(node);
  }

  #complain(what: string, peer: NodeId, error: unknown): void {
    const { code, reason } = HnError.from(error);
    this.#o.log.debug(what, { peer, code, reason });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    this.#timer = this.#o.clock.setTimeout(() => {
      this.#schedule(ROUND_MS);
      this.refresh().catch((error: unknown) => this.#o.log.warn("peer round failed", { error }));
    }, delayMs);
  }
}

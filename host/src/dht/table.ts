/** Whom this node knows, near ones better than far ones. @source 06 §1, H-3, network §3 */
import KBucket from "k-bucket";
import type { Clock, NodeId } from "../contract/index.ts";
import { subnetOf, type Peer } from "./contact.ts";
import { bucketOf, compareDistance, idOf } from "./distance.ts";

export const BUCKET_SIZE = 20;
const PER_SUBNET_AND_BUCKET = 2;
const PER_SUBNET = 10;
const FAILURES_MAX = 3;
/** A full bucket asks its oldest no oftener: in a lookup every answer comes from somebody who finds no room, and each would cost a question more. */
const ASK_OLDEST_MS = 60_000;

interface Entry extends Peer {
  failures: number;
  /** Of the library; not used. */
  vectorClock: number;
  /** Weighted mean of its round trips, milliseconds; 0 while unknown. */
  rttMs: number;
}

export interface TableOptions {
  self: NodeId;
  clock: Clock;
  /** Asks the contact that was quiet for longest whether it is still there. */
  ping: (peer: Peer) => Promise<boolean>;
  /** Addresses of one household or test net, which crowd one subnet by nature. */
  mayCrowd: boolean;
}

export class RoutingTable {
  /** Where this node stands. */
  readonly self: Uint8Array;
  readonly #options: TableOptions;
  readonly #tree: KBucket<Entry>;
  readonly #subnets = new Map<string, number>();
  /** By bucket: those that found no room, newest last. */
  readonly #waiting = new Map<number, Map<NodeId, Peer>>();
  /** By bucket: when one of its ids was last looked for, monotonic milliseconds. */
  readonly #used = new Map<number, number>();
  readonly #pinging = new Set<NodeId>();
  /** By bucket: when its oldest was asked, monotonic milliseconds. */
  readonly #askedOldest = new Map<number, number>();
  readonly #sizes = new Map<number, number>();

  constructor(options: TableOptions) {
    this.#options = options;
    this.self = idOf(options.self);
    this.#tree = new KBucket<Entry>({
      localNodeId: this.self,
      numberOfNodesPerKBucket: BUCKET_SIZE,
      numberOfNodesToPing: 1,
      arbiter: (_, candidate) => candidate,
    });
    this.#tree.on("ping", (oldest: Entry[], newcomer: Entry) => this.#full(oldest[0], newcomer));
    this.#tree.on("added", (entry: Entry) => this.#count(entry, 1));
    this.#tree.on("removed", (entry: Entry) => this.#count(entry, -1));
  }

  get size(): number {
    return this.#tree.count();
  }

  knows(nodeId: NodeId): boolean {
    return this.#tree.get(idOf(nodeId)) !== null;
  }

  /** Whether there is room for it, or may be. */
  wants(nodeId: NodeId): boolean {
    const bucket = bucketOf(this.self, idOf(nodeId));
    return (this.#sizes.get(bucket) ?? 0) < BUCKET_SIZE || this.#asksOldest(bucket);
  }

  /** A signed answer came from this contact at this address: only that brings one in. */
  heard(peer: Peer, rttMs: number): void {
    if (peer.nodeId === this.#options.self) return;
    const known = this.#tree.get(peer.id);
    const moved = known !== null && known.endpoint.host !== peer.endpoint.host;
    if ((known === null || moved) && !this.#hasRoom(peer)) {
      if (moved) this.#tree.remove(peer.id);
      return this.#wait(peer);
    }
    if (moved) this.#tree.remove(peer.id);
    const before = known?.rttMs ?? 0;
    this.#tree.add({ ...peer, failures: 0, vectorClock: 0, rttMs: before === 0 ? rttMs : Math.round((before * 3 + rttMs) / 4) });
  }

  /** It did not answer, or not truthfully; after three times in a row another takes its place. */
  failed(nodeId: NodeId): void {
    const entry = this.#tree.get(idOf(nodeId));
    if (entry === null) return;
    entry.failures += 1;
    if (entry.failures < FAILURES_MAX) return;
    this.#tree.remove(entry.id);
    this.#promote(bucketOf(this.self, entry.id));
  }

  /** Nearest first. */
  closest(target: Uint8Array, count: number): Peer[] {
    return this.#tree.closest(target, count).toSorted((a, b) => compareDistance(target, a.id, b.id));
  }

  /** Time to wait for this contact: three times its usual, 300 ms to 3 s. */
  patienceMs(nodeId: NodeId): number {
    const rttMs = this.#tree.get(idOf(nodeId))?.rttMs ?? 0;
    return rttMs === 0 ? 3000 : Math.min(3000, Math.max(300, rttMs * 3));
  }

  /** Somebody was looked for there. */
  used(target: Uint8Array): void {
    this.#used.set(bucketOf(this.self, target), this.#options.clock.monotonic());
  }

  /** Buckets, from the nearest one that holds somebody outwards, where nobody was looked for since. */
  unused(since: number): number[] {
    const held = this.#tree.toArray().map(({ id }) => bucketOf(this.self, id));
    const nearest = Math.min(...held);
    const all = Array.from({ length: Number.isFinite(nearest) ? 256 - nearest : 0 }, (_, index) => nearest + index);
    return all.filter((bucket) => (this.#used.get(bucket) ?? -Infinity) < since);
  }

  all(): Peer[] {
    return this.#tree.toArray();
  }

  #hasRoom(peer: Peer): boolean {
    if (this.#options.mayCrowd) return true;
    const subnet = subnetOf(peer.endpoint.host);
    const inBucket = this.#subnets.get(`${bucketOf(this.self, peer.id)} ${subnet}`) ?? 0;
    return inBucket < PER_SUBNET_AND_BUCKET && (this.#subnets.get(subnet) ?? 0) < PER_SUBNET;
  }

  /** Who is long there and still answers stays: new ones cannot push a table's contacts out. */
  #full(oldest: Entry | undefined, newcomer: Entry): void {
    this.#wait(newcomer);
    const bucket = bucketOf(this.self, newcomer.id);
    if (oldest === undefined || this.#pinging.has(oldest.nodeId) || !this.#asksOldest(bucket)) return;
    this.#askedOldest.set(bucket, this.#options.clock.monotonic());
    this.#pinging.add(oldest.nodeId);
    void this.#options
      .ping(oldest)
      .then((alive) => {
        if (alive || this.#tree.get(oldest.id) !== oldest) return;
        this.#tree.remove(oldest.id);
        this.#promote(bucketOf(this.self, oldest.id));
      })
      .finally(() => this.#pinging.delete(oldest.nodeId));
  }

  #asksOldest(bucket: number): boolean {
    return this.#options.clock.monotonic() - (this.#askedOldest.get(bucket) ?? -Infinity) >= ASK_OLDEST_MS;
  }

  #wait(peer: Peer): void {
    const bucket = bucketOf(this.self, peer.id);
    const waiting = this.#waiting.get(bucket) ?? new Map<NodeId, Peer>();
    this.#waiting.set(bucket, waiting);
    waiting.delete(peer.nodeId);
    waiting.set(peer.nodeId, peer);
    const [first] = waiting.keys();
    if (waiting.size > BUCKET_SIZE && first !== undefined) waiting.delete(first);
  }

  /** The newest of those that found no room answers a ping first, and enters by its answer. */
  #promote(bucket: number): void {
    const waiting = this.#waiting.get(bucket);
    const next = [...(waiting?.values() ?? [])].at(-1);
    if (next === undefined) return;
    waiting?.delete(next.nodeId);
    void this.#options.ping(next);
  }

  #count(entry: Entry, by: 1 | -1): void {
    const bucket = bucketOf(this.self, entry.id);
    this.#sizes.set(bucket, (this.#sizes.get(bucket) ?? 0) + by);
    const subnet = subnetOf(entry.endpoint.host);
    for (const key of [subnet, `${bucket} ${subnet}`]) {
      const count = (this.#subnets.get(key) ?? 0) + by;
      if (count > 0) this.#subnets.set(key, count);
      else this.#subnets.delete(key);
    }
  }
}

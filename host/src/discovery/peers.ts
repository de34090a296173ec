import {
  CONSTANTS,
  type Bus,
  type Clock,
  type Community,
  type Endpoint,
  type Log,
  type NodeId,
  type NodeManifest,
  type PeerExplanation,
  type PeerHint,
  type PeerLink,
  type PeerRow,
  type Peers,
  type PeerSource,
  type Random,
  type Timer,
} from "../contract/index.ts";
import { firstOf, HnError } from "../foundation/index.ts";
import { parseNodeId } from "../identity/index.ts";
import { AddressBook } from "./address-book.ts";
import type { Address } from "./table/dial-order.ts";
import { HintGate } from "./table/hint-gate.ts";
import { placeOf } from "./table/place.ts";
import { ProbeQueue } from "./table/probe-queue.ts";
import { addAddress, isManual, type Row } from "./table/row.ts";
import { Sightings } from "./table/sightings.ts";
import { endpointOf, Table } from "./table/table.ts";

export interface PeersOptions {
  /** SQLite file. */
  path: string;
  nodeId: NodeId;
  clock: Clock;
  random: Random;
  log: Log;
  link: PeerLink;
  bus: Pick<Bus, "peerSeen" | "peerGone">;
  community: Pick<Community, "standing" | "members" | "syncWith" | "communityId" | "onEvent" | "levelOf">;
  /** This machine's networks, e.g. `192.0.2.7/24`; near addresses are dialled first. */
  networks: () => readonly string[];
  /** No internet: who has gone is let go of sooner. */
  emergency?: () => boolean;
}

const ROUND_MS = CONSTANTS.MANIFEST_REPUBLISH_INTERVAL_SECONDS * 1000;
const SWEEP_MS = 5000;
/** Quiet time between two log exchanges with one peer. @source 04 §8 */
const SYNC_INTERVAL_MS = 300_000;
/** So long a round, and with it the news of all others, waits for one exchange; a long log, or a slow peer, goes on beside it. */
const SYNC_PATIENCE_MS = 5000;
/** Peers asked at the same time. @source network.md §4 */
const PROBES_MAX = 64;
/** Between the starts of two dials to one node. @source network.md §4 */
const STAGGER_MS = 150;
/** Whoever has proven itself at a place this lately need not do it again because of a whisper. */
const STRANGER_FRESH_MS = 10_000;
const GOODBYES_MAX = 256;

/**
 * The one table of known nodes, kept fresh: members from the log, addresses typed by the operator, and whatever was whispered and has proven
 * itself since.
 * @source network.md §4, 01 §5 "Republish", 00 §4.1 peer prune
 */
export function openPeers(options: PeersOptions): Peers & { close(): void } {
  return new KnownPeers(options);
}

class KnownPeers implements Peers {
  readonly #o: PeersOptions;
  readonly #book: AddressBook;
  readonly #table: Table;
  readonly #gate: HintGate;
  readonly #queue: ProbeQueue;
  readonly #sightings: Sightings = new Sightings();
  readonly #goodbyes: Map<string, PeerHint> = new Map();
  readonly #listeners: Set<() => void> = new Set();
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;
  #sweep: Timer | null = null;
  #round: Promise<void> | null = null;
  /** The round after the one under way, when somebody has asked for it. */
  #next: Promise<void> | null = null;
  readonly #closed: AbortController = new AbortController();

  constructor(options: PeersOptions) {
    this.#o = options;
    const { path, clock, random, community, networks, emergency = () => false } = options;
    this.#book = new AddressBook(path);
    this.#table = new Table({ clock, community, networks, emergency });
    this.#gate = new HintGate({ clock, random });
    this.#queue = new ProbeQueue(clock);
    for (const kept of this.#book.all()) this.#table.remember(kept);
    // Who joined, left or rose is news to everybody: the next exchange with each does not wait for its turn. @source 04 §8 "on peer join"
    this.#unsubscribe = community.onEvent((event) => {
      if (!event.event_type.startsWith("community.")) return;
      for (const peer of this.#table.all()) peer.syncedAt = null;
      this.#schedule(0);
    });
    this.#schedule(0);
    this.#sweepLater();
  }

  list(): PeerRow[] {
    return this.#table.all().map((row) => {
      const session = this.#o.link.sessionWith?.(row.nodeId);
      return { ...this.#table.row(row), ...(session === undefined ? {} : { session }) };
    });
  }

  explain(node: NodeId): PeerExplanation {
    const row = this.#table.get(node);
    if (row === undefined) throw notRemembered();
    return this.#table.explain(row);
  }

  async add(endpoint: Endpoint, expected?: NodeId): Promise<PeerRow> {
    // A mistyped id is told at once, not after an address was waited for.
    if (expected !== undefined) parseNodeId(expected);
    const from = this.#o.clock.monotonic();
    const manifest = await this.#o.link.fetchManifest(endpoint, expected);
    if (manifest.node_id === this.#o.nodeId)
      throw new HnError("bad_request", { message: "This is the address of this node itself." });
    return this.#table.row(this.#proven(manifest, { at: endpoint, source: "manual", from }));
  }

  remove(node: NodeId): void {
    if (this.#table.get(node) === undefined) throw notRemembered();
    this.#forget(node);
    this.#changed();
  }

  hint(hint: PeerHint): void {
    if (this.#isClosed || !this.#gate.admits(hint.source)) return;
    const place = placeOf(hint);
    const { source, ttlMs, detail } = hint;
    const at = this.#o.clock.monotonic();
    if (ttlMs <= 0) this.#sightings.forget(place, source);
    else this.#sightings.note(place, { source, at, expires: at + ttlMs, detail });
    if (source === "invite") this.#expect(hint);
    if (this.#isSettled(place, hint)) return;
    const waits = this.#queue.offer(hint);
    // A goodbye is said once: where somebody has been asked a moment ago it is looked into at the next turn.
    if (!waits && ttlMs <= 0 && this.#goodbyes.size < GOODBYES_MAX) this.#goodbyes.set(place, hint);
    this.#pump();
  }

  heard(node: NodeId): void {
    if (!this.#isClosed) this.#table.heard(node);
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
    this.#closed.abort();
    this.#unsubscribe();
    this.#timer?.cancel();
    this.#sweep?.cancel();
    this.#book.close();
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  /** Who invited this node stands in the log by now: that it is sought there does not depend on one answer. */
  #expect({ nodeId, host, port, source }: PeerHint): void {
    this.#readMembers();
    const row = nodeId === undefined ? undefined : this.#table.get(nodeId);
    if (row?.verifiedAt === null) addAddress(row, { transport: "https", host, port }, { source, expires: Infinity });
  }

  /** Nothing could be learnt by asking there now. */
  #isSettled(place: string, { ttlMs, nodeId }: PeerHint): boolean {
    if (ttlMs <= 0) return this.#table.provenAt(place, Infinity) === undefined;
    const row = this.#table.provenAt(place, ROUND_MS);
    if (row?.verifiedAt === undefined || row.verifiedAt === null) return false;
    if (nodeId !== undefined && nodeId !== row.nodeId) return false;
    const isRegular = isManual(row) || this.#o.community.standing(row.nodeId).kind === "member";
    return isRegular || this.#o.clock.monotonic() - row.verifiedAt < STRANGER_FRESH_MS;
  }

  #pump(): void {
    for (let hint = this.#queue.take(); hint !== undefined; hint = this.#queue.take()) {
      const taken = hint;
      void this.#probe(taken).finally(() => {
        this.#queue.done(taken);
        this.#pump();
      });
    }
  }

  async #probe(hint: PeerHint): Promise<void> {
    const { host, port, source, nodeId, admits, ttlMs } = hint;
    const at: Endpoint = { transport: "https", host, port };
    const from = this.#o.clock.monotonic();
    try {
      const signal = this.#closed.signal;
      const manifest = await this.#o.link.fetchManifest(at, nodeId, { signal, ...(admits === undefined ? {} : { admits }) });
      if (this.#isClosed || manifest.node_id === this.#o.nodeId) return;
      const row = this.#proven(manifest, { at, source, from, ...(admits === undefined ? {} : { admits }) });
      await this.#syncPatiently(row.nodeId);
    } catch (error) {
      if (this.#isClosed) return;
      this.#complain("nobody at that address", `${host}:${port}`, error);
      if (ttlMs > 0) return;
      // It has said goodbye, and really is gone.
      this.#table.vacated(placeOf(hint));
      this.#expire();
    }
  }

  #begin(): Promise<void> {
    this.#next = null;
    this.#round = this.#refreshAll().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  async #refreshAll(): Promise<void> {
    if (this.#isClosed) return;
    this.#readMembers();
    const waiting = this.#table.regulars();
    const probe = async (): Promise<void> => {
      for (let peer = waiting.pop(); peer; peer = waiting.pop()) await this.#refreshOne(peer);
    };
    await Promise.all(Array.from({ length: Math.min(PROBES_MAX, waiting.length) }, probe));
    this.#expire();
  }

  /** Takes new members in and lets former ones go. */
  #readMembers(): void {
    const members = this.#o.community.members().filter(({ node_id }) => node_id !== this.#o.nodeId);
    const { former, gone } = this.#table.members(members);
    for (const node of former) this.#o.bus.peerGone(node);
    for (const node of gone) this.#forget(node);
    if (former.length > 0) this.#changed();
  }

  async #refreshOne(row: Row): Promise<void> {
    const { clock, link } = this.#o;
    const attempt = async (
      address: Address,
      signal: AbortSignal,
    ): Promise<{ manifest: NodeManifest; at: Endpoint; from: number }> => {
      const [at, from] = [endpointOf(address), clock.monotonic()];
      try {
        const guard = address.admits === undefined ? {} : { admits: address.admits };
        return { manifest: await link.fetchManifest(at, row.nodeId, { signal, ...guard }), at, from };
      } catch (error) {
        if (!signal.aborted) {
          address.failures += 1;
          this.#complain("peer not reached", row.nodeId, error);
        }
        throw error;
      }
    };
    try {
      const { way, result } = await firstOf(this.#table.inOrder(row), {
        clock,
        staggerMs: STAGGER_MS,
        signal: this.#closed.signal,
        attempt,
      });
      if (this.#isClosed || this.#table.get(row.nodeId) !== row) return;
      this.#proven(result.manifest, { at: result.at, source: way.source === "manual" ? "log" : way.source, from: result.from });
      await this.#syncPatiently(row.nodeId);
    } catch {
      if (!this.#isClosed) this.#table.silent(row);
    }
  }

  #proven(
    manifest: NodeManifest,
    o: { at: Endpoint; source: PeerSource; from: number; admits?: (address: string) => boolean },
  ): Row {
    const { clock, bus, community } = this.#o;
    const { at, source } = o;
    const now = clock.monotonic();
    const sightings = this.#sightings.at(placeOf(at), now);
    const row = this.#table.proven({ manifest, at, source, rttMs: Math.round(now - o.from), sightings });
    if (source === "manual" || source === "invite") this.#table.typed(row, at, source);
    if (o.admits !== undefined) for (const one of row.addresses) if (placeOf(one) === placeOf(at)) one.admits = o.admits;
    const { kind } = community.standing(row.nodeId);
    if (kind === "member" || isManual(row))
      this.#book.keep({
        node_id: row.nodeId,
        display_name: row.displayName,
        endpoints: this.#table.inOrder(row).map((address) => ({ ...endpointOf(address), source: address.source })),
        manual: isManual(row),
        last_seen: row.lastSeen,
      });
    // Strangers are kept for the operator to see but never routed to. @source 01 §5 step 7
    const isMember = manifest.community_id === community.communityId() && kind === "member";
    if (isMember) bus.peerSeen({ ...manifest, endpoints: this.#table.row(row).endpoints });
    else bus.peerGone(row.nodeId);
    this.#changed();
    return row;
  }

  async #syncPatiently(node: NodeId): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#o.clock.setTimeout(resolve, SYNC_PATIENCE_MS);
    await Promise.race([this.#sync(node), promise]);
    timer.cancel();
  }

  async #sync(node: NodeId): Promise<void> {
    const { community, clock, link } = this.#o;
    const peer = this.#table.get(node);
    if (!peer || community.communityId() === null || community.standing(node).kind !== "member") return;
    const startedAt = clock.monotonic();
    if (peer.syncedAt !== null && startedAt - peer.syncedAt < SYNC_INTERVAL_MS) return;
    // Before it has begun: what happens meanwhile asks for another one.
    peer.syncedAt = startedAt;
    try {
      await community.syncWith({ node_id: node, endpoints: this.#table.row(peer).endpoints }, link);
    } catch (error) {
      peer.syncedAt = null;
      this.#complain("logs not exchanged", node, error);
    }
  }

  #expire(): void {
    if (this.#isClosed) return;
    const { gone, stale } = this.#table.expire();
    for (const node of stale) this.#o.bus.peerGone(node);
    for (const node of gone) this.#forget(node);
    if (gone.length + stale.length > 0) this.#changed();
  }

  #forget(node: NodeId): void {
    this.#table.forget(node);
    this.#book.forget(node);
    this.#o.bus.peerGone(node);
  }

  #complain(what: string, peer: string, error: unknown): void {
    const { code, reason } = HnError.from(error);
    this.#o.log.debug(what, { peer, code, reason });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = this.#o.clock.setTimeout(() => {
      this.#schedule(ROUND_MS);
      this.refresh().catch((error: unknown) => this.#o.log.warn("peer round failed", { error }));
    }, delayMs);
  }

  /** What has run out leaves in time, and what had to wait for its turn gets it. */
  #sweepLater(): void {
    this.#sweep = this.#o.clock.setTimeout(() => {
      this.#expire();
      // Who was asked a moment ago is not asked again yet, and the goodbye waits on.
      for (const [place, hint] of this.#goodbyes) if (this.#queue.offer(hint)) this.#goodbyes.delete(place);
      this.#pump();
      if (!this.#isClosed) this.#sweepLater();
    }, SWEEP_MS);
  }
}

function notRemembered(): HnError {
  return new HnError("not_found", { message: "No node with this id is remembered." });
}

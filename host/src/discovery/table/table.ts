/**
 * The one table of known nodes: pure bookkeeping, without a socket. Only a verified manifest, our own log and the operator put a row in; a
 * whisper never creates, changes or evicts one.
 * @source network.md §4
 */
import {
  CONSTANTS,
  type Clock,
  type Community,
  type Endpoint,
  type Member,
  type NodeId,
  type NodeManifest,
  type PeerExplanation,
  type PeerRow,
  type PeerSource,
} from "../../contract/index.ts";
import type { Remembered } from "../address-book.ts";
import { dialOrder, reachOf, type Address } from "./dial-order.ts";
import { placeOf } from "./place.ts";
import {
  addAddress,
  addEvidence,
  FRESH_MS,
  isManual,
  isOnline,
  newRow,
  restAfterFailure,
  stateOf,
  takeBack,
  trimAddresses,
  type Evidence,
  type Row,
} from "./row.ts";

/** Proven nodes of other communities that are kept; beyond, the one that ends first makes room. */
export const STRANGERS_MAX = 256;
const PRUNE_MS = CONSTANTS.PEER_PRUNE_SECONDS * 1000;
const EMERGENCY_PRUNE_MS = 30_000;
/** What a signed word of a node is worth. @source network.md §4 "Inbound" */
const HEARD_MS = 90_000;

export interface TableOptions {
  clock: Clock;
  community: Pick<Community, "standing" | "communityId" | "levelOf">;
  networks: () => readonly string[];
  /** Neighbours without internet: who has gone is let go of sooner. @source 00 §4.1 */
  emergency: () => boolean;
}

/** A node that has proven itself at a place. */
export interface Proof {
  manifest: NodeManifest;
  at: Endpoint;
  source: PeerSource;
  rttMs: number;
  /** Of this place. */
  sightings: readonly Evidence[];
}

export class Table {
  readonly #o: TableOptions;
  readonly #rows: Map<NodeId, Row> = new Map();

  constructor(options: TableOptions) {
    this.#o = options;
  }

  get(node: NodeId): Row | undefined {
    return this.#rows.get(node);
  }

  all(): Row[] {
    return [...this.#rows.values()];
  }

  /** Who proved itself at this place within `withinMs`. */
  provenAt(place: string, withinMs: number): Row | undefined {
    const since = this.#o.clock.monotonic() - withinMs;
    return this.all().find((row) =>
      row.addresses.some((one) => placeOf(one) === place && one.lastOk !== null && one.lastOk >= since),
    );
  }

  /** From the last run; it must prove itself again. */
  remember(kept: Remembered): void {
    const row = newRow(kept.node_id);
    row.displayName = kept.display_name;
    row.lastSeen = kept.last_seen;
    for (const { source, ...endpoint } of kept.endpoints)
      addAddress(row, endpoint, { source: source ?? "log", expires: Infinity });
    addEvidence(row, this.#evidence(kept.manual ? "manual" : "log", Infinity, "kept from the last run"));
    this.#rows.set(row.nodeId, row);
  }

  /** What our own log says: who belongs here, and where each one's own join says it is. @returns who belongs here no longer, and who of them left the table */
  members(members: readonly Member[]): { former: NodeId[]; gone: NodeId[] } {
    const present = new Set(members.map(({ node_id }) => node_id));
    for (const { node_id, display_name, endpoints, added_at } of members) {
      const row = this.#rows.get(node_id) ?? newRow(node_id);
      this.#rows.set(node_id, row);
      if (row.displayName === "") row.displayName = display_name;
      for (const endpoint of endpoints) addAddress(row, endpoint, { source: "log", expires: Infinity });
      trimAddresses(row, this.#o.clock.monotonic());
      if (!row.evidence.has("log ")) addEvidence(row, this.#evidence("log", Infinity, `member since ${added_at}`));
    }
    const former = this.all().filter((row) => !present.has(row.nodeId) && row.evidence.has("log "));
    for (const row of former) for (const source of ["log", "invite"] as const) takeBack(row, source);
    return { former: former.map(({ nodeId }) => nodeId), gone: this.#clear(former) };
  }

  /** @returns the row, which is there now whatever was before */
  proven({ manifest, at, source, rttMs, sightings }: Proof): Row {
    const { clock, community } = this.#o;
    const now = clock.monotonic();
    const row = this.#rows.get(manifest.node_id) ?? newRow(manifest.node_id);
    this.#rows.set(row.nodeId, row);
    const { kind } = community.standing(row.nodeId);
    const isMember = kind === "member" && manifest.community_id === community.communityId();
    Object.assign(row, {
      displayName: manifest.display_name,
      communityId: manifest.community_id,
      capabilities: manifest.capabilities.map(({ name, version }) => `${name}@${version}`),
      verifiedAt: now,
      lastSeen: clock.now(),
      failures: 0,
      restsUntil: 0,
    });
    const place = placeOf(at);
    const until = now + FRESH_MS + this.#pruneMs();
    const named = manifest.endpoints.find((endpoint) => placeOf(endpoint) === place);
    // Places of the last run have done their duty; the log's own come back with the next look at the members.
    row.addresses = row.addresses.filter((one) => placeOf(one) === place || one.source !== "log");
    const working = addAddress(row, named ?? at, { source, expires: until });
    Object.assign(working, { lastOk: now, rttMs, failures: 0 });
    row.addresses = [working, ...row.addresses.filter((one) => one !== working)];
    // A stranger is not allowed to choose whom we dial.
    if (isMember || isManual(row) || source === "manual")
      for (const endpoint of manifest.endpoints) addAddress(row, endpoint, { source, expires: until });
    trimAddresses(row, now);
    if (kind === "member" && !row.evidence.has("log "))
      addEvidence(row, this.#evidence("log", Infinity, "member of this community"));
    for (const sighting of sightings) addEvidence(row, sighting, place);
    if (row.evidence.size === 0) addEvidence(row, this.#evidence(source, until, `answered at ${at.host}:${at.port}`), place);
    this.#limitStrangers();
    return row;
  }

  /** By the operator, or by whoever invited this node: that has no end. */
  typed(row: Row, at: Endpoint, source: "manual" | "invite"): void {
    addAddress(row, at, { source, expires: Infinity });
    addEvidence(row, this.#evidence(source, Infinity, `${at.host}:${at.port}`));
  }

  /** It did not answer at any of its places. */
  silent(row: Row): void {
    const member = this.#o.community.standing(row.nodeId).kind === "member";
    restAfterFailure(row, { now: this.#o.clock.monotonic(), member });
  }

  /** Whom this node asks every 20 s by itself; strangers are asked when something is heard of them. */
  regulars(): Row[] {
    const now = this.#o.clock.monotonic();
    return this.all().filter(
      (row) =>
        row.restsUntil <= now &&
        row.addresses.length > 0 &&
        (isManual(row) || this.#o.community.standing(row.nodeId).kind === "member"),
    );
  }

  inOrder(row: Row): Address[] {
    return dialOrder(row.addresses, this.#o.networks());
  }

  /** A signed word of it has arrived: it lives, and is worth looking for. @returns whether we know it */
  heard(node: NodeId): boolean {
    const row = this.#rows.get(node);
    if (row === undefined) return false;
    addEvidence(row, this.#evidence("inbound", this.#o.clock.monotonic() + HEARD_MS, "its own signed request"));
    return true;
  }

  /** Nobody answers at a place any more that somebody was said to be at: those words are worth nothing from now on. */
  vacated(place: string): void {
    for (const row of this.#rows.values()) for (const source of ["mdns", "udp"] as const) takeBack(row, source, place);
  }

  forget(node: NodeId): void {
    this.#rows.delete(node);
  }

  /** @returns `gone`: rows that left; `stale`: rows that stay and are not routed to any more */
  expire(): { gone: NodeId[]; stale: NodeId[] } {
    const now = this.#o.clock.monotonic();
    const stale: NodeId[] = [];
    for (const row of this.#rows.values()) {
      for (const [key, { expires }] of row.evidence) if (expires <= now) row.evidence.delete(key);
      row.addresses = row.addresses.filter(({ expires }) => expires > now);
      if (row.verifiedAt === null || now - row.verifiedAt < FRESH_MS + this.#pruneMs()) continue;
      row.verifiedAt = null;
      row.capabilities = [];
      stale.push(row.nodeId);
    }
    return { stale, gone: this.#clear(this.all()) };
  }

  row(row: Row): PeerRow {
    const { clock, community } = this.#o;
    const now = clock.monotonic();
    const { kind } = community.standing(row.nodeId);
    const last = row.addresses.reduce<Address | null>((a, b) => ((b.lastOk ?? -1) > (a?.lastOk ?? -1) ? b : a), null);
    return {
      node_id: row.nodeId,
      display_name: row.displayName,
      level: community.levelOf(row.nodeId),
      state: stateOf(row, { now, standing: kind, ours: community.communityId() }),
      endpoints: this.inOrder(row).map(endpointOf),
      online: isOnline(row, now),
      last_seen: row.lastSeen,
      rtt_ms: last?.rttMs ?? null,
      sources: [...new Set([...row.evidence.values()].map(({ source }) => source))],
      capabilities: row.capabilities,
    };
  }

  explain(row: Row): PeerExplanation {
    const { clock, networks } = this.#o;
    const wall = (monotonic: number): number => Math.round(clock.now() + monotonic - clock.monotonic());
    const nets = networks();
    return {
      ...this.row(row),
      addresses: dialOrder(row.addresses, nets).map((address) => ({
        host: address.host,
        port: address.port,
        source: address.source,
        reach: reachOf(address, nets),
        last_ok: address.lastOk === null ? 0 : wall(address.lastOk),
        rtt_ms: address.rttMs,
        failures: address.failures,
      })),
      evidence: [...row.evidence.values()].map(({ source, at, expires, detail }) => ({
        source,
        at: wall(at),
        expires: expires === Infinity ? null : wall(expires),
        detail,
      })),
      fresh_until: row.verifiedAt === null ? null : wall(row.verifiedAt + FRESH_MS),
      rests_until: row.restsUntil <= clock.monotonic() ? null : wall(row.restsUntil),
    };
  }

  #pruneMs(): number {
    return this.#o.emergency() ? EMERGENCY_PRUNE_MS : PRUNE_MS;
  }

  #evidence(source: PeerSource, expires: number, detail: string): Evidence {
    return { source, at: this.#o.clock.monotonic(), expires, detail };
  }

  /** Rows that nothing speaks for leave. */
  #clear(rows: readonly Row[]): NodeId[] {
    const gone = rows.filter(({ evidence }) => evidence.size === 0).map(({ nodeId }) => nodeId);
    for (const node of gone) this.#rows.delete(node);
    return gone;
  }

  #limitStrangers(): void {
    const { community } = this.#o;
    const strangers = this.all().filter((row) => community.standing(row.nodeId).kind !== "member" && !isManual(row));
    if (strangers.length <= STRANGERS_MAX) return;
    const end = (row: Row): number => Math.max(...[...row.evidence.values()].map(({ expires }) => expires));
    const [first] = strangers.toSorted((a, b) => end(a) - end(b));
    if (first !== undefined) this.#rows.delete(first.nodeId);
  }
}

export function endpointOf({ host, port, tls_spki_sha256 }: Address): Endpoint {
  return { transport: "https", host, port, ...(tls_spki_sha256 === undefined ? {} : { tls_spki_sha256 }) };
}

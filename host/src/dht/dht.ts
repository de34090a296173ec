/**
 * A cache of hints over the internet: who is where, who holds what. Optional, and nothing read from it is authoritative. The same file runs in
 * production and in the simulator: all it knows of the world is its ports.
 * @source 06, network §3
 */
import type {
  Clock,
  DhtContact,
  DhtEndpoint,
  DhtKind,
  DhtPayload,
  DhtRpc,
  DhtStatus,
  DhtValue,
  JsonObject,
  JsonValue,
  Log,
  NodeId,
  Timer,
} from "../contract/index.ts";
import { HnError, LruMap } from "../foundation/index.ts";
import { dhtKey, isCid } from "../identity/index.ts";
import { checkValue, isProven, LIFETIMES, subjectOf } from "./check-value.ts";
import { contactOf, contactsIn, peerOf, type Peer } from "./contact.ts";
import { compareDistance, ID_BYTES, idOf, keyBytes } from "./distance.ts";
import { Limits, type Rates } from "./limits.ts";
import { lookup, type Answer, type Found } from "./lookup.ts";
import { BUCKET_SIZE, RoutingTable } from "./table.ts";
import { isNewer, Values, type ValueLimits, type ValueShelf } from "./values.ts";
import { ask, Desk, readReply, reply, type Crypto, type Letters, type Question } from "./wire.ts";

export interface Outgoing {
  to: DhtContact;
  rpc: DhtRpc;
  body: JsonObject;
  signal: AbortSignal;
}

export interface DhtPorts {
  clock: Clock;
  random: (bytes: number) => Uint8Array;
  newId: () => string;
  crypto: Crypto;
  log: Log;
  shelf?: ValueShelf;
  /** One question over a connection bound to the contact's key. @throws whatever kept the answer away */
  rpc: (question: Outgoing) => Promise<unknown>;
}

export interface DhtConfig {
  /** Whether an address may be dialled and published; a private net allows its own. @source H-11 */
  admits: (endpoint: DhtEndpoint) => boolean;
  /** Addresses may crowd one subnet: a private net, a simulator. */
  mayCrowd: boolean;
  /** Where this node is reached from outside; undefined behind a router. */
  endpoint: () => DhtEndpoint | undefined;
  /** Communities whose values are evicted last. */
  isNear: (payload: DhtPayload) => boolean;
  limits?: Partial<ValueLimits>;
  /** Other rates than the usual, for a simulator in which no time passes. */
  rates?: Rates;
}

/** Answers to plain nodes, and the least that every node serves. */
const CLOSER = 8;
const WIDTH = BUCKET_SIZE;
const REPLICAS: Record<DhtKind, number> = { presence: 14, cid: 20, community: 20 };
const PATHS: Record<DhtKind, number> = { presence: 1, cid: 1, community: 2 };
/** Of the search for those that are to keep a value: who is led astray here gives it to those who hide it. */
const OFFER_PATHS = 2;
/** When nothing was found: so few at a time that what the first ones say still counts before the questions are used up. */
const SECOND = { alpha: 3, paths: 4, known: 4 * WIDTH };
const CACHE_MS = { found: 60_000, nothing: 15_000 };
const TICK_MS = 60_000;
const REFRESH_MS = 3_600_000;
const RPC_MS = 3000;

interface Own {
  build: () => object;
  kind: DhtKind;
  value: DhtValue | undefined;
  /** Monotonic milliseconds. */
  due: number;
}

export class Dht {
  readonly #self: NodeId;
  readonly #id: Uint8Array;
  readonly #ports: DhtPorts;
  readonly #config: DhtConfig;
  readonly #table: RoutingTable;
  readonly #values: Values;
  readonly #limits: Limits;
  readonly #letters: Letters;
  readonly #desk: Desk;
  readonly #own = new Map<string, Own>();
  /** Whose answer is awaited, and how many. */
  readonly #asked = new Map<NodeId, number>();
  readonly #cache = new LruMap<string, { values: DhtValue[]; until: number }>(1024);
  readonly #closed = new AbortController();
  #timer: Timer | undefined;

  constructor(self: NodeId, ports: DhtPorts, config: DhtConfig) {
    const { clock, shelf, newId, crypto } = ports;
    this.#self = self;
    this.#id = idOf(self);
    this.#ports = ports;
    this.#config = config;
    this.#limits = new Limits(config.rates);
    this.#letters = { self, clock, crypto, newId, endpoint: config.endpoint };
    this.#desk = new Desk(this.#letters);
    this.#table = new RoutingTable({ self, clock, ping: (peer) => this.#ping(peer), mayCrowd: config.mayCrowd });
    this.#values = new Values({ self: this.#id, ...(config.limits && { limits: config.limits }), ...(shelf && { shelf }) });
    for (const value of shelf === undefined ? [] : [...shelf.all()])
      if (this.#fault(value, false) === null) this.#values.put(value, this.#standing(value.payload));
      else shelf?.delete(value);
    this.#timer = clock.setTimeout(() => this.#tick(), TICK_MS);
  }

  get status(): DhtStatus {
    const own = [...this.#own.values()].flatMap(({ kind, value }) =>
      value === undefined ? [] : [{ kind, key: value.key, expires_at: value.expires_at }],
    );
    return { enabled: true, contacts: this.#table.size, values: this.#values.size, bootstrapped: this.#table.size > 0, own };
  }

  /** Contacts worth keeping for the next start, newest first. */
  get contacts(): DhtContact[] {
    return this.#table.all().map(contactOf);
  }

  /**
   * Answers a question from the wire.
   * @param address  where it came from
   * @throws rate_limited · bad_request · expired · invalid_signature · not_found
   */
  answer(rpc: DhtRpc, body: unknown, address: string): JsonObject {
    const now = this.#ports.clock.monotonic();
    this.#admit(address, rpc, now);
    const question = this.#desk.open(body);
    this.#admit(question.from, rpc, now);
    this.#greet(question, now);
    return reply(this.#letters, question.trace_id, this.#answerTo(rpc, question, address));
  }

  /** Meets the first contacts, then its own neighbourhood. @returns how many contacts it has */
  async join(contacts: readonly DhtContact[]): Promise<number> {
    const others = contacts.filter(({ node_id_full }) => node_id_full !== this.#self);
    await Promise.all(others.map((contact) => this.#ping(peerOf(contact))));
    if (this.#table.size === 0) return 0;
    await this.#find(this.#id);
    for (const bucket of this.#table.unused(0)) await this.#refresh(bucket);
    return this.#table.size;
  }

  /** Takes in contacts that have proven themselves at these addresses otherwise, without asking them again (H-3). */
  met(contacts: readonly DhtContact[]): void {
    for (const contact of contacts) this.#table.heard(peerOf(contact), 0);
  }

  /**
   * Values about a node, a CID or a community, verified, the newest of each signer; none is authoritative.
   * @throws partition reason dht_lookup_failed when nobody could be asked
   */
  async findValues(kind: DhtKind, subject: string, o: { signal?: AbortSignal } = {}): Promise<DhtValue[]> {
    const key = dhtKey(subject);
    const name = `${kind} ${key}`;
    const { clock } = this.#ports;
    const cached = this.#cache.get(name);
    if (cached !== undefined && cached.until > clock.monotonic()) return cached.values;
    const local = this.#values.find(key, kind);
    const found = await this.#search(keyBytes(key), { kind, key, signal: o.signal });
    const values = newest([...local, ...found.values].filter((value) => this.#fault(value, false) === null && value.key === key));
    const { lacking } = found;
    // The nearest that should have had it gets a copy of what the others gave.
    if (lacking !== undefined && found.values.length > 0)
      for (const value of values) void this.#store(lacking, value).catch(() => {});
    if (values.length === 0 && found.questions === 0 && this.#table.size === 0)
      throw new HnError("partition", { reason: "dht_lookup_failed" });
    this.#cache.set(name, { values, until: clock.monotonic() + (values.length > 0 ? CACHE_MS.found : CACHE_MS.nothing) });
    return values;
  }

  /**
   * Offers a value and keeps it alive until `withdraw`.
   * @param build  its members beside those that every value has
   * @returns how many contacts keep it
   */
  async publish(kind: DhtKind, build: () => object): Promise<number> {
    const own: Own = { kind, build, value: undefined, due: 0 };
    const stored = await this.#offer(own);
    if (own.value !== undefined) this.#own.set(`${kind} ${own.value.key}`, own);
    return stored;
  }

  /** Is not renewed any more; what others keep ends by itself. */
  withdraw(kind: DhtKind, subject: string): void {
    this.#own.delete(`${kind} ${dhtKey(subject)}`);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#closed.abort(new DOMException("The DHT has closed.", "AbortError"));
  }

  #admit(who: string, rpc: DhtRpc, now: number): void {
    const wait = this.#limits.take(who, rpc, now);
    if (wait > 0) throw new HnError("rate_limited", { retryAfterMs: wait });
  }

  /** Who asks may be worth knowing; only its own answer at the address that it names brings it in (H-3). */
  #greet({ from, endpoint }: Question, now: number): void {
    // Two that meet would greet each other without end.
    if (endpoint === undefined || this.#table.knows(from) || this.#asked.has(from) || !this.#config.admits(endpoint)) return;
    if (!this.#table.wants(from)) return;
    if (this.#limits.take("", "greeting", now) > 0) return;
    void this.#ping(peerOf({ node_id_full: from, endpoint }));
  }

  #answerTo(rpc: DhtRpc, question: Question, address: string): JsonObject {
    if (rpc === "ping") return { pong: true, endpoint: { host: address, port: 443 } };
    if (rpc === "store") return this.#keep(question["value"], question.from);
    const key = question["key"];
    if (!isCid(key)) throw new HnError("bad_request", { message: "The key is blake3: and 64 hex digits.", paths: ["/key"] });
    const closer = (): JsonValue => this.#closer(keyBytes(key), question);
    if (rpc === "find_node") return { closer: closer() };
    const kind = (["presence", "cid", "community"] as const).find((one) => one === question["kind"]);
    const values = this.#values.find(key, kind);
    return values.length > 0 ? { values: values as unknown as JsonValue } : { values: [], closer: closer() };
  }

  #closer(target: Uint8Array, question: Question): JsonValue {
    const count = question["k"] === WIDTH ? WIDTH : CLOSER;
    const peers = this.#table.closest(target, count + 1).filter(({ nodeId }) => nodeId !== question.from);
    return peers.slice(0, count).map(contactOf) as unknown as JsonValue;
  }

  #keep(value: JsonValue | undefined, from: NodeId): JsonObject {
    const fault = this.#fault(value, true);
    if (fault !== null) return { stored: false, reason: fault };
    const checked = value as unknown as DhtValue;
    const target = keyBytes(checked.key);
    const nearer = this.#table
      .closest(target, WIDTH + 1)
      .filter((peer) => peer.nodeId !== from && compareDistance(target, peer.id, this.#id) < 0);
    if (nearer.length >= WIDTH)
      return { stored: false, reason: "not_closest", closer: nearer.slice(0, CLOSER).map(contactOf) as unknown as JsonValue };
    const kept = this.#values.put(checked, this.#standing(checked.payload));
    return kept === "crowded" ? { stored: false, reason: "rate_limited" } : { stored: true };
  }

  #fault(value: unknown, first: boolean): string | null {
    return checkValue(value, { now: this.#seconds(), first, verify: this.#ports.crypto.verify });
  }

  #standing(payload: DhtPayload): { proven: boolean; near: boolean } {
    const proven = isProven(payload, { now: this.#seconds(), verify: this.#ports.crypto.verify });
    return { proven, near: payload.node_id === this.#self || this.#config.isNear(payload) };
  }

  /** Asks one contact; only a signed answer from that address counts, and brings it into the table. */
  async #question(peer: Peer, { rpc, body, signal }: Omit<Outgoing, "to">): Promise<JsonObject> {
    const { clock } = this.#ports;
    signal.throwIfAborted();
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(signal.reason);
    signal.addEventListener("abort", onAbort);
    const patienceMs = rpc === "store" ? RPC_MS : this.#table.patienceMs(peer.nodeId);
    const timer = clock.setTimeout(() => stop.abort(new HnError("timeout")), patienceMs);
    const from = clock.monotonic();
    this.#asked.set(peer.nodeId, (this.#asked.get(peer.nodeId) ?? 0) + 1);
    try {
      const question = ask(this.#letters, peer.nodeId, body);
      const answer = await this.#ports.rpc({ to: contactOf(peer), rpc, body: question, signal: stop.signal });
      const read = readReply(this.#letters, answer, { rpc, by: peer.nodeId, traceId: question.trace_id });
      this.#table.heard(peer, clock.monotonic() - from);
      return read;
    } catch (error) {
      if (!signal.aborted) this.#table.failed(peer.nodeId);
      this.#ports.log.debug("a contact of the DHT gave no answer", { node: peer.nodeId, rpc, error });
      throw error;
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      const left = (this.#asked.get(peer.nodeId) ?? 1) - 1;
      if (left > 0) this.#asked.set(peer.nodeId, left);
      else this.#asked.delete(peer.nodeId);
    }
  }

  async #ping(peer: Peer): Promise<boolean> {
    try {
      await this.#question(peer, { rpc: "ping", body: {}, signal: this.#closed.signal });
      return true;
    } catch {
      return false;
    }
  }

  #find(target: Uint8Array, paths = 1): Promise<Found> {
    return this.#search(target, { paths });
  }

  async #search(
    target: Uint8Array,
    o: { kind?: DhtKind; key?: string; paths?: number; signal?: AbortSignal | undefined },
  ): Promise<Found> {
    this.#table.used(target);
    const key = o.key ?? `blake3:${Buffer.from(target).toString("hex")}`;
    const paths = o.kind === undefined ? (o.paths ?? 1) : PATHS[o.kind];
    const once = (how: { alpha: number; paths: number; start: Peer[]; without?: NodeId[] }): Promise<Found> =>
      lookup({
        target,
        self: this.#self,
        width: WIDTH,
        ...how,
        clock: this.#ports.clock,
        forValues: o.kind !== undefined,
        admits: ({ endpoint }) => this.#config.admits(endpoint),
        signal: o.signal === undefined ? this.#closed.signal : AbortSignal.any([this.#closed.signal, o.signal]),
        ask: (peer, signal) => this.#look(peer, { key, kind: o.kind }, signal),
      });
    const first = await once({ alpha: 3, paths, start: this.#table.closest(target, WIDTH) });
    const canMiss = first.cutShort || this.#table.size > WIDTH;
    const worthwhile = o.kind !== undefined && first.values.length === 0 && canMiss && o.signal?.aborted !== true;
    if (!worthwhile || this.#table.size === 0) return first;
    // Some who name each other alone can lead a path among themselves, where it ends in good order; not four that share nobody and pass them by.
    const without = new Set(first.empty);
    const start = this.#table.closest(target, SECOND.known + without.size).filter(({ nodeId }) => !without.has(nodeId));
    return once({ ...SECOND, start: start.slice(0, SECOND.known), without: first.empty });
  }

  async #look(peer: Peer, o: { key: string; kind: DhtKind | undefined }, signal: AbortSignal): Promise<Answer> {
    const body = { key: o.key, k: WIDTH, ...(o.kind === undefined ? {} : { kind: o.kind }) };
    const answer = await this.#question(peer, { rpc: o.kind === undefined ? "find_node" : "find_value", body, signal });
    const values = Array.isArray(answer["values"]) ? answer["values"].slice(0, CLOSER) : [];
    return {
      closer: contactsIn(answer["closer"], WIDTH),
      values: values.filter((value) => this.#fault(value, false) === null) as unknown as DhtValue[],
    };
  }

  async #offer(own: Own): Promise<number> {
    const now = this.#seconds();
    const { ttl } = LIFETIMES[own.kind];
    const unsigned = { v: 1, kind: own.kind, node_id: this.#self, issued_at: now, expires_at: now + ttl, ...own.build() };
    const payload = { ...unsigned, signature: this.#ports.crypto.sign("dht-value", unsigned) } as unknown as DhtPayload;
    const value: DhtValue = { key: dhtKey(subjectOf(payload)), payload, expires_at: payload.expires_at };
    own.value = value;
    // At a third of its life, a tenth earlier or later, so that nodes do not all speak at once.
    own.due = this.#ports.clock.monotonic() + Math.floor((ttl * 1000) / 3) * (0.9 + 0.2 * this.#chance());
    const target = keyBytes(value.key);
    const { closest } = await this.#find(target, OFFER_PATHS);
    const replicas = REPLICAS[own.kind];
    if (closest.length < replicas || compareDistance(target, this.#id, closest.at(-1)?.id ?? this.#id) < 0)
      this.#values.put(value, this.#standing(payload));
    const stored = await Promise.all(closest.slice(0, replicas).map((peer) => this.#store(peer, value).catch(() => false)));
    return stored.filter(Boolean).length;
  }

  async #store(peer: Peer, value: DhtValue): Promise<boolean> {
    const answer = await this.#question(peer, {
      rpc: "store",
      body: { value: value as unknown as JsonObject },
      signal: this.#closed.signal,
    });
    return answer["stored"] === true;
  }

  /** Once a minute: what is over goes, what is due is offered anew, buckets where nobody was looked for get a look. */
  #tick(): void {
    const { clock, log } = this.#ports;
    this.#timer = clock.setTimeout(() => this.#tick(), TICK_MS);
    this.#values.expire(this.#seconds());
    this.#limits.forget(clock.monotonic());
    this.#desk.forget();
    const trouble = (error: unknown): void => {
      if (!this.#closed.signal.aborted) log.debug("a round of the DHT failed", { error });
    };
    for (const own of this.#own.values()) if (own.due <= clock.monotonic() + TICK_MS / 2) this.#offer(own).catch(trouble);
    const [stale] = this.#table.unused(clock.monotonic() - REFRESH_MS);
    if (stale !== undefined) this.#refresh(stale).catch(trouble);
  }

  /** Looks for a random id of that bucket. */
  async #refresh(bucket: number): Promise<void> {
    const target = this.#ports.random(ID_BYTES).slice();
    const at = ID_BYTES - 1 - (bucket >> 3);
    for (let index = 0; index < at; index += 1) target[index] = this.#id[index] ?? 0;
    const bit = 1 << (bucket & 7);
    target[at] = ((this.#id[at] ?? 0) & ~(bit * 2 - 1)) | (~(this.#id[at] ?? 0) & bit) | ((target[at] ?? 0) & (bit - 1));
    await this.#find(target);
  }

  #seconds(): number {
    return Math.floor(this.#ports.clock.now() / 1000);
  }

  #chance(): number {
    return (this.#ports.random(1)[0] ?? 0) / 255;
  }
}

/** One for each signer. */
function newest(values: readonly DhtValue[]): DhtValue[] {
  const best = new Map<NodeId, DhtValue>();
  for (const value of values) {
    const known = best.get(value.payload.node_id);
    if (known === undefined || isNewer(value, known)) best.set(value.payload.node_id, value);
  }
  return [...best.values()];
}

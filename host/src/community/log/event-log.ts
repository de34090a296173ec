import { setImmediate as nextTurn } from "node:timers/promises";
import type {
  Clock,
  CommunityId,
  Event,
  EventPage,
  EventQuery,
  JsonObject,
  LogCheck,
  NodeId,
  Position,
  SyncReply,
  Ulid,
  VerifyMany,
} from "../../contract/index.ts";
import { formatTime, HnError, type UlidFactory } from "../../foundation/index.ts";
import { type Signer, verifyOnce } from "../../identity/index.ts";
import { EventSet } from "../sync/event-set.ts";
import { LevelHistory } from "../views/level-history.ts";
import { beyond, isLate, type Membership, replay } from "../views/membership.ts";
import { Ingest } from "./ingest.ts";
import type { Gate } from "./receive.ts";
import { compareEvents, shapeEvent, type ShapedEvent, sha256, signedBytes } from "./shape.ts";
import { addHash, type EventStore, placeOf, type Stored, takeHash } from "./store.ts";

export interface EventLogOptions {
  store: EventStore;
  signer: Signer;
  clock: Clock;
  newUlid: UlidFactory;
  /** Absent: one after another, on the loop. */
  verify?: VerifyMany;
}

/** What a signer other than the device key signs: the root key, at creation and in emergencies only (I-11). */
export type EventSigner = Pick<Signer, "nodeId" | "signEvent">;

/** @returns whether the event was new */
type Take = (shaped: ShapedEvent) => boolean;

const CHECK_PAGE = 256;
/** Askers may name any floor. */
const KNOWN_MAX = 16;

const verifyHere: VerifyMany = (checks) => Promise.resolve(checks.map(verifyOnce));

/**
 * One community's log in memory and on disk: append, receive, and the membership that follows from it.
 * @source 04 §3 to §5
 */
export class EventLog {
  readonly store: EventStore;
  readonly #options: EventLogOptions;
  readonly #ingest: Ingest;
  readonly #listeners: Set<(event: Event) => void> = new Set();
  #view: Membership | null = null;
  #levels: LevelHistory | null = null;
  /** Last place in the order; undefined until it is asked for. */
  #last: Position | null | undefined;
  #disorder = 0;
  #set: EventSet | undefined;
  /** What was worked out since the last change of anything. */
  readonly #known: Map<string, unknown> = new Map();
  bootstrapping = false;

  constructor(options: EventLogOptions) {
    this.store = options.store;
    this.#options = options;
    this.#ingest = new Ingest({
      clock: options.clock,
      verify: options.verify ?? verifyHere,
      gate: () => this.#gate(),
      atOnce: (work) => this.#atOnce(work),
    });
  }

  /** The set of events that count, read from disk when it is first asked for. @throws not_found no_community */
  get set(): EventSet {
    this.communityId();
    const { clock } = this.#options;
    return (this.#set ??= new EventSet({ store: this.store, clock, cuts: () => this.view().cuts }));
  }

  /** Events that wait for their author to be known. @source 04 E-6 */
  get waiting(): number {
    return this.#ingest.waiting;
  }

  close(): void {
    this.#set?.close();
    this.store.close();
  }

  /** @throws not_found no_community */
  communityId(): CommunityId {
    const id = this.store.communityId();
    if (id === null) throw new HnError("not_found", { reason: "no_community" });
    return id;
  }

  /**
   * Works something out once, until anything is stored or goes: neighbours ask the same again and again, and mostly nothing has changed. Whoever gets
   * it must not alter it.
   * @param work  undefined is not remembered
   */
  onceUnchanged<T>(what: string, work: () => T): T {
    const known = this.#known.get(what) as T | undefined;
    if (known !== undefined) return known;
    const made = work();
    if (made === undefined || this.store.inTransaction) return made;
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(what, made);
    return made;
  }

  /** Membership at the head; rebuilt from disk when needed. */
  view(): Membership {
    this.#view ??= replay(this.communityId(), () => this.store.ordered("community."));
    return this.#view;
  }

  /**
   * Builds, signs and stores an event by this node (or by the root key) in one transaction: what is returned is on disk.
   * @source 04 §3, §4
   */
  append(o: { type: string; data: JsonObject; by?: EventSigner }): Event {
    const signer = o.by ?? this.#options.signer;
    const { store, clock } = this.#options;
    const shaped = store.transaction(() => {
      const lamport = store.clock() + 1;
      const event = signer.signEvent({
        schema_version: 1,
        event_id: this.#freshId(signer.nodeId),
        lamport,
        wall_clock: formatTime(clock.now()),
        community_id: this.communityId(),
        author: signer.nodeId,
        event_type: o.type,
        data: o.data,
      });
      const made = shapeEvent(event);
      store.insert(made, clock.now());
      store.setClock(lamport);
      return made;
    });
    this.#apply(shaped.event);
    this.#count([{ shaped, stored: { kind: "new" } }]);
    this.#tell([shaped.event]);
    return shaped.event;
  }

  /** An id that this author has not used: of two events under one id only one would stay (E-17), and it need not be the one acknowledged. */
  #freshId(author: NodeId): Ulid {
    const { newUlid } = this.#options;
    for (;;) {
      const event_id = newUlid();
      if (!this.store.knows({ event_id, author })) return event_id;
    }
  }

  /**
   * Takes events of others; what is counted as accepted is stored.
   * @throws capacity_exceeded disk_full
   * @source 04 §4, §8, network.md §5
   */
  async receive(values: readonly unknown[]): Promise<Omit<SyncReply, "events" | "more">> {
    const taken = await this.#ingest.take(values);
    return { ...taken, new_head: this.store.head() };
  }

  /** One page in log order, each event with its author's level at that place. @source 04 §5 */
  read(query: EventQuery): EventPage {
    this.#levels ??= new LevelHistory(this.communityId(), () => this.store.ordered("community."));
    const levels = this.#levels;
    const { events, next } = this.store.page(query);
    return {
      events: events
        .filter((event) => levels.counts(event))
        .map((event) => ({ event, level: levels.levelAt(event.author, event) })),
      next,
    };
  }

  /**
   * Removes what is old, covered and no trust history.
   * @returns how many events went
   * @source 04 E-12
   */
  prune(o: { upTo: number; receivedBefore: number }): number {
    const gone = this.store.transaction(() => this.store.prune(o));
    if (gone === 0) return 0;
    this.#known.clear();
    this.#set?.close();
    this.#set = undefined;
    this.#disorder += 1;
    return gone;
  }

  /**
   * Removes what a revoked author has put below its own cut, where the signers' count and sum prove that it was not there when they signed: others
   * refuse it, and this log would differ from theirs for ever.
   * @param suspects  what a peer has refused
   * @source 04 E-9
   */
  setAside(suspects: readonly Position[]): void {
    const { store } = this;
    for (const { node_id, cut } of this.view().revoked.values()) {
      if (cut.count === null || cut.sum === null) continue;
      const own = suspects.filter((place) => place.author === node_id && !beyond(place, cut));
      const have = store.sumUpTo(node_id, cut);
      if (own.length === 0 || have.count - own.length !== cut.count) continue;
      const left = own.reduce((sum, place) => takeHash(sum, store.hashAt(place)), have.sum);
      if (left.toString(16).padStart(64, "0") !== cut.sum) continue;
      store.transaction(() => store.remove(own));
      this.#known.clear();
      for (const place of own) this.#set?.remove(place);
      this.#view = null;
      this.#levels = null;
      this.#last = undefined;
      this.#disorder += 1;
    }
  }

  /** Reads everything again: bytes, hashes, signatures, sums. */
  async check(): Promise<LogCheck> {
    const { verify = verifyHere } = this.#options;
    await this.set.built;
    const report: LogCheck = { events: 0, broken: [], sums_fit: true };
    const before = this.set.tree.total.sum;
    let sum = 0n;
    let counted = 0;
    for (let after: Position | null = null; ;) {
      const rows = this.store.rows(after, CHECK_PAGE);
      const shaped = rows.map(({ raw, sha256 }) => readAgain(raw, sha256));
      const genuine = await verify(
        shaped.flatMap((s) =>
          s === null ? [] : [{ by: s.event.author, message: signedBytes(s), signature: s.event.signature }],
        ),
      );
      let next = 0;
      for (const [i, { raw: _raw, sha256, ...place }] of rows.entries()) {
        if (shaped[i] === null || genuine[next++] !== true)
          report.broken.push({ author: place.author, event_id: place.event_id });
        if (!this.set.counts(place)) continue;
        sum = addHash(sum, sha256);
        counted += 1;
      }
      report.events += rows.length;
      if (rows.length < CHECK_PAGE) break;
      after = placeOf(rows.at(-1) as Position);
      await nextTurn();
    }
    const { total } = this.set.tree;
    // What arrived meanwhile may have been read or not.
    report.sums_fit = before !== total.sum || (total.count === counted && total.sum === sum);
    return report;
  }

  /** Rises whenever something changed behind the head: a late event, one in another's place, a revocation with its cut. */
  revision(): number {
    return this.#disorder + this.store.replacements;
  }

  onEvent(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #gate(): Gate {
    const { store, clock } = this.#options;
    return { store, clock, membership: () => this.view(), bootstrapping: this.bootstrapping };
  }

  /**
   * Stores all of them or none; each counts for the next already, listeners hear of them when they are on disk.
   * @returns how many were new
   */
  #atOnce(work: (take: Take) => void): number {
    const { store, clock } = this.#options;
    const fresh: { shaped: ShapedEvent; stored: Stored }[] = [];
    const take: Take = (shaped) => {
      const stored = store.insert(shaped, clock.now());
      if (stored === null) return false;
      store.setClock(Math.max(store.clock(), shaped.event.lamport) + 1);
      this.#apply(shaped.event);
      fresh.push({ shaped, stored });
      return true;
    };
    try {
      store.transaction(() => work(take), { received: true });
    } catch (error) {
      // What was applied is not on disk.
      this.#known.clear();
      this.#view = null;
      this.#levels = null;
      this.#last = undefined;
      this.#disorder += 1;
      throw error;
    }
    this.#count(fresh);
    this.#tell(fresh.map(({ shaped }) => shaped.event));
    return fresh.length;
  }

  /** Sums follow what is on disk. */
  #count(fresh: readonly { shaped: ShapedEvent; stored: Stored }[]): void {
    this.#known.clear();
    const set = this.#set;
    if (set === undefined) return;
    for (const { shaped, stored } of fresh) {
      if (stored.kind === "replaced") set.remove(stored.former);
      set.add(shaped.event, shaped.hash);
    }
    // Only these move the place up to which a revoked author counts.
    if (fresh.some(({ shaped }) => shaped.event.event_type.startsWith("community."))) set.cutsChanged();
  }

  #apply(event: Event): void {
    this.#place(event);
    if (!event.event_type.startsWith("community.") || this.#view === null) return;
    if (isLate(this.#view, event) || !this.#view.apply(event)) this.#view = null;
  }

  #place(event: Event): void {
    this.#known.clear();
    this.#last ??= this.store.last();
    const late = this.#last !== null && compareEvents(event, this.#last) < 0;
    if (!late) this.#last = placeOf(event);
    if (late || event.event_type === "community.member.revoked") this.#disorder += 1;
    if (event.event_type.startsWith("community.")) this.#levels = null;
  }

  #tell(events: readonly Event[]): void {
    for (const event of events) for (const listener of this.#listeners) listener(event);
  }
}

/** A stored event as it was signed; null when its bytes are no longer what was stored. */
function readAgain(raw: Uint8Array, hash: Uint8Array): ShapedEvent | null {
  if (Buffer.compare(sha256(raw), hash) !== 0) return null;
  try {
    const shaped = shapeEvent(JSON.parse(Buffer.from(raw).toString("utf8")));
    return Buffer.compare(shaped.hash, hash) === 0 ? shaped : null;
  } catch {
    return null;
  }
}

import {
  CONSTANTS,
  type CommunityId,
  type Equivocation,
  type Event,
  type EventQuery,
  type NodeId,
  type Position,
  type SyncHeads,
} from "../../contract/index.ts";
import { type Database, openDatabase, storageError } from "../../foundation/index.ts";
import { compareEvents, type ShapedEvent } from "./shape.ts";

const MIGRATIONS = [
  `CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE clock(id INTEGER PRIMARY KEY CHECK(id = 1), lamport INTEGER NOT NULL) STRICT;
   INSERT INTO clock VALUES(1, 0);
   CREATE TABLE events(
     event_id TEXT NOT NULL, author TEXT NOT NULL, lamport INTEGER NOT NULL, wall_clock TEXT NOT NULL, event_type TEXT NOT NULL,
     client_id TEXT, raw BLOB NOT NULL, sha256 BLOB NOT NULL, received_at INTEGER NOT NULL, PRIMARY KEY(event_id, author)) STRICT, WITHOUT ROWID;
   CREATE INDEX events_order ON events(lamport, event_id, author);
   CREATE INDEX events_type ON events(event_type, lamport);
   CREATE INDEX events_author ON events(author, lamport, event_id);
   CREATE INDEX events_client ON events(author, client_id, event_type) WHERE client_id IS NOT NULL;
   CREATE TABLE equivocation(author TEXT NOT NULL, event_id TEXT NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY(author, event_id)) STRICT;`,
  `ALTER TABLE equivocation ADD COLUMN kind TEXT NOT NULL DEFAULT 'one_id';
   CREATE TABLE pruned(author TEXT PRIMARY KEY, lamport INTEGER NOT NULL) STRICT;`,
];

const PAGE_BYTES = 524_288;
/** So many are fetched one by one. */
const FEW = CONSTANTS.SYNC_BATCH_MAX_EVENTS;
/** The first of an author's events with one lamport counts (E-5), and the first with one `client_id` (04 §5). */
const PAGE = `
  SELECT raw FROM events AS e
  WHERE (lamport, event_id, author) > (?, ?, ?) AND lamport >= ? AND lamport <= ?
    AND (event_type IN (SELECT value FROM json_each(?))
      OR EXISTS (SELECT 1 FROM json_each(?) AS prefix WHERE substr(e.event_type, 1, length(prefix.value)) = prefix.value))
    AND (?8 IS NULL OR author IN (SELECT value FROM json_each(?8)))
    AND NOT EXISTS (SELECT 1 FROM events AS twin WHERE twin.author = e.author AND twin.lamport = e.lamport AND twin.event_id < e.event_id)
    AND (client_id IS NULL OR NOT EXISTS (
      SELECT 1 FROM events AS former WHERE former.author = e.author AND former.client_id = e.client_id
        AND former.event_type = e.event_type AND (former.lamport, former.event_id) < (e.lamport, e.event_id)))
  ORDER BY lamport, event_id, author LIMIT ?9`;

/** What no retention removes: trust history, who belongs to which thread, and each node's latest keys for messages. @source 04 E-12 */
const PRUNABLE = `NOT (event_type LIKE 'community.%' OR event_type LIKE 'federation.%' OR event_type = 'auth.token.revoked'
  OR event_type IN ('chat.thread.created', 'chat.thread.member.added', 'chat.thread.member.removed')
  OR (event_type = 'e2e.prekeys.published' AND NOT EXISTS (
    SELECT 1 FROM events AS newer WHERE newer.author = e.author AND newer.event_type = e.event_type
      AND (newer.lamport, newer.event_id) > (e.lamport, e.event_id))))`;

/** A point in the order up to which events of one author count, with what the signers had seen of it. @source 04 E-9 */
export interface Cut {
  lamport: number;
  event_id: string;
  count: number | null;
  sum: string | null;
}

/** What an insert did; `former` is where the event stood that gave way under E-17. */
export type Stored = { kind: "new" } | { kind: "replaced"; former: Position };

/**
 * The durable log of one community in one SQLite file. Knows bytes and order, not meaning.
 * @source 04 §3, §4, E-17
 */
export class EventStore {
  readonly #db: Database;
  /** Asked for with every event and every exchange, so kept in memory; forgotten when a transaction fails. */
  #communityId: CommunityId | null | undefined;
  #clock: { lamport: number; written: number } | undefined;
  #heads: { byType: Map<string, number>; byAuthor: Map<NodeId, number> } | undefined;
  #floor: number | undefined;
  #durable = true;
  /** How many stored events have given way to others under E-17. */
  replacements = 0;

  constructor(path: string) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS, synchronous: "FULL" });
  }

  close(): void {
    this.#db.close();
  }

  /**
   * All or nothing.
   * @param o.received  what others hold as well: after a power cut it is fetched again. Without it the disk has it before this returns, since a
   *   lost own event would make this node reuse a lamport
   * @throws capacity_exceeded disk_full · internal_error db_corrupt
   * @source network.md §5 "Insert"
   */
  transaction<T>(work: () => T, o: { received?: boolean } = {}): T {
    try {
      this.#setDurable(o.received !== true);
      return this.#db.transaction(() => {
        const result = work();
        this.#writeClock();
        return result;
      });
    } catch (error) {
      this.#communityId = undefined;
      this.#clock = undefined;
      this.#heads = undefined;
      throw storageError(error);
    }
  }

  /** What is read now may not be so in the end. */
  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  #setDurable(durable: boolean): void {
    if (durable === this.#durable || this.#db.inTransaction) return;
    this.#db.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
    this.#durable = durable;
  }

  meta(key: string): string | null {
    const row = this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key) as { value: string } | undefined;
    return row?.value ?? null;
  }

  setMeta(key: string, value: string): void {
    this.#communityId = undefined;
    this.#floor = undefined;
    this.#db.prepare("INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value").run(key, value);
  }

  communityId(): CommunityId | null {
    if (this.#communityId === undefined) this.#communityId = this.meta("community_id");
    return this.#communityId;
  }

  clock(): number {
    return this.#readClock().lamport;
  }

  /** Written with the transaction that it is called in. */
  setClock(lamport: number): void {
    this.#readClock().lamport = lamport;
  }

  /** Stores an event; null when the same bytes stood there already, or win under E-17. Call inside `transaction`. */
  insert(shaped: ShapedEvent, receivedAt: number): Stored | null {
    const { event, hash } = shaped;
    if (this.#put("OR IGNORE", shaped, receivedAt)) {
      const { byAuthor, byType } = this.#newest();
      // Only what is not above everything known can share a lamport (E-5).
      if (event.lamport <= (byAuthor.get(event.author) ?? 0) && this.#hasTwin(event))
        this.#flag(event, "one_lamport", receivedAt);
      raise(byAuthor, event.author, event.lamport);
      raise(byType, event.event_type, event.lamport);
      return { kind: "new" };
    }
    const present = this.#placeAndHash(event);
    const order = present === undefined ? 0 : Buffer.compare(hash, present.sha256);
    if (present === undefined || order === 0) return null;
    this.#flag(event, "one_id", receivedAt);
    if (order > 0) return null;
    this.#put("OR REPLACE", shaped, receivedAt);
    this.#heads = undefined;
    this.replacements += 1;
    return { kind: "replaced", former: { lamport: present.lamport, event_id: event.event_id, author: event.author } };
  }

  /** Authors that have signed two events where one may stand, newest first. @source E-5, E-17 */
  equivocations(): Equivocation[] {
    return this.#db
      .prepare("SELECT author, event_id, kind, seen_at FROM equivocation ORDER BY seen_at DESC, author, event_id LIMIT 1000")
      .all() as unknown as Equivocation[];
  }

  /** True when exactly these bytes are stored. */
  holds(shaped: ShapedEvent): boolean {
    const { author, lamport } = shaped.event;
    // Mostly an event is news; then nothing is read.
    if (lamport > (this.#newest().byAuthor.get(author) ?? 0)) return false;
    const present = this.#placeAndHash(shaped.event);
    return present !== undefined && Buffer.compare(present.sha256, shaped.hash) === 0;
  }

  /** True when its author has an event of this id here, whatever its bytes. The values may be anything. */
  knows({ event_id, author }: { event_id: unknown; author: unknown }): boolean {
    if (typeof event_id !== "string" || typeof author !== "string") return false;
    return this.#placeAndHash({ event_id, author }) !== undefined;
  }

  find(author: NodeId, id: string): Event | null {
    const row = this.#db.prepare("SELECT raw FROM events WHERE event_id = ? AND author = ?").get(id, author);
    return row === undefined ? null : decode(row as { raw: Uint8Array });
  }

  byClientId(author: NodeId, clientId: string, type: string): Event | null {
    const row = this.#db
      .prepare("SELECT raw FROM events WHERE author = ? AND client_id = ? AND event_type = ? ORDER BY lamport, event_id LIMIT 1")
      .get(author, clientId, type);
    return row === undefined ? null : decode(row as { raw: Uint8Array });
  }

  /** Events in log order whose type starts with `prefix`. */
  *ordered(prefix: string): Generator<Event> {
    const rows = this.#db
      .prepare("SELECT raw FROM events WHERE event_type >= ? AND event_type < ? ORDER BY lamport, event_id, author")
      .iterate(prefix, `${prefix}\u{10FFFF}`);
    for (const row of rows) yield decode(row as { raw: Uint8Array });
  }

  /** One page of what views see, cuts aside; `next` is null when nothing lies behind it. @source 04 §5, E-5 */
  page(query: EventQuery): { events: Event[]; next: Position | null } {
    const { after, limit } = query;
    const exact = query.types.filter((type) => !type.endsWith("*"));
    const below = query.types.filter((type) => type.endsWith("*")).map((type) => type.slice(0, -1));
    const rows = this.#db
      .prepare(PAGE)
      .iterate(
        after?.lamport ?? 0,
        after?.event_id ?? "",
        after?.author ?? "",
        query.from ?? 0,
        query.to ?? Number.MAX_SAFE_INTEGER,
        JSON.stringify(exact),
        JSON.stringify(below),
        query.authors === undefined ? null : JSON.stringify(query.authors),
        limit + 1,
      );
    const events: Event[] = [];
    let room = PAGE_BYTES;
    for (const row of rows as IterableIterator<{ raw: Uint8Array }>) {
      const last = events.at(-1);
      if (last !== undefined && (events.length === limit || row.raw.byteLength > room)) return { events, next: placeOf(last) };
      room -= row.raw.byteLength;
      events.push(decode(row));
    }
    return { events, next: null };
  }

  /** The last events, oldest first. */
  tail(limit: number): Event[] {
    const rows = this.#db.prepare("SELECT raw FROM events ORDER BY lamport DESC, event_id DESC, author DESC LIMIT ?").all(limit);
    return (rows as { raw: Uint8Array }[]).map(decode).toReversed();
  }

  /** The last place in the order; null while the log is empty. */
  last(): Position | null {
    const row = this.#db
      .prepare("SELECT lamport, event_id, author FROM events ORDER BY lamport DESC, event_id DESC, author DESC LIMIT 1")
      .get();
    return (row as Position | undefined) ?? null;
  }

  /** The highest lamport that anybody has. */
  head(): number {
    let head = 0;
    for (const lamport of this.#newest().byAuthor.values()) head = Math.max(head, lamport);
    return head;
  }

  heads(community: CommunityId): SyncHeads {
    const { byType, byAuthor } = this.#newest();
    return {
      community_id: community,
      head: this.head(),
      heads_by_type: Object.fromEntries(byType),
      heads_by_author: Object.fromEntries(byAuthor),
    };
  }

  size(): number {
    return Number((this.#db.prepare("SELECT count(*) AS n FROM events").get() as { n: number }).n);
  }

  /**
   * What a peer with these per-author heads lacks, ascending, at most 1000 events and 4 MiB.
   * @param o.base    head of authors that are not named
   * @param o.counts  leaves out what a revoked author wrote beyond its cut: nobody would take it
   * @source 04 E-13
   */
  above(
    heads: Record<NodeId, number>,
    o: { base?: number; counts?: (place: Position) => boolean } = {},
  ): { events: Event[]; more: boolean } {
    const known = (author: NodeId): number => (Object.hasOwn(heads, author) ? (heads[author] ?? 0) : (o.base ?? 0));
    const lacking = [...this.#newest().byAuthor].filter(([author, lamport]) => lamport > known(author));
    // Mostly the other side has everything; then nothing is read.
    if (lacking.length === 0) return { events: [], more: false };
    // Or little, of whoever has written lately; then the log between its last word and this one is not read.
    const few = this.#fewOf(lacking.map(([author]) => ({ author, after: known(author) })));
    if (few !== null) return this.#page(few.filter((place) => o.counts?.(place) !== false));
    const start = Math.min(...lacking.map(([author]) => known(author)));
    const rows = this.#db
      .prepare("SELECT author, event_id, lamport, raw FROM events WHERE lamport > ? ORDER BY lamport, event_id, author")
      .iterate(start) as IterableIterator<Position & { raw: Uint8Array }>;
    return fill(rows, (row) => row.lamport > known(row.author) && o.counts?.(row) !== false);
  }

  /** Places of all that these authors have behind what is named, in log order; null when they are many. */
  #fewOf(lacking: readonly { author: NodeId; after: number }[]): Position[] | null {
    if (lacking.length > FEW) return null;
    const query = this.#db.prepare(
      "SELECT author, lamport, event_id FROM events WHERE author = ? AND lamport > ? ORDER BY lamport, event_id LIMIT ?",
    );
    const places: Position[] = [];
    for (const { author, after } of lacking) {
      places.push(...(query.all(author, after, FEW + 1 - places.length) as unknown as Position[]));
      if (places.length > FEW) return null;
    }
    return places.toSorted(compareEvents);
  }

  /** These events, as far as they are here; at most 1000 and 4 MiB. */
  at(places: readonly Position[]): Event[] {
    return this.#page(places).events;
  }

  #page(places: readonly Position[]): { events: Event[]; more: boolean } {
    const query = this.#db.prepare("SELECT raw FROM events WHERE event_id = ? AND author = ?");
    const rows = function* (): Generator<{ raw: Uint8Array }> {
      for (const { event_id, author } of places) {
        const row = query.get(event_id, author) as { raw: Uint8Array } | undefined;
        if (row !== undefined) yield row;
      }
    };
    return fill(rows(), () => true);
  }

  /** Places and hashes behind a place, in log order. */
  hashes(after: Position | null, limit: number): (Position & { sha256: Uint8Array })[] {
    return this.#db
      .prepare(
        `SELECT lamport, event_id, author, sha256 FROM events WHERE (lamport, event_id, author) > (?, ?, ?)
         ORDER BY lamport, event_id, author LIMIT ?`,
      )
      .all(after?.lamport ?? 0, after?.event_id ?? "", after?.author ?? "", limit) as unknown as (Position & {
      sha256: Uint8Array;
    })[];
  }

  /** What stands behind a place, whole. */
  rows(after: Position | null, limit: number): (Position & { raw: Uint8Array; sha256: Uint8Array })[] {
    return this.#db
      .prepare(
        `SELECT lamport, event_id, author, raw, sha256 FROM events WHERE (lamport, event_id, author) > (?, ?, ?)
         ORDER BY lamport, event_id, author LIMIT ?`,
      )
      .all(after?.lamport ?? 0, after?.event_id ?? "", after?.author ?? "", limit) as unknown as (Position & {
      raw: Uint8Array;
      sha256: Uint8Array;
    })[];
  }

  /** The same of one author, behind a place of that author. */
  hashesOf(author: NodeId, after: { lamport: number; event_id: string }): (Position & { sha256: Uint8Array })[] {
    return this.#db
      .prepare("SELECT lamport, event_id, author, sha256 FROM events WHERE author = ? AND (lamport, event_id) > (?, ?)")
      .all(author, after.lamport, after.event_id) as unknown as (Position & { sha256: Uint8Array })[];
  }

  /** Below it some events may be pruned. @source 04 E-12 */
  floor(): number {
    return (this.#floor ??= Number(this.meta("floor") ?? 0));
  }

  /**
   * Removes what may go below a lamport and was received before a time. Trust history stays for ever; of what goes, each author's head is remembered.
   * Call inside `transaction`.
   * @returns how many went
   * @source 04 E-12
   */
  prune(o: { upTo: number; receivedBefore: number }): number {
    const goes = `lamport <= ?1 AND received_at < ?2 AND ${PRUNABLE}`;
    const { top } = this.#db
      .prepare(`SELECT max(lamport) AS top FROM events AS e WHERE ${goes}`)
      .get(o.upTo, o.receivedBefore) as {
      top: number | null;
    };
    if (top === null) return 0;
    this.#db
      .prepare(
        `INSERT INTO pruned SELECT author, max(lamport) FROM events AS e WHERE ${goes} GROUP BY author
         ON CONFLICT(author) DO UPDATE SET lamport = max(lamport, excluded.lamport)`,
      )
      .run(o.upTo, o.receivedBefore);
    const { changes } = this.#db.prepare(`DELETE FROM events AS e WHERE ${goes}`).run(o.upTo, o.receivedBefore);
    this.setMeta("floor", String(Math.max(this.floor(), top + 1)));
    this.#heads = undefined;
    return Number(changes);
  }

  count(): number {
    return (this.#db.prepare("SELECT count(*) AS n FROM events").get() as { n: number }).n;
  }

  /** Bytes of the database's pages. */
  sizeBytes(): number {
    const { page_count: pages } = this.#db.prepare("PRAGMA page_count").get() as { page_count: number };
    const { page_size: size } = this.#db.prepare("PRAGMA page_size").get() as { page_size: number };
    return pages * size;
  }

  /** @throws Error for a place where nothing stands */
  hashAt({ event_id, author }: Position): Uint8Array {
    const row = this.#placeAndHash({ event_id, author });
    if (row === undefined) throw new Error(`no event ${event_id} by ${author} is stored`);
    return row.sha256;
  }

  /** Call inside `transaction`. */
  remove(places: readonly Position[]): void {
    const query = this.#db.prepare("DELETE FROM events WHERE event_id = ? AND author = ?");
    for (const { event_id, author } of places) query.run(event_id, author);
    this.#heads = undefined;
  }

  /** Number of an author's events up to a cut and the sum of their SHA-256 mod 2^256, hex. @source 04 E-9 */
  sumUpTo(author: NodeId, cut: { lamport: number; event_id: string }): { count: number; sum: bigint } {
    const rows = this.#db
      .prepare("SELECT sha256 FROM events WHERE author = ? AND (lamport, event_id) <= (?, ?)")
      .all(author, cut.lamport, cut.event_id) as { sha256: Uint8Array }[];
    let sum = 0n;
    for (const row of rows) sum = addHash(sum, row.sha256);
    return { count: rows.length, sum };
  }

  /** @returns whether a row was written */
  #put(onConflict: "OR IGNORE" | "OR REPLACE", { event, raw, hash }: ShapedEvent, receivedAt: number): boolean {
    const { event_id, author, lamport, wall_clock, event_type, data } = event;
    const client = typeof data["client_id"] === "string" ? data["client_id"] : null;
    const { changes } = this.#db
      .prepare(`INSERT ${onConflict} INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)`)
      .run(event_id, author, lamport, wall_clock, event_type, client, raw, hash, receivedAt);
    return changes > 0;
  }

  #placeAndHash({
    event_id,
    author,
  }: Pick<Position, "event_id" | "author">): { lamport: number; sha256: Uint8Array } | undefined {
    const row = this.#db.prepare("SELECT lamport, sha256 FROM events WHERE event_id = ? AND author = ?").get(event_id, author);
    return row as { lamport: number; sha256: Uint8Array } | undefined;
  }

  #hasTwin({ author, lamport, event_id }: Event): boolean {
    const row = this.#db
      .prepare("SELECT 1 FROM events WHERE author = ? AND lamport = ? AND event_id <> ? LIMIT 1")
      .get(author, lamport, event_id);
    return row !== undefined;
  }

  #flag({ author, event_id }: Event, kind: Equivocation["kind"], seenAt: number): void {
    this.#db.prepare("INSERT OR IGNORE INTO equivocation VALUES(?, ?, ?, ?)").run(author, event_id, seenAt, kind);
  }

  #readClock(): { lamport: number; written: number } {
    if (this.#clock === undefined) {
      const { lamport } = this.#db.prepare("SELECT lamport FROM clock").get() as { lamport: number };
      this.#clock = { lamport, written: lamport };
    }
    return this.#clock;
  }

  #writeClock(): void {
    const clock = this.#clock;
    if (clock === undefined || clock.lamport === clock.written) return;
    this.#db.prepare("UPDATE clock SET lamport = ?").run(clock.lamport);
    clock.written = clock.lamport;
  }

  #newest(): { byType: Map<string, number>; byAuthor: Map<NodeId, number> } {
    const of = (column: "event_type" | "author"): Map<string, number> => {
      const rows = this.#db.prepare(`SELECT ${column} AS k, max(lamport) AS v FROM events GROUP BY ${column}`).all();
      return new Map((rows as { k: string; v: number }[]).map(({ k, v }) => [k, v]));
    };
    if (this.#heads === undefined) {
      this.#heads = { byType: of("event_type"), byAuthor: of("author") };
      // What was pruned is known all the same, and not fetched again (E-12).
      for (const row of this.#db.prepare("SELECT author, lamport FROM pruned").iterate())
        raise(this.#heads.byAuthor, (row as { author: string }).author, (row as { lamport: number }).lamport);
    }
    return this.#heads;
  }

  lastOf(author: NodeId): { lamport: number; event_id: string } | null {
    const row = this.#db
      .prepare("SELECT lamport, event_id FROM events WHERE author = ? ORDER BY lamport DESC, event_id DESC LIMIT 1")
      .get(author);
    return (row as { lamport: number; event_id: string } | undefined) ?? null;
  }
}

export function placeOf({ lamport, event_id, author }: Position): Position {
  return { lamport, event_id, author };
}

function fill<R extends { raw: Uint8Array }>(rows: Iterable<R>, wanted: (row: R) => boolean): { events: Event[]; more: boolean } {
  const events: Event[] = [];
  // Half a MiB stays free for the envelope around the events.
  let room = CONSTANTS.SYNC_BODY_MAX_BYTES - 524_288;
  for (const row of rows) {
    if (!wanted(row)) continue;
    if (events.length === CONSTANTS.SYNC_BATCH_MAX_EVENTS || row.raw.byteLength > room) return { events, more: true };
    room -= row.raw.byteLength;
    events.push(decode(row));
  }
  return { events, more: false };
}

function raise(heads: Map<string, number>, key: string, lamport: number): void {
  if (lamport > (heads.get(key) ?? 0)) heads.set(key, lamport);
}

const MODULUS = 1n << 256n;
export function addHash(sum: bigint, hash: Uint8Array): bigint {
  return (sum + BigInt(`0x${Buffer.from(hash).toString("hex")}`)) % MODULUS;
}

export function takeHash(sum: bigint, hash: Uint8Array): bigint {
  return (sum + MODULUS - BigInt(`0x${Buffer.from(hash).toString("hex")}`)) % MODULUS;
}

function decode(row: { raw: Uint8Array }): Event {
  // Only canonical bytes that passed `shapeEvent` are ever written, so plain JSON.parse cannot meet hostile input here.
  return JSON.parse(Buffer.from(row.raw).toString("utf8")) as Event;
}

import {
  CONSTANTS,
  type CommunityId,
  type Event,
  type EventQuery,
  type NodeId,
  type Position,
  type SyncHeads,
} from "../../contract/index.ts";
import { type Database, openDatabase } from "../../foundation/index.ts";
import type { ShapedEvent } from "./shape.ts";

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
];

const PAGE_BYTES = 524_288;
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

/** A point in the order up to which events of one author count, with what the signers had seen of it. @source 04 E-9 */
export interface Cut {
  lamport: number;
  event_id: string;
  count: number | null;
  sum: string | null;
}

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
  /** How many stored events have given way to others under E-17. */
  replacements = 0;

  constructor(path: string) {
    // FULL: a lost own event would make this node reuse a lamport (network.md §5).
    this.#db = openDatabase(path, { migrations: MIGRATIONS, synchronous: "FULL" });
  }

  close(): void {
    this.#db.close();
  }

  transaction<T>(work: () => T): T {
    try {
      return this.#db.transaction(() => {
        const result = work();
        this.#writeClock();
        return result;
      });
    } catch (error) {
      this.#communityId = undefined;
      this.#clock = undefined;
      this.#heads = undefined;
      throw error;
    }
  }

  meta(key: string): string | null {
    const row = this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key) as { value: string } | undefined;
    return row?.value ?? null;
  }

  setMeta(key: string, value: string): void {
    this.#communityId = undefined;
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

  /** Stores an event; `false` when the same bytes stood there already, or win under E-17. Call inside `transaction`. */
  insert(shaped: ShapedEvent, receivedAt: number): boolean {
    const { event, hash } = shaped;
    if (this.#put("OR IGNORE", shaped, receivedAt)) {
      if (this.#heads) {
        raise(this.#heads.byAuthor, event.author, event.lamport);
        raise(this.#heads.byType, event.event_type, event.lamport);
      }
      return true;
    }
    const present = this.#hashOf(event);
    const order = present === undefined ? 0 : Buffer.compare(hash, present);
    if (order === 0) return false;
    this.#db.prepare("INSERT OR IGNORE INTO equivocation VALUES(?, ?, ?)").run(event.author, event.event_id, receivedAt);
    if (order > 0) return false;
    this.#heads = undefined;
    this.replacements += 1;
    return this.#put("OR REPLACE", shaped, receivedAt);
  }

  /** True when exactly these bytes are stored. */
  holds(shaped: ShapedEvent): boolean {
    const present = this.#hashOf(shaped.event);
    return present !== undefined && Buffer.compare(present, shaped.hash) === 0;
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

  /** The last place in the order; null while the log is empty. */
  last(): Position | null {
    const row = this.#db
      .prepare("SELECT lamport, event_id, author FROM events ORDER BY lamport DESC, event_id DESC, author DESC LIMIT 1")
      .get();
    return (row as Position | undefined) ?? null;
  }

  heads(community: CommunityId): SyncHeads {
    const { byType, byAuthor } = this.#newest();
    return {
      community_id: community,
      head: Math.max(0, ...byAuthor.values()),
      heads_by_type: Object.fromEntries(byType),
      heads_by_author: Object.fromEntries(byAuthor),
    };
  }

  size(): number {
    return Number((this.#db.prepare("SELECT count(*) AS n FROM events").get() as { n: number }).n);
  }

  /**
   * What a peer with these per-author heads lacks, ascending, at most 1000 events and 4 MiB.
   * @source 04 E-13
   */
  above(heads: Record<NodeId, number>): { events: Event[]; more: boolean } {
    const known = (author: NodeId): number => (Object.hasOwn(heads, author) ? (heads[author] ?? 0) : 0);
    // Mostly the other side has everything; then nothing is read.
    if ([...this.#newest().byAuthor].every(([author, lamport]) => lamport <= known(author))) return { events: [], more: false };
    const rows = this.#db.prepare("SELECT author, lamport, raw FROM events ORDER BY lamport, event_id, author").iterate();
    const events: Event[] = [];
    // Half a MiB stays free for the envelope around the events.
    let room = CONSTANTS.SYNC_BODY_MAX_BYTES - 524_288;
    for (const row of rows as IterableIterator<{ author: string; lamport: number; raw: Uint8Array }>) {
      if (row.lamport <= known(row.author)) continue;
      if (events.length === CONSTANTS.SYNC_BATCH_MAX_EVENTS || row.raw.byteLength > room) return { events, more: true };
      room -= row.raw.byteLength;
      events.push(decode(row));
    }
    return { events, more: false };
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

  #hashOf({ event_id, author }: Event): Uint8Array | undefined {
    const row = this.#db.prepare("SELECT sha256 FROM events WHERE event_id = ? AND author = ?").get(event_id, author);
    return (row as { sha256: Uint8Array } | undefined)?.sha256;
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
    return (this.#heads ??= { byType: of("event_type"), byAuthor: of("author") });
  }

  lastOf(author: NodeId): { lamport: number; event_id: string } | null {
    const row = this.#db
      .prepare("SELECT lamport, event_id FROM events WHERE author = ? ORDER BY lamport DESC, event_id DESC LIMIT 1")
      .get(author);
    return (row as { lamport: number; event_id: string } | undefined) ?? null;
  }
}

export function placeOf({ lamport, event_id, author }: Event): Position {
  return { lamport, event_id, author };
}

function raise(heads: Map<string, number>, key: string, lamport: number): void {
  if (lamport > (heads.get(key) ?? 0)) heads.set(key, lamport);
}

const MODULUS = 1n << 256n;
export function addHash(sum: bigint, hash: Uint8Array): bigint {
  return (sum + BigInt(`0x${Buffer.from(hash).toString("hex")}`)) % MODULUS;
}

function decode(row: { raw: Uint8Array }): Event {
  // Only canonical bytes that passed `shapeEvent` are ever written, so plain JSON.parse cannot meet hostile input here.
  return JSON.parse(Buffer.from(row.raw).toString("utf8")) as Event;
}

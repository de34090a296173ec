import { createHash } from "node:crypto";
import { CONSTANTS, type CommunityId, type Event, type NodeId, type SyncHeads } from "../../contract/index.ts";
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

  constructor(path: string) {
    // FULL: a lost own event would make this node reuse a lamport (network.md §5).
    this.#db = openDatabase(path, { migrations: MIGRATIONS, synchronous: "FULL" });
  }

  close(): void {
    this.#db.close();
  }

  transaction<T>(work: () => T): T {
    return this.#db.transaction(work);
  }

  meta(key: string): string | null {
    const row = this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key) as { value: string } | undefined;
    return row?.value ?? null;
  }

  setMeta(key: string, value: string): void {
    this.#db.prepare("INSERT INTO meta VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value").run(key, value);
  }

  communityId(): CommunityId | null {
    return this.meta("community_id");
  }

  clock(): number {
    return (this.#db.prepare("SELECT lamport FROM clock").get() as { lamport: number }).lamport;
  }

  setClock(lamport: number): void {
    this.#db.prepare("UPDATE clock SET lamport = ?").run(lamport);
  }

  /** Stores an event; `false` when the same bytes stood there already, or win under E-17. Call inside `transaction`. */
  insert(shaped: ShapedEvent, receivedAt: number): boolean {
    const { event, raw } = shaped;
    const hash = sha256(raw);
    const present = this.#db
      .prepare("SELECT sha256 FROM events WHERE event_id = ? AND author = ?")
      .get(event.event_id, event.author) as { sha256: Uint8Array } | undefined;
    if (present !== undefined) {
      const order = Buffer.compare(hash, present.sha256);
      if (order === 0) return false;
      this.#db.prepare("INSERT OR IGNORE INTO equivocation VALUES(?, ?, ?)").run(event.author, event.event_id, receivedAt);
      if (order > 0) return false;
    }
    const client = event.data["client_id"];
    this.#db
      .prepare("INSERT OR REPLACE INTO events VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(
        event.event_id,
        event.author,
        event.lamport,
        event.wall_clock,
        event.event_type,
        typeof client === "string" ? client : null,
        raw,
        hash,
        receivedAt,
      );
    return true;
  }

  /** True when exactly these bytes are stored. */
  holds(shaped: ShapedEvent): boolean {
    const row = this.#db
      .prepare("SELECT sha256 FROM events WHERE event_id = ? AND author = ?")
      .get(shaped.event.event_id, shaped.event.author) as { sha256: Uint8Array } | undefined;
    return row !== undefined && Buffer.compare(row.sha256, sha256(shaped.raw)) === 0;
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

  heads(community: CommunityId): SyncHeads {
    const byType = this.#db.prepare("SELECT event_type AS k, max(lamport) AS v FROM events GROUP BY event_type").all() as {
      k: string;
      v: number;
    }[];
    const byAuthor = this.#db.prepare("SELECT author AS k, max(lamport) AS v FROM events GROUP BY author").all() as {
      k: string;
      v: number;
    }[];
    return {
      community_id: community,
      head: Math.max(0, ...byAuthor.map((row) => row.v)),
      heads_by_type: Object.fromEntries(byType.map((row) => [row.k, row.v])),
      heads_by_author: Object.fromEntries(byAuthor.map((row) => [row.k, row.v])),
    };
  }

  /**
   * What a peer with these per-author heads lacks, ascending, at most 1000 events and 4 MiB.
   * @source 04 E-13
   */
  above(heads: Record<NodeId, number>): { events: Event[]; more: boolean } {
    const rows = this.#db.prepare("SELECT author, lamport, raw FROM events ORDER BY lamport, event_id, author").iterate();
    const events: Event[] = [];
    // Half a MiB stays free for the envelope around the events.
    let room = CONSTANTS.SYNC_BODY_MAX_BYTES - 524_288;
    for (const row of rows as IterableIterator<{ author: string; lamport: number; raw: Uint8Array }>) {
      if (row.lamport <= (Object.hasOwn(heads, row.author) ? (heads[row.author] ?? 0) : 0)) continue;
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

  lastOf(author: NodeId): { lamport: number; event_id: string } | null {
    const row = this.#db
      .prepare("SELECT lamport, event_id FROM events WHERE author = ? ORDER BY lamport DESC, event_id DESC LIMIT 1")
      .get(author);
    return (row as { lamport: number; event_id: string } | undefined) ?? null;
  }
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

const MODULUS = 1n << 256n;
export function addHash(sum: bigint, hash: Uint8Array): bigint {
  return (sum + BigInt(`0x${Buffer.from(hash).toString("hex")}`)) % MODULUS;
}

function decode(row: { raw: Uint8Array }): Event {
  // Only canonical bytes that passed `shapeEvent` are ever written, so plain JSON.parse cannot meet hostile input here.
  return JSON.parse(Buffer.from(row.raw).toString("utf8")) as Event;
}

import type { NodeId, TokenPayload, Ulid } from "../../contract/index.ts";
import { type Database, openDatabase } from "../../foundation/index.ts";

/** Counters at most that still count something. @source 05 §8 */
const LIVE_MAX = 1000;
/** Of those, of one issuer: nobody fills the table alone. */
const LIVE_PER_ISSUER = 250;
/** A clock may step back; a counter that was forgotten too early would begin anew. */
const KEEP_AFTER_END_SECONDS = 86_400;
const KEEP_ISSUED_SECONDS = 7 * 86_400;

const SCHEMA = `
CREATE TABLE calls(issuer TEXT NOT NULL, jti TEXT NOT NULL, used INTEGER NOT NULL, exp INTEGER NOT NULL, PRIMARY KEY(issuer, jti)) STRICT;
CREATE TABLE issued(
  jti TEXT PRIMARY KEY, asked_by TEXT NOT NULL, client_id TEXT NOT NULL, payload TEXT NOT NULL, at INTEGER NOT NULL, exp INTEGER NOT NULL,
  announced INTEGER NOT NULL, UNIQUE(asked_by, client_id)
) STRICT;
CREATE INDEX issued_at ON issued(asked_by, at);
`;

export interface IssuedRow {
  payload: TokenPayload;
  /** Principal behind it: `self`, a plugin's id or a node's. */
  askedBy: string;
  announced: boolean;
}

interface StoredRow {
  payload: string;
  asked_by: string;
  announced: number;
}

/** What must survive any end of the process: calls counted, tokens issued. Texts of tokens are not kept. @source 05 §7 */
export class TokenStore {
  readonly #db: Database;

  /** @throws internal_error reason db_corrupt */
  constructor(path: string) {
    // A call that was counted and is forgotten again would be given twice, so each is on the disk before it is dispatched.
    this.#db = openDatabase(path, { migrations: [SCHEMA], synchronous: "FULL" });
  }

  /**
   * Counts one call before it is dispatched; what is counted is on disk.
   * @param now  Unix seconds
   * @returns whether it was still among the allowed; `full` when there is no room for another counter
   * @source 05 §7
   */
  count(token: { issuer: NodeId; jti: Ulid; exp: number; max: number }, now: number): "counted" | "used_up" | "full" {
    return this.#db.transaction(() => {
      const used = this.used(token);
      if ((used ?? 0) >= token.max) return "used_up";
      if (used !== null) {
        this.#db.prepare("UPDATE calls SET used = used + 1 WHERE issuer = ? AND jti = ?").run(token.issuer, token.jti);
        return "counted";
      }
      this.#db.prepare("DELETE FROM calls WHERE exp < ?").run(now - KEEP_AFTER_END_SECONDS);
      if (this.#live(now) >= LIVE_MAX || this.#live(now, token.issuer) >= LIVE_PER_ISSUER) return "full";
      this.#db.prepare("INSERT INTO calls VALUES(?, ?, 1, ?)").run(token.issuer, token.jti, token.exp);
      return "counted";
    });
  }

  /** Null: none yet. */
  used({ issuer, jti }: { issuer: NodeId; jti: Ulid }): number | null {
    const row = this.#db.prepare("SELECT used FROM calls WHERE issuer = ? AND jti = ?").get(issuer, jti);
    return row === undefined ? null : (row as { used: number }).used;
  }

  /** Before the token is signed: none exists that is not listed here. */
  remember(row: { payload: TokenPayload; askedBy: string; clientId: Ulid }): void {
    const { payload, askedBy, clientId } = row;
    this.#db.transaction(() => {
      this.#db.prepare("DELETE FROM issued WHERE exp < ?").run(payload.iat - KEEP_ISSUED_SECONDS);
      this.#db
        .prepare("INSERT INTO issued VALUES(?, ?, ?, ?, ?, ?, 0)")
        .run(payload.jti, askedBy, clientId, JSON.stringify(payload), payload.iat, payload.exp);
    });
  }

  announced(jti: Ulid): void {
    this.#db.prepare("UPDATE issued SET announced = 1 WHERE jti = ?").run(jti);
  }

  byClient(askedBy: string, clientId: Ulid): IssuedRow | null {
    return one(this.#db.prepare("SELECT * FROM issued WHERE asked_by = ? AND client_id = ?").get(askedBy, clientId));
  }

  issued(jti: Ulid): IssuedRow | null {
    return one(this.#db.prepare("SELECT * FROM issued WHERE jti = ?").get(jti));
  }

  /** Newest first. */
  list(): IssuedRow[] {
    return this.#db.prepare("SELECT * FROM issued ORDER BY at DESC, jti DESC").all().map(rowOf);
  }

  /** Issued to one asker since a moment, Unix seconds. */
  issuedSince(askedBy: string, since: number): number {
    const row = this.#db.prepare("SELECT count(*) AS n FROM issued WHERE asked_by = ? AND at > ?").get(askedBy, since);
    return (row as { n: number }).n;
  }

  close(): void {
    this.#db.close();
  }

  #live(now: number, issuer?: NodeId): number {
    const row =
      issuer === undefined
        ? this.#db.prepare("SELECT count(*) AS n FROM calls WHERE exp > ?").get(now)
        : this.#db.prepare("SELECT count(*) AS n FROM calls WHERE exp > ? AND issuer = ?").get(now, issuer);
    return (row as { n: number }).n;
  }
}

function one(row: unknown): IssuedRow | null {
  return row === undefined ? null : rowOf(row);
}

function rowOf(row: unknown): IssuedRow {
  const { payload, asked_by, announced } = row as StoredRow;
  return { payload: JSON.parse(payload) as TokenPayload, askedBy: asked_by, announced: announced === 1 };
}

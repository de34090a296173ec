import type { Event, NodeId, Position, TokenCommunity, Ulid } from "../../contract/index.ts";

const TYPE = "auth.token.revoked";
const PAGE = 1000;
/** Kept whatever their age. @source network.md §7 scenario 13 */
const KEPT = 10_000;
/** No token lives longer, clocks included. @source 05 K-7 */
const WORTHLESS_AFTER_MS = (86_400 + 120) * 1000;

interface Row {
  author: NodeId;
  /** The author's word counts for any token: it was trusted at that place of the log, or is the root key. */
  forAll: boolean;
  /** Unix milliseconds. */
  at: number;
}

/**
 * Which tokens were revoked by whom; follows from the log alone. Who may speak for a token is asked when the token is there, so that those never
 * announced are covered as well.
 * @source 05 §5, K-7
 */
export class Revocations {
  readonly #community: TokenCommunity;
  readonly #now: () => number;
  #rows: Map<Ulid, Row[]> = new Map();
  #size = 0;
  #cursor: Position | null = null;
  #stale: "no" | "behind" | "disordered" = "disordered";
  #version = 0;

  /** @param now  Unix milliseconds */
  constructor(community: TokenCommunity, now: () => number) {
    this.#community = community;
    this.#now = now;
  }

  /** The next question reads what has come since, or everything where something changed behind the head. */
  outdated(how: "behind" | "disordered"): void {
    if (this.#stale !== "disordered") this.#stale = how;
  }

  /** Rises with every change. */
  get version(): number {
    this.#refresh();
    return this.#version;
  }

  covers(token: { jti: Ulid; iss: NodeId }): boolean {
    this.#refresh();
    return this.#rows.get(token.jti)?.some(({ author, forAll }) => forAll || author === token.iss) === true;
  }

  #refresh(): void {
    if (this.#stale === "no") return;
    if (this.#stale === "disordered") {
      this.#rows = new Map();
      this.#size = 0;
      this.#cursor = null;
    }
    this.#stale = "no";
    this.#version += 1;
    const root = this.#community.communityId();
    if (root === null) return;
    for (;;) {
      const page = this.#community.read({
        types: [TYPE],
        limit: PAGE,
        ...(this.#cursor === null ? {} : { after: this.#cursor }),
      });
      for (const { event, level } of page.events) {
        this.#add(event, event.author === root || level === "trusted" || level === "anchor");
        this.#cursor = placeOf(event);
      }
      if (page.next === null) break;
      this.#cursor = page.next;
    }
    if (this.#size > KEPT) this.#drop();
  }

  #add({ author, data, wall_clock }: Event, forAll: boolean): void {
    const jti = data["token_id"];
    if (typeof jti !== "string") return;
    const rows = this.#rows.get(jti) ?? [];
    if (rows.some((row) => row.author === author && row.forAll === forAll)) return;
    this.#rows.set(jti, [...rows, { author, forAll, at: Date.parse(wall_clock) }]);
    this.#size += 1;
  }

  /** Only what cannot matter any more goes, and only when there is much. */
  #drop(): void {
    const before = this.#now() - WORTHLESS_AFTER_MS;
    for (const [jti, rows] of this.#rows) {
      const kept = rows.filter(({ at }) => at > before);
      this.#size -= rows.length - kept.length;
      if (kept.length === 0) this.#rows.delete(jti);
      else this.#rows.set(jti, kept);
    }
  }
}

function placeOf({ lamport, event_id, author }: Event): Position {
  return { lamport, event_id, author };
}

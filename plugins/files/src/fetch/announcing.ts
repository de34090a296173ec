/** Tells others what is here: in the community's log what is pinned or shared, directly what is not. @source 30 §5.5, F3 */
import { HnError, type NodeId } from "@hearthnet/sdk-plugin";
import type { Outward } from "./outward.ts";
import { newClientId } from "./client-id.ts";

/** Further ones are told directly. @source 30 §5.5 F3 */
export const EVENTS_PER_DAY = 200;
const DAY_MS = 86_400_000;
const TELL_MS = 5000;
/** Neighbours that are told directly. */
const TELL_MAX = 8;

interface Row {
  client_id: string;
  event_id: string | null;
}

export class Announcing {
  readonly #o: Outward;
  readonly #now: () => number;
  /** One event after the other, so that nothing is said twice. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(outward: Outward, now: () => number) {
    this.#o = outward;
    this.#now = now;
    outward.db.exec(`
      CREATE TABLE IF NOT EXISTS fetch_announced(
        client_id TEXT PRIMARY KEY,
        cid TEXT NOT NULL,
        -- Null until the log has it: after a crash the same event is asked for again.
        event_id TEXT,
        at INTEGER NOT NULL,
        withdrawn INTEGER NOT NULL DEFAULT 0
      ) STRICT, WITHOUT ROWID;
      CREATE UNIQUE INDEX IF NOT EXISTS fetch_announced_cid ON fetch_announced(cid) WHERE withdrawn = 0;
      CREATE INDEX IF NOT EXISTS fetch_announced_at ON fetch_announced(at);
    `);
  }

  /** @returns id of the event that says so, also when it was written earlier; undefined without a community, and once enough was said today */
  async announce(cid: string): Promise<string | undefined> {
    return this.#inTurn(async () => {
      const row = this.#o.store.stat(cid, "own");
      if (row?.complete !== true || row.visibility === "private") return undefined;
      const known = this.#row(cid);
      if (typeof known?.event_id === "string") return known.event_id;
      if (known === undefined && this.#today() >= EVENTS_PER_DAY) return undefined;
      const clientId = known?.client_id ?? newClientId(this.#now());
      if (known === undefined)
        this.#o.db.prepare("INSERT INTO fetch_announced(client_id, cid, at) VALUES(?, ?, ?)").run(clientId, cid, this.#now());
      const data = { cid, size_bytes: row.size_bytes, sizes_bytes: row.size_bytes };
      const id = await this.append("file.cid.advertised", data, clientId);
      if (id !== undefined) this.#o.db.prepare("UPDATE fetch_announced SET event_id = ? WHERE client_id = ?").run(id, clientId);
      return id;
    });
  }

  /** What the log says to be here is so no more. */
  async withdraw(cid: string): Promise<void> {
    await this.#inTurn(async () => {
      const known = this.#row(cid);
      if (known === undefined) return;
      // Also where it is not known whether the log has got the advert: this node may have ended in between.
      if ((await this.append("file.cid.unpinned", { cid })) === undefined) return;
      const { db } = this.#o;
      db.prepare("UPDATE fetch_announced SET withdrawn = 1 WHERE client_id = ?").run(known.client_id);
      db.prepare("DELETE FROM fetch_announced WHERE withdrawn = 1 AND at < ?").run(this.#now() - DAY_MS);
    });
  }

  /** What the log says to be here, and is not: this node ended before it could say so. */
  stale(): string[] {
    return this.#o.db
      .prepare("SELECT cid FROM fetch_announced WHERE withdrawn = 0")
      .all()
      .map((row) => row["cid"] as string)
      .filter((cid) => this.#o.store.stat(cid, "member")?.complete !== true);
  }

  /** Tells some neighbours, best effort. */
  async tell(cid: string, nodes: Iterable<NodeId>): Promise<void> {
    const { ctx } = this.#o;
    const some = [...new Set(nodes)].filter((node) => node !== ctx.identity.nodeId).slice(0, TELL_MAX);
    await Promise.allSettled(
      some.map((node) => ctx.call("file.advertise@1", { input: { cids: [cid] } }, { node, timeoutMs: TELL_MS })),
    );
  }

  /** @returns the event's id; undefined where there is no community, or it takes nothing at the moment */
  async append(type: string, data: object, clientId: string = newClientId(this.#now())): Promise<string | undefined> {
    try {
      return (await this.#o.ctx.events.append(type, data, { clientId })).event_id;
    } catch (error) {
      if (!HnError.isHnError(error)) throw error;
      if (error.code !== "not_found") this.#o.ctx.log.warn(`The community's log did not take ${type}.`, { code: error.code });
      return undefined;
    }
  }

  #row(cid: string): Row | undefined {
    return this.#o.db.prepare("SELECT client_id, event_id FROM fetch_announced WHERE cid = ? AND withdrawn = 0").get(cid) as
      Row | undefined;
  }

  #today(): number {
    const row = this.#o.db.prepare("SELECT count(*) AS n FROM fetch_announced WHERE at > ?").get(this.#now() - DAY_MS);
    return Number(row?.["n"]);
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(step);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/** Keeps copies for neighbours: those that the log says somebody who has the file wants here. @source 30 §6.4, §6.5 */
import { HnError, type NodeId } from "@hearthnet/sdk-plugin";
import type { Clock, Fetching, Outward } from "../fetch/index.ts";
import { refuse } from "../refusal.ts";
import type { Copies } from "./copies.ts";
import { PATIENCE_MS } from "./decide.ts";
import type { Rest } from "./rest.ts";

const HOUR_MS = 3_600_000;
/** In one go; further ones have their turn a minute later. */
const TAKES_MAX = 16;

type KeeperOptions = Outward & { fetching: Fetching; copies: Copies; clock: Clock; rest: Rest };
type Levels = ReadonlyMap<NodeId, string>;

export class Keeper {
  readonly #o: KeeperOptions;
  #keeping: Promise<void> | null = null;
  /** Something was wished for while copies were being brought. */
  #again = false;
  /** Brought, though the log may not have come back with it. */
  readonly #kept = new Set<string>();
  /** When a blob was asked for in vain, so that it is not asked for every minute. */
  readonly #failed = new Map<string, number>();

  constructor(options: KeeperOptions) {
    this.#o = options;
  }

  /** Somebody waits for a copy here, and nobody has given it up yet. */
  get wished(): boolean {
    return this.#asked().next().done !== true;
  }

  /** Not waited for: it may take an hour. */
  begin(members: Levels): void {
    this.#again = true;
    this.#keeping ??= this.#keepOn(members)
      .catch((error: unknown) => this.#complain(error))
      .finally(() => (this.#keeping = null));
  }

  /** Resolves when nothing is being brought. */
  async idle(): Promise<void> {
    await this.#keeping;
  }

  accepts(members: Levels): boolean {
    const { accept_replicas: accepts } = this.#o.config();
    return accepts === "yes" || (accepts === "auto" && members.get(this.#o.ctx.identity.nodeId) === "anchor");
  }

  get keptBytes(): number {
    return this.#o.store.shared({ origin: "replica" }).reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  }

  get budgetLeft(): number {
    return Math.max(0, this.#o.config().replica_budget_bytes - this.keptBytes);
  }

  async #keepOn(members: Levels): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#keep(members);
    }
  }

  /** One after the other. */
  async #keep(members: Levels): Promise<void> {
    const { rest, ctx } = this.#o;
    if (!this.accepts(members)) return;
    for (const { cid, author } of [...this.#asked()].slice(0, TAKES_MAX)) {
      if (rest.now) return;
      try {
        await this.#take(cid, author);
      } catch (error) {
        if (ctx.signal.aborted) throw error;
        if (rest.now) return;
        this.#failed.set(cid, this.#o.clock.now());
        ctx.log.info("A copy that a neighbour asked for could not be kept.", {
          cid,
          why: error instanceof HnError ? (error.reason ?? error.code) : String(error),
        });
      }
    }
    for (const cid of this.#kept) if (this.#o.copies.holders(cid).has(ctx.identity.nodeId)) this.#kept.delete(cid);
    for (const [cid, at] of this.#failed) if (this.#o.clock.now() - at >= HOUR_MS) this.#failed.delete(cid);
  }

  *#asked(): Generator<{ cid: string; author: NodeId }, void, void> {
    const { copies, ctx, store, clock } = this.#o;
    const me = ctx.identity.nodeId;
    for (const { cid, scheduled } of copies.asked(me)) {
      if (clock.now() - scheduled.at > PATIENCE_MS || this.#failed.has(cid)) continue;
      if ((this.#kept.has(cid) || copies.holders(cid).has(me)) && store.complete(cid)) continue;
      yield { cid, author: scheduled.author };
    }
  }

  async #take(cid: string, author: NodeId): Promise<void> {
    const { fetching, config, ctx, copies, rest } = this.#o;
    const frames = fetching.fetch({
      cid,
      sources: [author, ...copies.holders(cid)],
      priority: "low",
      // What has come stays, and the next wish goes on from there.
      signal: AbortSignal.any([ctx.signal, rest.signal]),
      replica: {
        kbps: config().replication_bandwidth_kbps,
        accept: ({ size_bytes }) => {
          if (size_bytes > this.budgetLeft)
            throw refuse("replica_refused", "This node has no room left for copies of neighbours' files.");
        },
      },
    });
    for (let next = await frames.next(); next.done !== true;) next = await frames.next();
    const said = await fetching.announcing.append("file.replication.completed", { cid, holders: [ctx.identity.nodeId] });
    if (said !== undefined) this.#kept.add(cid);
    await fetching.announcing.announce(cid);
  }

  #complain(error: unknown): void {
    if (!this.#o.ctx.signal.aborted) this.#o.ctx.log.warn("Copies could not be looked after.", { error: String(error) });
  }
}

/** Looks after copies at neighbours' nodes, and keeps some for them. @source 30 §6 */
import { HnError, type Message, type NodeId } from "@hearthnet/sdk-plugin";
import { hexOf, isCid } from "../cid/blake3.ts";
import { machineClock, type Clock, type Fetching, type Outward } from "../fetch/index.ts";
import { refuse } from "../refusal.ts";
import type { BlobRow } from "../store/index.ts";
import type { Copies, Known } from "./copies.ts";
import { decide, PATIENCE_MS, type Situation } from "./decide.ts";
import { Seen } from "./seen.ts";

/** What a node says of itself where it offers `file.read`. @source 30 §6.3 */
export const FREE_BYTES = "replication_free_bytes";
const HOUR_MS = 3_600_000;
/** In one go; further ones have their turn a minute later. */
const TAKES_MAX = 16;

export type ReplicatingOptions = Outward & {
  fetching: Fetching;
  copies: Copies;
  /** Says to neighbours how much this node would take; 0: nothing. */
  offer: (freeBytes: number) => Promise<void>;
};

type Taker = Situation["takers"][number];

export class Replicator {
  readonly #o: ReplicatingOptions;
  readonly #clock: Clock;
  readonly #seen: Seen;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #keeping: Promise<void> | null = null;
  #offered = 0;
  /** When a blob was asked for in vain, so that it is not asked for every minute. */
  readonly #failed = new Map<string, number>();

  constructor(options: ReplicatingOptions) {
    this.#o = options;
    this.#clock = options.clock ?? machineClock;
    this.#seen = new Seen(options.db);
    options.store.on(({ kind, cid }) => {
      const step = kind === "gone" ? options.fetching.announcing.withdraw(cid) : this.#sayPinned(cid);
      step.catch((error: unknown) => options.ctx.log.warn("Others could not be told what is here.", { error: String(error) }));
    });
  }

  /** What neighbours want to be kept is brought meanwhile, and not waited for: it may take an hour. */
  tick(): Promise<void> {
    return (this.#looking ??= this.#tick().finally(() => (this.#looking = null)));
  }

  /** Resolves when nothing is being brought for others. */
  async idle(): Promise<void> {
    await this.#keeping;
  }

  /** The log says the same, and later: a message only makes it quicker. */
  async onRequest({ data }: Pick<Message, "data">): Promise<void> {
    const { cid } = Object(data) as { cid?: unknown };
    if (isCid(cid) && [...this.#asked()].some((one) => one.cid === cid)) await this.tick();
  }

  /** This node included where it has all of it; undefined when nothing is known. */
  holders(cid: string): number | undefined {
    const { store, ctx, copies } = this.#o;
    const nodes = new Set(copies.holders(cid));
    if (nodes.size === 0) return undefined;
    if (store.complete(cid)) nodes.add(ctx.identity.nodeId);
    return nodes.size;
  }

  async #tick(): Promise<void> {
    // Not waited for: it asks strangers, and has the next minute as well.
    void this.#o.fetching.beacon.settle();
    const members = await this.#members();
    if (members === null) return;
    const providers = await this.#o.ctx.providers("file.read@1");
    const now = this.#clock.now();
    this.#seen.note(
      providers.map(({ node }) => node),
      now,
    );
    this.#keeping ??= this.#keep(members).finally(() => (this.#keeping = null));
    this.#keeping.catch((error: unknown) => this.#o.ctx.log.warn("Copies could not be looked after.", { error: String(error) }));
    if (now - this.#lookedAt < this.#o.config().replication_interval_seconds * 1000) return;
    this.#lookedAt = now;
    const takers = providers.flatMap(({ node, params }): Taker[] => {
      const { [FREE_BYTES]: freeBytes } = params;
      const level = members.get(node);
      return level === undefined || typeof freeBytes !== "number" ? [] : [{ node, anchor: level === "anchor", freeBytes }];
    });
    await this.#lookAfter(takers);
    await this.#offer(this.#takesCopies(members) ? this.#budgetLeft() : 0);
  }

  /** Everybody's level; null without a community. */
  async #members(): Promise<Map<NodeId, string> | null> {
    try {
      const members = await this.#o.ctx.community.members();
      return new Map(members.map(({ node_id, level }) => [node_id, level]));
    } catch (error) {
      if (HnError.isHnError(error) && error.code === "not_found") return null;
      throw error;
    }
  }

  /** What lies here and is wanted elsewhere too. */
  async #lookAfter(takers: readonly Taker[]): Promise<void> {
    const { store, fetching } = this.#o;
    for (const cid of fetching.announcing.stale()) await fetching.announcing.withdraw(cid);
    const few: string[] = [];
    for (const row of store.shared({ pinned: true })) {
      await fetching.announcing.announce(row.cid);
      const situation = this.#situation(row, takers);
      if (situation.holders.size < situation.desired) few.push(row.cid);
      const decision = decide(situation);
      if (decision.do === "ask") await this.#ask(row.cid, situation.desired, decision);
      if (decision.do === "let go") {
        store.pin(row.cid, false);
        await fetching.announcing.withdraw(row.cid);
      }
    }
    store.guard(few);
  }

  #situation(row: BlobRow, takers: readonly Taker[]): Situation {
    const { ctx, copies, config, hasher } = this.#o;
    const me = ctx.identity.nodeId;
    const { holders, replicas, scheduled }: Known = copies.of(row.cid);
    return {
      me,
      sizeBytes: row.size_bytes,
      now: this.#clock.now(),
      desired: config().desired_copies,
      // The own copy counts also before the log has come back with it.
      holders: new Set([...holders.keys(), me]),
      replicas: row.origin === "replica" ? new Set([...replicas, me]) : new Set([...replicas].filter((node) => node !== me)),
      seenAt: (node) => this.#seen.at(node),
      takers,
      scheduled,
      rank: (node) => hasher.hex(new TextEncoder().encode(row.cid + node)),
      heldSince: row.created_at,
    };
  }

  async #ask(cid: string, desired: number, { candidates, current }: { candidates: string[]; current: number }): Promise<void> {
    const { ctx, fetching } = this.#o;
    const data = { cid, desired_copies: desired, current_copies: current, candidate_holders: candidates };
    if ((await fetching.announcing.append("file.replication.scheduled", data)) === undefined) return;
    await ctx.pubsub.publish(`file.replication.request.${hexOf(cid).slice(0, 4)}`, data);
  }

  /** What neighbours want to be kept here, one after the other. */
  async #keep(members: ReadonlyMap<NodeId, string>): Promise<void> {
    if (!this.#takesCopies(members)) return;
    for (const { cid, author } of [...this.#asked()].slice(0, TAKES_MAX)) {
      try {
        await this.#take(cid, author);
      } catch (error) {
        if (this.#o.ctx.signal.aborted) throw error;
        this.#failed.set(cid, this.#clock.now());
        this.#o.ctx.log.info("A copy that a neighbour asked for could not be kept.", {
          cid,
          why: error instanceof HnError ? (error.reason ?? error.code) : String(error),
        });
      }
    }
    for (const [cid, at] of this.#failed) if (this.#clock.now() - at >= HOUR_MS) this.#failed.delete(cid);
  }

  /** Requests to this node that nobody has given up yet. */
  *#asked(): Generator<{ cid: string; author: NodeId }, void, void> {
    const { copies, ctx, store } = this.#o;
    const me = ctx.identity.nodeId;
    for (const { cid, scheduled } of copies.asked(me)) {
      if (this.#clock.now() - scheduled.at > PATIENCE_MS || this.#failed.has(cid)) continue;
      if (copies.holders(cid).has(me) && store.complete(cid)) continue;
      yield { cid, author: scheduled.author };
    }
  }

  async #take(cid: string, author: NodeId): Promise<void> {
    const { fetching, config, ctx, copies } = this.#o;
    const frames = fetching.fetch({
      cid,
      sources: [author, ...copies.holders(cid)],
      priority: "low",
      signal: ctx.signal,
      replica: {
        kbps: config().replication_bandwidth_kbps,
        accept: ({ size_bytes }) => {
          if (size_bytes > this.#budgetLeft())
            throw refuse("replica_refused", "This node has no room left for copies of neighbours' files.");
        },
      },
    });
    for (let next = await frames.next(); next.done !== true;) next = await frames.next();
    await fetching.announcing.append("file.replication.completed", { cid, holders: [ctx.identity.nodeId] });
    await fetching.announcing.announce(cid);
  }

  #takesCopies(members: ReadonlyMap<NodeId, string>): boolean {
    const { accept_replicas: accepts } = this.#o.config();
    return accepts === "yes" || (accepts === "auto" && members.get(this.#o.ctx.identity.nodeId) === "anchor");
  }

  #budgetLeft(): number {
    const { store, config } = this.#o;
    const kept = store.shared({ origin: "replica" }).reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    return Math.max(0, config().replica_budget_bytes - kept);
  }

  /** Every change goes to every neighbour, so small ones are kept back. */
  async #offer(freeBytes: number): Promise<void> {
    if (Math.abs(freeBytes - this.#offered) * 8 <= this.#offered) return;
    this.#offered = freeBytes;
    await this.#o.offer(freeBytes);
  }

  async #sayPinned(cid: string): Promise<void> {
    const { store, fetching } = this.#o;
    const row = store.stat(cid, "member");
    if (row?.pinned === true && row.origin !== "replica") await fetching.announcing.announce(cid);
  }
}

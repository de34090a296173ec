/** Looks after copies at neighbours' nodes. @source 30 §6 */
import { HnError, type Message, type NodeId } from "@hearthnet/sdk-plugin";
import { hexOf, isCid } from "../cid/blake3.ts";
import { machineClock, type Clock, type Fetching, type Outward } from "../fetch/index.ts";
import type { BlobRow } from "../store/index.ts";
import type { Copies, Known } from "./copies.ts";
import { decide, type Situation } from "./decide.ts";
import { Keeper } from "./keeping.ts";
import { Rest } from "./rest.ts";
import { Seen } from "./seen.ts";

/** What a node says of itself where it offers `file.read`. @source 30 §6.3 */
export const FREE_BYTES = "replication_free_bytes";

export type ReplicatingOptions = Outward & {
  fetching: Fetching;
  copies: Copies;
  /** Says to neighbours how much this node would take; 0: nothing. */
  offer: (freeBytes: number) => Promise<void>;
};

/** What this node does for others' files, for people. */
export interface KeptForOthers {
  accepts: boolean;
  kept_bytes: number;
  budget_bytes: number;
  /** No faster than this, kilobits each second. */
  kbps: number;
  /** Nothing is asked for and nothing kept: the link is metered and the internet is gone. */
  resting: boolean;
}

type Taker = Situation["takers"][number];

export class Replicator {
  readonly #o: ReplicatingOptions;
  readonly #clock: Clock;
  readonly #seen: Seen;
  readonly #rest: Rest;
  readonly #keeper: Keeper;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  #hurrying: Promise<void> | null = null;
  #offered = 0;

  constructor(options: ReplicatingOptions) {
    this.#o = options;
    this.#clock = options.clock ?? machineClock;
    this.#seen = new Seen(options.db);
    this.#rest = new Rest(options.ctx, options.config);
    this.#rest.settle();
    this.#keeper = new Keeper({ ...options, clock: this.#clock, rest: this.#rest });
    options.copies.onWish(() => void this.#hurry());
    options.ctx.availability.on(() => this.configured());
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
    await this.#hurrying;
    await this.#keeper.idle();
  }

  /** The log alone says who is asked, and by whom: a message only has it looked at now. */
  async onRequest({ data }: Pick<Message, "data">): Promise<void> {
    const { cid } = Object(data) as { cid?: unknown };
    if (isCid(cid)) await this.#hurry();
  }

  /** Settings, or what the node can count on, have changed. */
  configured(): void {
    this.#rest.settle();
    if (!this.#rest.now) void this.#hurry();
  }

  /** For people. */
  async facts(): Promise<KeptForOthers> {
    const members = await this.#members();
    const { replica_budget_bytes, replication_bandwidth_kbps } = this.#o.config();
    return {
      accepts: members !== null && this.#keeper.accepts(members),
      kept_bytes: this.#keeper.keptBytes,
      budget_bytes: replica_budget_bytes,
      kbps: replication_bandwidth_kbps,
      resting: this.#rest.now,
    };
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
    this.#keeper.begin(members);
    if (now - this.#lookedAt < this.#o.config().replication_interval_seconds * 1000) return;
    this.#lookedAt = now;
    const takers = providers.flatMap(({ node, params }): Taker[] => {
      const { [FREE_BYTES]: freeBytes } = params;
      const level = members.get(node);
      return level === undefined || typeof freeBytes !== "number" ? [] : [{ node, anchor: level === "anchor", freeBytes }];
    });
    await this.#lookAfter(takers);
    await this.#offer(this.#keeper.accepts(members) && !this.#rest.now ? this.#keeper.budgetLeft : 0);
  }

  /** What has just been wished for does not wait for the minute to be over. Never rejects. */
  #hurry(): Promise<void> {
    return (this.#hurrying ??= this.#lookNow().finally(() => (this.#hurrying = null)));
  }

  async #lookNow(): Promise<void> {
    try {
      const members = await this.#members();
      if (members !== null && this.#keeper.wished) this.#keeper.begin(members);
    } catch (error) {
      this.#o.ctx.log.debug("A wish for a copy waits for its minute.", { error: String(error) });
    }
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
      if (decision.do === "ask" && !this.#rest.now) await this.#ask(row.cid, situation.desired, decision);
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
    const { fetching } = this.#o;
    const data = { cid, desired_copies: desired, current_copies: current, candidate_holders: candidates };
    if ((await fetching.announcing.append("file.replication.scheduled", data)) === undefined) return;
    await this.#tell(cid, data);
  }

  /** For whoever listens to this node; the log tells everybody, so it may fail. */
  async #tell(cid: string, data: object): Promise<void> {
    const { pubsub, grants, log } = this.#o.ctx;
    if (!grants.has("pubsub.publish")) return;
    try {
      await pubsub.publish(`file.replication.request.${hexOf(cid).slice(0, 4)}`, data);
    } catch (error) {
      log.debug("A wish for copies was not published on its topic.", { cid, why: String(error) });
    }
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

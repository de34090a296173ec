/** Brings one blob from whoever has it. @source 30 §5 */
import { HnError, type Frame, type NodeId } from "@hearthnet/sdk-plugin";
import type { Manifest } from "../cid/manifest.ts";
import { Adverts } from "./adverts.ts";
import { Announcing } from "./announcing.ts";
import { Beacon } from "./beacon.ts";
import { machineClock, pause, type Clock } from "./clock.ts";
import { gather, nobody } from "./gathering.ts";
import type { Outward } from "./outward.ts";
import type { PlanRules } from "./plan.ts";
import { readManifestOf } from "./reading.ts";
import { sourcesOf } from "./sources.ts";

export interface FetchWish {
  cid: string;
  sources: NodeId[];
  priority: "low" | "normal" | "high";
  signal: AbortSignal;
  /** A copy that is kept for others: pinned, one request at a time, and whoever asked for it says so. */
  replica?: {
    /** @throws what keeps this node from taking it */
    accept: (manifest: Manifest) => void;
    kbps: number;
  };
}

export interface FetchDone {
  cid: string;
  size_bytes: number;
  /** Those that something came from. */
  sources: NodeId[];
  ms: number;
}

/** Of chunks in one request. Some begin each answer with the file's description, which grows with the file: large ones are fetched in larger pieces. */
const BATCH = { min: 64, max: 256, pieces: 128 };
/** So often those are asked for the description that did not answer. */
const ROUNDS = 3;
const ROUND_PAUSE_MS = 1000;

type Tiers = AsyncGenerator<NodeId[], void, void>;

export class Fetcher {
  readonly adverts: Adverts;
  readonly announcing: Announcing;
  readonly beacon: Beacon;
  readonly #o: Outward;
  readonly #clock: Clock;
  /** By content id: whoever wants the same waits, and then finds it. */
  readonly #running = new Map<string, Promise<void>>();

  constructor(outward: Outward) {
    this.#o = outward;
    this.#clock = outward.clock ?? machineClock;
    this.adverts = new Adverts(outward.db, () => this.#clock.now());
    this.announcing = new Announcing(outward, () => this.#clock.now());
    this.beacon = new Beacon(outward);
  }

  /** Once for each content at a time. Leaving it ends every request to others. */
  async *fetch(wish: FetchWish): AsyncGenerator<Frame, FetchDone, void> {
    const started = this.#clock.now();
    const { cid } = wish;
    for (let before = this.#running.get(cid); before !== undefined; before = this.#running.get(cid))
      await orAborted(before, wish.signal);
    const ended = Promise.withResolvers<void>();
    this.#running.set(cid, ended.promise);
    const left = new AbortController();
    const signal = AbortSignal.any([wish.signal, left.signal, this.#o.ctx.signal]);
    try {
      const { size, sources } = yield* this.#bring({ ...wish, signal });
      return { cid, size_bytes: size, sources, ms: Math.max(0, Math.round(this.#clock.now() - started)) };
    } finally {
      left.abort(new DOMException("The fetch has ended.", "AbortError"));
      this.#running.delete(cid);
      ended.resolve();
    }
  }

  async *#bring(wish: FetchWish): AsyncGenerator<Frame, { size: number; sources: NodeId[] }, void> {
    const { cid, signal, replica } = wish;
    const { store, ctx, holders } = this.#o;
    const here = store.stat(cid, "own");
    if (here?.complete === true) {
      if (replica !== undefined) store.pin(cid, true);
      return { size: here.size_bytes, sources: [] };
    }
    const tiers = sourcesOf({ cid, explicit: wish.sources, signal }, { ctx, adverts: this.adverts, holders });
    const known: NodeId[] = [];
    const manifest = (await this.#begun(cid)) ?? (await this.#describe(wish, tiers, known));
    replica?.accept(manifest);
    const incoming = await store.receive(manifest, {
      visibility: "community",
      origin: replica === undefined ? "fetched" : "replica",
      ...(replica === undefined ? {} : { pin: true }),
    });
    try {
      const further = async (): Promise<readonly NodeId[] | null> => {
        const next = await tiers.next();
        if (next.done === true) return null;
        known.push(...next.value);
        return next.value;
      };
      const sources = yield* gather({
        incoming,
        known,
        further,
        rules: this.#rules(wish, manifest.chunks.length),
        kbps: replica?.kbps,
        ctx,
        clock: this.#clock,
        signal,
        onLiar: (node) => this.#strike(node, cid),
        onLack: (node) => this.adverts.forget(node, cid),
      });
      await incoming.finish();
      if (replica === undefined) await this.#say(cid, known);
      return { size: manifest.size_bytes, sources };
    } finally {
      incoming.close();
    }
  }

  /** The description of what an earlier fetch has left. */
  async #begun(cid: string): Promise<Manifest | null> {
    const begun = await this.#o.store.incoming(cid, null);
    begun?.close();
    return begun?.manifest ?? null;
  }

  /** The description, from the first that gives one that fits. @param known  gets those that may have the file */
  async #describe(wish: FetchWish, tiers: Tiers, known: NodeId[]): Promise<Manifest> {
    const silent: NodeId[] = [];
    // Not with for-await: leaving it would end the search, and others may be needed later.
    for (let next = await tiers.next(); next.done !== true; next = await tiers.next()) {
      const found = await this.#describedBy(next.value, wish, silent);
      if (found === null) continue;
      // Those that were not asked yet are as good as the one that was.
      known.push(...next.value.slice(found.at), ...silent);
      return found.manifest;
    }
    for (let round = 1; round < ROUNDS && silent.length > 0; round += 1) {
      await pause(this.#clock, ROUND_PAUSE_MS * 3 ** (round - 1), wish.signal);
      const again = silent.splice(0);
      const found = await this.#describedBy(again, wish, silent);
      if (found === null) continue;
      known.push(...again.slice(found.at), ...silent);
      return found.manifest;
    }
    throw nobody(silent.length);
  }

  async #describedBy(
    nodes: readonly NodeId[],
    { cid, signal }: FetchWish,
    silent: NodeId[],
  ): Promise<{ manifest: Manifest; at: number } | null> {
    const { hasher, ctx } = this.#o;
    for (const [at, node] of nodes.entries()) {
      try {
        return { manifest: await readManifestOf(cid, hasher, { ctx, clock: this.#clock, node, signal }), at };
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, reason } = HnError.isHnError(error) ? error : { code: null, reason: undefined };
        if (reason === "manifest_invalid") this.#strike(node, cid);
        else if (code === "not_found") this.adverts.forget(node, cid);
        else silent.push(node);
      }
    }
    return null;
  }

  #strike(node: NodeId, cid: string): void {
    this.adverts.demote(node);
    this.adverts.forget(node, cid);
    const what = "A node sent something else than the file that was asked for; it is asked last from now on.";
    this.#o.ctx.log.warn(what, { node, cid });
  }

  /** Pinned: everybody is told; otherwise those who may have it, as they are interested. @source 30 §5.5 */
  async #say(cid: string, known: readonly NodeId[]): Promise<void> {
    const id = this.#o.store.stat(cid, "own")?.pinned === true ? await this.announcing.announce(cid) : undefined;
    if (id === undefined) await this.announcing.tell(cid, known);
  }

  #rules({ priority, replica }: FetchWish, chunks: number): PlanRules {
    const batch = Math.min(BATCH.max, Math.max(BATCH.min, Math.ceil(chunks / BATCH.pieces)));
    return { streams: replica !== undefined || priority === "low" ? 1 : this.#o.config().fetch_concurrency, batch };
  }
}

async function orAborted(step: Promise<void>, signal: AbortSignal): Promise<void> {
  const gone = Promise.withResolvers<never>();
  const stop = (): void => gone.reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([step, gone.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

import type {
  Clock,
  Community,
  Event,
  GossipFacts,
  Log,
  NodeId,
  PeerLink,
  PeerPlace,
  Random,
  SyncReport,
  Timer,
} from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

/** Quiet time between two exchanges with one peer, and the same without the internet. @source 04 §8 */
const INTERVAL_MS = 300_000;
const EMERGENCY_INTERVAL_MS = 30_000;
/** Nobody meets all others in the same second: this much more or less of every wait. */
const JITTER = 0.1;
/** What is written within this time goes over in one request. */
const GATHER_MS = 50;
const BACKOFF_MS = { first: 5000, most: INTERVAL_MS };
/** What a peer is believed to hold is forgotten once a day. @source network.md §5 "Peer memory is only a hint" */
const HINT_MS = 86_400_000;
const AT_ONCE = 4;
/** Who takes longer has had its place: four that drip their pages would keep what is written here from all others. */
const PLACE_MS = 10_000;
/** How often what is believed to be equal is compared under a salt; for the first time within this after a start. @source network.md §5 stage 3 */
const SALTED_MS = 86_400_000;
const SALTED_FIRST_MS = 3_600_000;
/** Members of a community, and some that were. */
const SALTED_MAX = 4096;

export interface GossipOptions {
  nodeId: NodeId;
  community: Pick<
    Community,
    "communityId" | "standing" | "heads" | "syncWith" | "compareSalted" | "pushTo" | "onEvent" | "onStored"
  >;
  link: PeerLink;
  /** Nodes that answer at present; who is no member is passed over. */
  reachable: () => PeerPlace[];
  /** True while the internet is gone: neighbours are asked more often. */
  emergency?: () => boolean;
  clock: Clock;
  random: Random;
  log: Log;
}

interface PeerState {
  place: PeerPlace;
  /** Monotonic milliseconds. */
  dueAt: number;
  failures: number;
  running: Promise<SyncReport> | null;
  /** Since when, monotonic milliseconds. */
  since: number;
  /** Heads that the peer is believed to have. */
  hint: { heads: Record<NodeId, number>; until: number } | null;
  /** Something was written for it to hear of. */
  news: boolean;
  last: { at: number; report: SyncReport } | null;
}

/**
 * Keeps the log equal to that of every member that can be reached: at intervals, when one comes into reach, and at once with what is written here.
 * @source 04 §8, network.md §5
 */
export class Gossip {
  readonly #o: GossipOptions;
  readonly #peers: Map<NodeId, PeerState> = new Map();
  /** When each is next compared under a salt, monotonic milliseconds: whoever comes and goes is not spared. */
  readonly #saltedAt: Map<NodeId, number> = new Map();
  readonly #unsubscribe: (() => void)[];
  #timer: Timer | null = null;
  #gathering: Timer | null = null;
  #communityId: string | null;
  #closed = false;

  constructor(options: GossipOptions) {
    this.#o = options;
    this.#communityId = options.community.communityId();
    this.#unsubscribe = [
      options.community.onEvent((event) => this.#heard(event)),
      options.community.onStored(() => this.#moved()),
    ];
    this.look();
  }

  rows(): GossipFacts[] {
    return [...this.#peers.values()].map(({ place, last, failures }) => ({
      node_id: place.node_id,
      synced_at: last?.at ?? null,
      stage: last?.report.stage ?? null,
      failures,
    }));
  }

  /** Who can be reached may have changed: who is new, or back, is met at once. */
  look(): void {
    if (this.#closed) return;
    const { community, clock, nodeId } = this.#o;
    const here = new Map(
      (community.communityId() === null ? [] : this.#o.reachable())
        .filter(({ node_id }) => node_id !== nodeId && community.standing(node_id).kind === "member")
        .map((place) => [place.node_id, place]),
    );
    for (const node of this.#peers.keys()) if (!here.has(node)) this.#peers.delete(node);
    for (const [node, place] of here) {
      const known = this.#peers.get(node);
      if (known !== undefined) known.place = place;
      else this.#peers.set(node, newState(place, clock.monotonic()));
    }
    this.#pump();
  }

  /** Exchanges with one member now. @throws what the peer refuses with · not_found no_community */
  async meet(place: PeerPlace): Promise<SyncReport> {
    const { clock } = this.#o;
    const state = this.#peers.get(place.node_id) ?? newState(place, clock.monotonic());
    state.place = place;
    this.#peers.set(place.node_id, state);
    // One that began before may have passed what the caller wants to have exchanged.
    await state.running?.catch(() => undefined);
    return this.#exchange(state);
  }

  /** Exchanges with every member in reach. @returns what became of each */
  async meetAll(): Promise<{ node_id: NodeId; report: SyncReport | null; error: HnError | null }[]> {
    this.look();
    return Promise.all(
      [...this.#peers.values()].map(async ({ place }) => {
        try {
          return { node_id: place.node_id, report: await this.meet(place), error: null };
        } catch (error) {
          return { node_id: place.node_id, report: null, error: HnError.from(error) };
        }
      }),
    );
  }

  close(): void {
    this.#closed = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#timer?.cancel();
    this.#gathering?.cancel();
  }

  /** Another community is another circle. */
  #moved(): void {
    const id = this.#o.community.communityId();
    if (id === this.#communityId) return;
    this.#communityId = id;
    this.#peers.clear();
    this.look();
  }

  #heard(event: Event): void {
    if (this.#closed) return;
    if (event.event_type.startsWith("community.")) this.look();
    if (event.author !== this.#o.nodeId) return;
    for (const state of this.#peers.values()) state.news = true;
    this.#gathering ??= this.#o.clock.setTimeout(() => {
      this.#gathering = null;
      this.#pump();
    }, GATHER_MS);
  }

  /** Begins what is due, as far as places are free, and sets the alarm for the next. */
  #pump(): void {
    if (this.#closed) return;
    this.#timer?.cancel();
    const now = this.#o.clock.monotonic();
    const states = [...this.#peers.values()].filter(({ running }) => running === null);
    const places = [...this.#peers.values()].filter(({ running, since }) => running !== null && since + PLACE_MS > now);
    const free = Math.max(0, AT_ONCE - places.length);
    const due = states
      .filter(({ dueAt, news, failures }) => dueAt <= now || (news && failures === 0))
      .toSorted((a, b) => Number(b.news) - Number(a.news) || a.dueAt - b.dueAt);
    const begun = due.slice(0, free);
    for (const state of begun) void this.#exchange(state).catch((error: unknown) => this.#complain(state, error));
    const next = Math.min(
      ...states.filter((state) => !due.includes(state)).map(({ dueAt }) => dueAt),
      ...(due.length > free ? [...places, ...begun].map(({ since }) => since + PLACE_MS) : []),
    );
    if (Number.isFinite(next)) this.#timer = this.#o.clock.setTimeout(() => this.look(), next - now);
  }

  #exchange(state: PeerState): Promise<SyncReport> {
    state.since = this.#o.clock.monotonic();
    const work = this.#once(state).finally(() => {
      state.running = null;
      this.#pump();
    });
    state.running = work;
    return work;
  }

  async #once(state: PeerState): Promise<SyncReport> {
    const { clock, community, link } = this.#o;
    const { place, hint } = state;
    const now = clock.monotonic();
    const pushes = state.news && state.dueAt > now && hint !== null && hint.until > now;
    state.news = false;
    state.hint = null;
    try {
      const report = pushes ? await community.pushTo(place, hint.heads, link) : await community.syncWith(place, link);
      // Both sides have each other's events now.
      state.hint = { heads: community.heads().heads_by_author, until: pushes ? hint.until : clock.monotonic() + HINT_MS };
      state.failures = 0;
      state.last = { at: clock.now(), report };
      if (!pushes && report.stage === 0) await this.#compareSalted(state);
      if (!pushes)
        state.dueAt = clock.monotonic() + this.#jittered(this.#o.emergency?.() === true ? EMERGENCY_INTERVAL_MS : INTERVAL_MS);
      return report;
    } catch (error) {
      const asked = HnError.isHnError(error) ? (error.retryAfterMs ?? 0) : 0;
      const backoff = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** state.failures++);
      state.dueAt = clock.monotonic() + Math.max(asked, this.#jittered(backoff));
      throw error;
    }
  }

  /** Once a day; whatever it comes to, the exchange before it has succeeded. */
  async #compareSalted(state: PeerState): Promise<void> {
    const { clock, community, link, random, log } = this.#o;
    const { place } = state;
    const now = clock.monotonic();
    const due = this.#saltedAt.get(place.node_id);
    if (due === undefined) {
      if (this.#saltedAt.size >= SALTED_MAX) this.#saltedAt.clear();
      const share = (random(1)[0] ?? 0) / 255;
      this.#saltedAt.set(place.node_id, now + share * SALTED_FIRST_MS);
    }
    if (due === undefined || due > now) return;
    this.#saltedAt.set(place.node_id, now + this.#jittered(SALTED_MS));
    try {
      const report = await community.compareSalted(place, link);
      if (report?.stage !== 3) return;
      state.last = { at: clock.now(), report };
      log.warn("a neighbour's log was another one, though its sums were the same; both have everything now", {
        peer: place.node_id,
      });
    } catch (error) {
      this.#complain(state, error);
    }
  }

  #jittered(ms: number): number {
    const share = (this.#o.random(1)[0] ?? 0) / 255;
    return Math.round(ms * (1 - JITTER + 2 * JITTER * share));
  }

  #complain({ place }: PeerState, error: unknown): void {
    const { code, reason } = HnError.from(error);
    this.#o.log.debug("logs not exchanged", { peer: place.node_id, code, reason });
  }
}

function newState(place: PeerPlace, now: number): PeerState {
  return { place, dueAt: now, failures: 0, running: null, since: now, hint: null, news: false, last: null };
}

/** Finds the contacts nearest to a key, and what they keep under it, step by step. @source 06 §5, network §3 */
import type { Clock, DhtContact, DhtValue, NodeId } from "../contract/index.ts";
import { peerOf, type Peer } from "./contact.ts";
import { compareDistance } from "./distance.ts";

export interface Answer {
  closer: DhtContact[];
  /** Checked. */
  values: DhtValue[];
}

export interface LookupOptions {
  target: Uint8Array;
  self: NodeId;
  start: readonly Peer[];
  /** Who is not to be asked: an earlier try heard of them already that they have nothing. */
  without?: Iterable<NodeId>;
  /** How many of the closest must have answered. */
  width: number;
  /** Questions at a time on each path. */
  alpha: number;
  /** Paths that share no contact. */
  paths: number;
  clock: Clock;
  /** Asks one contact. Rejections count as silence. */
  ask: (peer: Peer, signal: AbortSignal) => Promise<Answer>;
  /** Ends soon after somebody had values. */
  forValues: boolean;
  /** Contacts that may be dialled at all. */
  admits: (contact: DhtContact) => boolean;
  signal?: AbortSignal;
  budgetMs?: number;
  questionsMax?: number;
}

export interface Found {
  /** Nearest first; each of them has answered. */
  closest: Peer[];
  values: DhtValue[];
  /** The nearest that answered and had no value. */
  lacking: Peer | undefined;
  /** All that answered and had no value. */
  empty: NodeId[];
  questions: number;
  /** The time or the questions were used up before the end was reached. */
  cutShort: boolean;
}

/** Who is silent for longer than this no longer keeps others from being asked. */
const SLOW_MS = 500;
const BUDGET_MS = 10_000;
const QUESTIONS_MAX = 64;

interface Candidate {
  peer: Peer;
  path: number;
  state: "new" | "asked" | "answered" | "silent";
}

export async function lookup(o: LookupOptions): Promise<Found> {
  const run = new Run(o);
  return run.done;
}

class Run {
  readonly #o: LookupOptions;
  readonly #known: Set<NodeId>;
  readonly #empty: NodeId[] = [];
  /** By path, nearest first. */
  readonly #paths: Candidate[][];
  readonly #abort = new AbortController();
  readonly #result = Promise.withResolvers<Found>();
  /** Questions that count against a path's share. */
  readonly #busy: number[];
  readonly #values: DhtValue[] = [];
  #lacking: Peer | undefined;
  #questions = 0;
  /** Questions that may still be asked after the first hit; a whole round, so that several holders are seen. */
  #afterHit = Infinity;
  #open = 0;
  #over = false;

  constructor(o: LookupOptions) {
    this.#o = o;
    this.#known = new Set(o.without);
    this.#busy = Array.from({ length: o.paths }, () => 0);
    this.#paths = Array.from({ length: o.paths }, () => []);
    const timer = o.clock.setTimeout(() => this.#finish(true), o.budgetMs ?? BUDGET_MS);
    const onAbort = (): void => this.#finish(true);
    o.signal?.addEventListener("abort", onAbort, { once: true });
    void this.#result.promise.finally(() => {
      timer.cancel();
      o.signal?.removeEventListener("abort", onAbort);
    });
    for (const [index, peer] of o.start.entries()) this.#meet(peer, index % o.paths);
    if (o.signal?.aborted === true) this.#finish(true);
    else this.#step();
  }

  get done(): Promise<Found> {
    return this.#result.promise;
  }

  /** A contact is asked by the path that met it first, and by no other. */
  #meet(peer: Peer, path: number): void {
    if (peer.nodeId === this.#o.self || this.#known.has(peer.nodeId)) return;
    this.#known.add(peer.nodeId);
    const candidates = this.#paths[path] ?? [];
    let [low, high] = [0, candidates.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const there = candidates[middle]?.peer.id ?? peer.id;
      if (compareDistance(this.#o.target, there, peer.id) < 0) low = middle + 1;
      else high = middle;
    }
    candidates.splice(low, 0, { peer, path, state: "new" });
  }

  #step(): void {
    if (this.#over) return;
    const questionsMax = this.#o.questionsMax ?? QUESTIONS_MAX;
    for (let path = 0; path < this.#o.paths; path += 1) {
      for (const candidate of this.#next(path)) {
        if ((this.#busy[path] ?? 0) >= this.#o.alpha || this.#questions >= questionsMax || this.#afterHit <= 0) break;
        this.#question(candidate);
      }
    }
    // Who has been silent for long may still have what nobody else had; once somebody had it, nobody waits for them.
    const isAwaited = this.#values.length > 0 ? this.#busy.some((count) => count > 0) : this.#open > 0;
    if (isAwaited) return;
    this.#finish(this.#questions >= questionsMax && this.#paths.some((_, path) => this.#next(path).length > 0));
  }

  /** Those of the closest that were not asked yet. */
  #next(path: number): Candidate[] {
    const found: Candidate[] = [];
    let seen = 0;
    for (const candidate of this.#paths[path] ?? []) {
      if (candidate.state === "silent") continue;
      if (seen >= this.#o.width) break;
      seen += 1;
      if (candidate.state === "new") found.push(candidate);
    }
    return found;
  }

  #question(candidate: Candidate): void {
    const { path, peer } = candidate;
    candidate.state = "asked";
    this.#questions += 1;
    this.#afterHit -= 1;
    this.#open += 1;
    this.#busy[path] = (this.#busy[path] ?? 0) + 1;
    let counts = true;
    const release = (): void => {
      if (counts) this.#busy[path] = (this.#busy[path] ?? 1) - 1;
      counts = false;
    };
    const slow = this.#o.clock.setTimeout(() => {
      release();
      this.#step();
    }, SLOW_MS);
    void this.#o
      .ask(peer, this.#abort.signal)
      .then(
        (answer) => this.#answered(candidate, answer),
        () => void (candidate.state = "silent"),
      )
      .finally(() => {
        slow.cancel();
        release();
        this.#open -= 1;
        this.#step();
      });
  }

  #answered(candidate: Candidate, { closer, values }: Answer): void {
    candidate.state = "answered";
    for (const contact of closer) if (this.#o.admits(contact)) this.#meet(peerOf(contact), candidate.path);
    if (values.length > 0) {
      this.#values.push(...values);
      if (this.#o.forValues && this.#afterHit === Infinity) this.#afterHit = this.#o.alpha;
      return;
    }
    this.#empty.push(candidate.peer.nodeId);
    const { target } = this.#o;
    const lacking = this.#lacking;
    if (lacking === undefined || compareDistance(target, candidate.peer.id, lacking.id) < 0) this.#lacking = candidate.peer;
  }

  #finish(cutShort: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort(new DOMException("The lookup has ended.", "AbortError"));
    this.#result.resolve({
      closest: this.#paths
        .flat()
        .filter(({ state }) => state === "answered")
        .map(({ peer }) => peer)
        .sort((a, b) => compareDistance(this.#o.target, a.id, b.id))
        .slice(0, this.#o.width),
      values: this.#values,
      lacking: this.#lacking,
      empty: this.#empty,
      questions: this.#questions,
      cutShort,
    });
  }
}

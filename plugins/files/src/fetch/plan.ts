/** Who is asked for which chunks, and when to stop. Pure: knows no network, no disk and no time but what it is told. @source 30 §5.2 */

export interface PlanRules {
  /** Requests at once, over all sources. */
  streams: number;
  /** Chunks that one request asks for at most. */
  batch: number;
}

/** One request: these chunks of this source, and of nobody else meanwhile. */
export interface Piece {
  readonly source: string;
  /** Ascending. */
  readonly chunks: readonly number[];
}

/**
 * How a request ended.
 * - `whole`: the source said that this was all.
 * - `broken`: anything that may be better next time.
 * - `lacks`: the source has not got the file.
 * - `lied`: what came was not what the file's description says, or was never asked for.
 */
export type Ending = "whole" | "broken" | "lacks" | "lied";

interface Source {
  id: string;
  /** Requests under way. */
  busy: number;
  /** Requests in a row that brought nothing. */
  misses: number;
  /** Not to be asked before; milliseconds. */
  readyAt: number;
  out: boolean;
}

/** So often one chunk is tried with one source, and one source without anything coming. @source 30 §2 "3×", §5.2 */
const TRIES = 3;
/** After the first miss; threefold after each further one. */
const PAUSE_MS = 1000;

/**
 * Every chunk is under way with one source at most, and a source that lied is asked for nothing more of this blob. There are at most four requests
 * for each chunk and three for each source, whatever the sources do: a request brings a chunk, or it counts as a miss.
 * @example
 * const plan = new Plan([0, 1, 2], { streams: 4, batch: 64 });
 * plan.add("ed25519:…");
 * for (let piece = plan.take(now); piece !== null; piece = plan.take(now)) ask(piece);
 */
export class Plan {
  readonly #rules: PlanRules;
  /** Neither here nor under way; ascending as long as nothing goes wrong. */
  readonly #open: Set<number>;
  /** Not here. */
  readonly #left: Set<number>;
  readonly #sources = new Map<string, Source>();
  /** By piece, what has not come yet. */
  readonly #running = new Map<Piece, Set<number>>();
  readonly #brought = new Set<Piece>();
  /** By chunk and source; only chunks that have failed. */
  readonly #failed = new Map<number, Map<string, number>>();

  constructor(wanted: Iterable<number>, rules: PlanRules) {
    this.#rules = rules;
    this.#left = new Set(wanted);
    this.#open = new Set(this.#left);
  }

  /** The earlier it is added, the rather it is asked. @returns false when it is known already */
  add(id: string): boolean {
    if (this.#sources.has(id)) return false;
    this.#sources.set(id, { id, busy: 0, misses: 0, readyAt: 0, out: false });
    return true;
  }

  /** Nothing is missing any more. */
  get done(): boolean {
    return this.#left.size === 0;
  }

  get left(): number {
    return this.#left.size;
  }

  /** How many there are or were to ask. */
  get sources(): number {
    return this.#sources.size;
  }

  /** Some chunk can be had of none of the sources, whatever is waited for. */
  get starving(): boolean {
    const usable = this.#usable();
    if (usable.length === 0) return !this.done;
    return this.#failed.keys().some((i) => this.#left.has(i) && usable.every(({ id }) => this.#failures(i, id) >= TRIES));
  }

  /** @param now  milliseconds @returns the next request; null when none can be made now */
  take(now: number): Piece | null {
    if (this.#open.size === 0 || this.#running.size >= this.#rules.streams) return null;
    // Whoever has least to do comes first, of equals whoever was added first.
    const ready = this.#usable()
      .filter(({ readyAt }) => readyAt <= now)
      .toSorted((a, b) => a.busy - b.busy);
    // So many that each stream gets something.
    const share = Math.ceil(this.#open.size / (this.#rules.streams - this.#running.size));
    for (const source of ready) {
      const chunks = this.#pick(source.id, ready, Math.min(share, this.#rules.batch));
      if (chunks.length === 0) continue;
      const piece: Piece = { source: source.id, chunks };
      for (const i of chunks) this.#open.delete(i);
      source.busy += 1;
      this.#running.set(piece, new Set(chunks));
      return piece;
    }
    return null;
  }

  /** Whether this request still owes the chunk. */
  owes(piece: Piece, i: number): boolean {
    return this.#running.get(piece)?.has(i) === true;
  }

  /** It came, was verified and stored. */
  arrived(piece: Piece, i: number): void {
    if (this.#running.get(piece)?.delete(i) !== true) return;
    this.#left.delete(i);
    this.#failed.delete(i);
    this.#brought.add(piece);
  }

  /** @param waitMs  how long the source wants to be left alone */
  end(piece: Piece, ending: Ending, { now, waitMs = 0 }: { now: number; waitMs?: number }): void {
    const owed = this.#running.get(piece);
    const source = this.#sources.get(piece.source);
    if (owed === undefined || source === undefined) return;
    this.#running.delete(piece);
    const brought = this.#brought.delete(piece);
    source.busy -= 1;
    for (const i of owed) this.#open.add(i);
    if (ending === "lied" || ending === "lacks") source.out = true;
    if (brought) source.misses = 0;
    const [first] = owed;
    if (first === undefined || source.out) return;
    const failed = this.#failed.get(first) ?? new Map<string, number>();
    this.#failed.set(first, failed.set(source.id, this.#failures(first, source.id) + 1));
    source.misses += 1;
    if (source.misses >= TRIES) source.out = true;
    source.readyAt = Math.max(source.readyAt, now + Math.max(waitMs, PAUSE_MS * 3 ** (source.misses - 1)));
  }

  /** When a source may be asked again; null when nothing is waited for. */
  get wakeAt(): number | null {
    const times = this.#usable()
      .filter(({ id }) => this.#open.keys().some((i) => this.#failures(i, id) < TRIES))
      .map(({ readyAt }) => readyAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  #usable(): Source[] {
    return [...this.#sources.values()].filter(({ out }) => !out);
  }

  /** A chunk goes to whom it has failed with least, of those that can be asked now. */
  #pick(source: string, ready: readonly Source[], atMost: number): number[] {
    const chunks: number[] = [];
    for (const i of this.#open) {
      if (chunks.length >= atMost) break;
      const failures = this.#failures(i, source);
      if (failures >= TRIES || ready.some(({ id }) => this.#failures(i, id) < failures)) continue;
      chunks.push(i);
    }
    return chunks.toSorted((a, b) => a - b);
  }

  #failures(i: number, source: string): number {
    return this.#failed.get(i)?.get(source) ?? 0;
  }
}

import { CONSTANTS, type Clock, type Log, type NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { ReplayFiles } from "./replay-files.ts";

const KEEP_MS = CONSTANTS.REPLAY_CACHE_SECONDS * 1000;
const SWEEP_MS = 10_000;
const SKEW_MS = CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000;

export interface ReplayCacheOptions {
  folder: string;
  clock: Clock;
  log: Log;
  /** Names this start of the system; a file of another start may lack its last lines. */
  bootId: string;
  /** Requests per second that one caller may make in the long run. */
  perSecond: number;
  /** The node's key is younger than any request could be: there is nothing to be blind to. */
  firstStart: boolean;
  /** Milliseconds since the system's start, the same for every process; the wall clock may be set between two runs, this cannot. */
  sinceBoot?: () => number;
}

/**
 * Remembers (sender, request id) for 300 s, in memory and in files, so that neither a restart nor a kill opens a window.
 * @source 02 T-2
 */
export class ReplayCache {
  /** Unix milliseconds: requests stamped up to here may have been seen before by a former run whose record is lost. */
  readonly blindUntil: number;
  readonly #clock: Clock;
  /** Of each caller: request id → monotonic end, oldest first. */
  readonly #seen: Map<NodeId, Map<string, number>> = new Map();
  #sweepAt = 0;
  readonly #perCallerMax: number;
  readonly #files: ReplayFiles;

  constructor(o: ReplayCacheOptions) {
    const sinceBoot = o.sinceBoot ?? ((): number => Number(process.hrtime.bigint() / 1_000_000n));
    this.#clock = o.clock;
    this.#perCallerMax = CONSTANTS.REPLAY_CACHE_SECONDS * o.perSecond + 2 * o.perSecond;
    this.#files = new ReplayFiles({ folder: o.folder, bootId: o.bootId, clock: o.clock, sinceBoot });
    const now = o.clock.monotonic();
    const { whole, blindUntil } = this.#files.load((from, requestId, ageMs) => {
      if (ageMs < KEEP_MS) this.#remember(from, requestId, now + KEEP_MS - ageMs);
    });
    const isLost = !whole && !o.firstStart;
    if (isLost)
      o.log.warn("the record of received requests is incomplete; calls that change something are refused for two minutes");
    // A restart within the blind time of the former start stays blind as long.
    this.blindUntil = Math.max(blindUntil, isLost ? o.clock.now() + SKEW_MS : 0);
    this.#files.open(this.blindUntil);
  }

  /** One request by itself: noted, and written down when it is new. @throws capacity_exceeded as `write` */
  enter(from: NodeId, requestId: string): "new" | "seen" | "full" {
    const verdict = this.note(from, requestId);
    if (verdict === "new") this.write();
    return verdict;
  }

  /**
   * In memory alone until {@link write}, before which nothing new is acted upon.
   * @returns `seen` for a repeat, `full` when this caller's record has no room
   */
  note(from: NodeId, requestId: string): "new" | "seen" | "full" {
    const now = this.#clock.monotonic();
    if (now >= this.#sweepAt) this.#sweep(now);
    const ids = this.#seen.get(from);
    if (ids !== undefined) {
      if ((ids.get(requestId) ?? -Infinity) > now) return "seen";
      if (ids.size >= this.#perCallerMax) forget(ids, now);
      if (ids.size >= this.#perCallerMax) return "full";
    }
    this.#remember(from, requestId, now + KEEP_MS);
    this.#files.add(from, requestId);
    return "new";
  }

  /**
   * Writes down what was noted since the last time, in one piece however much it is: calls that arrive together wait for one write.
   * @throws capacity_exceeded when that fails; none of it may be acted upon then
   */
  write(): void {
    try {
      this.#files.write();
    } catch (cause) {
      throw new HnError("capacity_exceeded", {
        message: "This node cannot write down what it has received, so it takes no calls. Its disk may be full.",
        retryAfterMs: 5000,
        cause,
      });
    }
  }

  close(): void {
    this.#files.close();
  }

  #remember(from: NodeId, requestId: string, until: number): void {
    let ids = this.#seen.get(from);
    if (ids === undefined) this.#seen.set(from, (ids = new Map<string, number>()));
    // What was there keeps its place otherwise, and the oldest would not stand first.
    ids.delete(requestId);
    ids.set(requestId, until);
  }

  /** Who has not called for long keeps nothing. */
  #sweep(now: number): void {
    this.#sweepAt = now + SWEEP_MS;
    for (const [from, ids] of this.#seen) {
      forget(ids, now);
      if (ids.size === 0) this.#seen.delete(from);
    }
  }
}

function forget(ids: Map<string, number>, now: number): void {
  for (const [id, until] of ids) {
    if (until > now) return;
    ids.delete(id);
  }
}

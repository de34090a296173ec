import { CONSTANTS, type Clock, type Log, type NodeId } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { ReplayFiles } from "./replay-files.ts";

const KEEP_MS = CONSTANTS.REPLAY_CACHE_SECONDS * 1000;
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
  /** Key → monotonic end, oldest first. */
  readonly #seen: Map<string, number> = new Map();
  /** How many of them each caller has. */
  readonly #held: Map<NodeId, number> = new Map();
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

  /**
   * @returns `seen` for a repeat, `full` when this caller's record has no room
   * @throws capacity_exceeded when it cannot be written down
   */
  enter(from: NodeId, requestId: string): "new" | "seen" | "full" {
    const now = this.#clock.monotonic();
    this.#forget(now);
    if (this.#seen.has(`${from} ${requestId}`)) return "seen";
    if ((this.#held.get(from) ?? 0) >= this.#perCallerMax) return "full";
    this.#remember(from, requestId, now + KEEP_MS);
    try {
      this.#files.append(from, requestId);
    } catch (cause) {
      throw new HnError("capacity_exceeded", {
        message: "This node cannot write down what it has received, so it takes no calls. Its disk may be full.",
        retryAfterMs: 5000,
        cause,
      });
    }
    return "new";
  }

  close(): void {
    this.#files.close();
  }

  #remember(from: NodeId, requestId: string, until: number): void {
    const key = `${from} ${requestId}`;
    if (!this.#seen.has(key)) this.#held.set(from, (this.#held.get(from) ?? 0) + 1);
    this.#seen.set(key, until);
  }

  #forget(now: number): void {
    for (const [key, until] of this.#seen) {
      if (until > now) return;
      this.#seen.delete(key);
      const from = key.slice(0, key.indexOf(" "));
      const held = (this.#held.get(from) ?? 1) - 1;
      if (held === 0) this.#held.delete(from);
      else this.#held.set(from, held);
    }
  }
}

import { HnError, LruMap } from "../../foundation/index.ts";
import type { NodeId } from "../../contract/index.ts";
import { CLOSE } from "./fault.ts";

const NODES_MAX = 4096;
const BACKOFF_MS = 250;
const BACKOFF_CAP_MS = 30_000;
const MINUTE_MS = 60_000;
const TEN_MINUTES_MS = 600_000;
const HOUR_MS = 3_600_000;
const RATE_MS = 5000;

/** Whether a session to a node may be tried. */
export type PathState = { kind: "open" } | { kind: "resting" } | { kind: "barred"; error: HnError };

interface Path {
  /** Times in a row that a session of ours did not come about or did not last. */
  failures: number;
  /** Monotonic milliseconds. */
  restsUntil: number;
  /** When the last frame was that no sound peer sends. */
  brokeAt: number;
  bar: { error: HnError; until: number; epoch: number } | undefined;
}

export interface Closing {
  code: number;
  error: HnError;
  /** It was our own judgement, or the peer's own word: nobody between us can have made it up. */
  isTrusted: boolean;
}

/**
 * What was learned from sessions that ended: how long another lane is taken, and who is not called at all. Only availability leads to another
 * lane, authentication never does. Times are monotonic milliseconds.
 * @source network.md §1.8
 */
export class Paths {
  readonly #paths: LruMap<NodeId, Path> = new LruMap(NODES_MAX);
  readonly #chance: () => number;
  /** Counts the events of the log that change who is who. */
  #epoch = 0;

  /** @param chance  0 to 1 */
  constructor(chance: () => number) {
    this.#chance = chance;
  }

  state(node: NodeId, now: number): PathState {
    const path = this.#paths.get(node);
    if (path === undefined) return { kind: "open" };
    if (path.bar !== undefined && now < path.bar.until && (path.bar.until < Infinity || path.bar.epoch === this.#epoch))
      return { kind: "barred", error: path.bar.error };
    return now < path.restsUntil ? { kind: "resting" } : { kind: "open" };
  }

  /** A session that this node has opened works. */
  opened(node: NodeId): void {
    const path = this.#paths.get(node);
    if (path !== undefined) path.failures = 0;
  }

  /** There is no session to be had: an older node, a proxy in between, nobody there. */
  unavailable(node: NodeId, now: number): void {
    this.#rest(this.#path(node), now, MINUTE_MS * (0.5 + this.#chance()));
  }

  /** A session, or the attempt at one, has ended. */
  ended(node: NodeId, { code, error, isTrusted }: Closing, now: number): void {
    const path = this.#path(node);
    switch (code) {
      case CLOSE.proof:
      case CLOSE.standing:
        // Else any relay could silence a node on every path.
        if (isTrusted) path.bar = { error, until: Infinity, epoch: this.#epoch };
        else this.#rest(path, now, MINUTE_MS);
        return;
      case CLOSE.keyConflict:
        path.bar = { error: new HnError("partition", { reason: "key_conflict" }), until: now + MINUTE_MS, epoch: this.#epoch };
        return;
      case CLOSE.badFrame:
      case CLOSE.tag:
        if (now - path.brokeAt < TEN_MINUTES_MS) this.#rest(path, now, TEN_MINUTES_MS);
        path.brokeAt = now;
        return;
      case CLOSE.deadline:
      case CLOSE.credit:
      case CLOSE.rate:
        return this.#rest(path, now, error.retryAfterMs ?? RATE_MS);
      case CLOSE.seal:
        return this.#rest(path, now, HOUR_MS);
      case CLOSE.internal:
        return this.#rest(path, now, MINUTE_MS);
      case CLOSE.done:
      case CLOSE.duplicate:
        return;
      default:
        path.failures += 1;
        this.#rest(path, now, Math.min(BACKOFF_CAP_MS, BACKOFF_MS * 2 ** Math.min(path.failures, 10)) * this.#chance());
    }
  }

  /** A newer manifest of the node has come. */
  manifestSeen(node: NodeId): void {
    const path = this.#paths.get(node);
    if (path?.bar?.until === Infinity) path.bar = undefined;
  }

  /** An event of the log may have changed whoever was refused. */
  standingChanged(): void {
    this.#epoch += 1;
  }

  #path(node: NodeId): Path {
    let path = this.#paths.get(node);
    if (path === undefined) this.#paths.set(node, (path = { failures: 0, restsUntil: 0, brokeAt: -Infinity, bar: undefined }));
    return path;
  }

  #rest(path: Path, now: number, ms: number): void {
    path.restsUntil = Math.max(path.restsUntil, now + ms);
  }
}

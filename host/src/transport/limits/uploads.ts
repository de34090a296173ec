import { HnError, LruMap } from "../../foundation/index.ts";
import type { NodeId } from "../../contract/index.ts";

/** @source marketplace §5.5 "Upload cap" */
export interface UploadLimits {
  /** Of one neighbour, over all that it fetches at a time. */
  bytesPerSecond: number;
  perPeer: number;
  total: number;
}

export const UPLOAD_LIMITS: UploadLimits = { bytesPerSecond: 2_097_152, perPeer: 4, total: 16 };

/** What a neighbour that was quiet may have at once, in milliseconds of its rate. */
const BURST_MS = 250;
const RETRY_MS = 2000;
const PEERS_MAX = 4096;

/** How many files leave this node at a time, and how fast. Times are monotonic milliseconds. */
export class Uploads {
  readonly #limits: UploadLimits;
  /** When the bytes that each has been promised are through. */
  readonly #through: LruMap<NodeId, number> = new LruMap(PEERS_MAX);
  readonly #running: Map<NodeId, number> = new Map();
  #total = 0;

  constructor(limits: UploadLimits = UPLOAD_LIMITS) {
    this.#limits = limits;
  }

  /** @returns ends it @throws capacity_exceeded uploads_full */
  begin(peer: NodeId): () => void {
    const running = this.#running.get(peer) ?? 0;
    if (running >= this.#limits.perPeer || this.#total >= this.#limits.total)
      throw new HnError("capacity_exceeded", { reason: "uploads_full", retryAfterMs: RETRY_MS });
    this.#running.set(peer, running + 1);
    this.#total += 1;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#total -= 1;
      const left = (this.#running.get(peer) ?? 1) - 1;
      if (left === 0) this.#running.delete(peer);
      else this.#running.set(peer, left);
    };
  }

  /** Promises so many bytes; whoever asks first is served first, so files to one neighbour share its rate. @returns milliseconds to wait before they leave */
  reserve(peer: NodeId, bytes: number, now: number): number {
    const from = Math.max(this.#through.get(peer) ?? -Infinity, now - BURST_MS);
    const through = from + (bytes / this.#limits.bytesPerSecond) * 1000;
    this.#through.set(peer, through);
    return Math.max(0, through - now);
  }
}

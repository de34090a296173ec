import { HnError } from "../../foundation/index.ts";
import type { Work, WorkResult } from "./worker-pool.ts";

const WAITING_MAX = 256;

/** A worker process that somebody holds for themselves. @source plugin-platform §4.4 `workers.open` */
export class HeldWorker {
  readonly #o: { ended: Promise<void>; give: (work: Work) => Promise<WorkResult>; end: () => void };
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(o: { ended: Promise<void>; give: (work: Work) => Promise<WorkResult>; end: () => void }) {
    this.#o = o;
  }

  /** Resolves when its process has ended, whoever ended it. */
  get ended(): Promise<void> {
    return this.#o.ended;
  }

  /**
   * One message after the other. Aborting the one that runs ends the process, and with it what it knew.
   * @throws as `WorkerPool.run` · plugin_gone reason worker_closed
   */
  async run(work: Work): Promise<WorkResult> {
    if (this.#waiting >= WAITING_MAX) throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
    this.#waiting += 1;
    const turn = this.#last.then(() => this.#o.give(work));
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Ends its process. */
  close(): void {
    this.#o.end();
  }
}

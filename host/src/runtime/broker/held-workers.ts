import { HnError } from "../../foundation/index.ts";
import type { HeldWorker } from "../process/index.ts";

/** Workers that a plugin holds for itself, by the numbers under which it speaks of them. */
export class HeldWorkers {
  readonly #held = new Map<number, { name: string; worker: HeldWorker }>();
  #next = 1;

  /** Until `work` is over it can be spoken of; then it is closed. */
  async lend<T>(held: { name: string; worker: HeldWorker }, work: (handle: number) => Promise<T>): Promise<T> {
    const handle = this.#next++;
    this.#held.set(handle, held);
    try {
      return await work(handle);
    } finally {
      this.#held.delete(handle);
      held.worker.close();
    }
  }

  /** @throws plugin_gone reason worker_closed, also for another worker's name */
  get(handle: number, name: string): HeldWorker {
    const found = this.#held.get(handle);
    if (found?.name !== name) throw new HnError("plugin_gone", { reason: "worker_closed" });
    return found.worker;
  }
}

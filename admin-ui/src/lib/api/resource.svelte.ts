import type { LocalError } from "@hearthnet/host/contract";
import { errorOf } from "./client.ts";
import { whenBack } from "./live.ts";

/**
 * Something read from the node, with its three states; made while its component is. An older answer never overwrites a newer one. When the node
 * was gone and is back, it is read anew, unless it fills a form: what a person has typed there stays.
 */
export class Resource<T> {
  data: T | null = $state.raw(null);
  error: LocalError | null = $state.raw(null);
  loading: boolean = $state(false);
  readonly #load: () => Promise<T>;
  #turn = 0;

  constructor(load: () => Promise<T>, o: { fillsForm?: boolean } = {}) {
    this.#load = load;
    if (o.fillsForm !== true) $effect(() => whenBack(() => void this.reload()));
    void this.reload();
  }

  async reload(): Promise<void> {
    const turn = ++this.#turn;
    this.loading = true;
    try {
      const data = await this.#load();
      if (turn !== this.#turn) return;
      this.data = data;
      this.error = null;
    } catch (error) {
      if (turn === this.#turn) this.error = errorOf(error);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}

/** An act of the person: one at a time, with its error kept beside the button. */
export class Act {
  busy: boolean = $state(false);
  error: LocalError | null = $state.raw(null);

  /** Runs `work`; false when it failed or one is under way. */
  async run(work: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.error = null;
    try {
      await work();
      return true;
    } catch (error) {
      this.error = errorOf(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

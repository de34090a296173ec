import type { LocalError } from "@hearthnet/host/contract";
import { errorOf } from "./client.ts";
import { watch, whenBack, type LiveMessage } from "./live.ts";

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

  /** @param o.later   not read at once, nor when the node is back: something else brings it */
  constructor(load: () => Promise<T>, o: { fillsForm?: boolean; later?: boolean } = {}) {
    this.#load = load;
    if (o.later === true) return;
    if (o.fillsForm !== true) $effect(() => whenBack(() => void this.reload()));
    void this.reload();
  }

  /** A newer value than any that is still under way. */
  take(data: T): void {
    this.#turn++;
    this.data = data;
    this.error = null;
    this.loading = false;
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

/** How long a beginning by the live socket is waited for before it is asked for. */
const PATIENCE_MS = 2000;

/**
 * As `Resource`, for what the node sends by its live socket anyway: the beginning comes with the subscription, so it need not be asked for as
 * well. Where the socket brings none, it is asked for.
 */
export class LiveResource<T> extends Resource<T> {
  /** @param change   takes a change in; without it, a change is the whole value */
  constructor(topic: string, o: { read: () => Promise<T>; change?: (message: LiveMessage) => void }) {
    super(o.read, { later: true });
    $effect(() => {
      const timer = setTimeout(() => this.data === null && void this.reload(), PATIENCE_MS);
      const unwatch = watch(topic, {
        change: (message) => {
          if (message.kind === "snapshot") this.take(message.data as T);
          else if (message.kind === "gap") void this.reload();
          else if (o.change !== undefined) o.change(message);
          else this.take(message.data as T);
        },
        refused: (error) => (this.error = error),
      });
      return () => {
        clearTimeout(timer);
        unwatch();
      };
    });
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

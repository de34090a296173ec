/** What the host keeps for each plugin over all its lives: its values, and what it has sent. */
import type { Clock } from "../contract/index.ts";
import { KvStore } from "./broker/index.ts";
import { PluginFiles, type Layout } from "./layout.ts";
import { EgressMeter } from "./net/index.ts";

export class Shelves {
  readonly #layout: Layout;
  readonly #clock: Clock;
  readonly #stores = new Map<string, KvStore>();
  readonly #meters = new Map<string, EgressMeter>();

  constructor(o: { layout: Layout; clock: Clock }) {
    this.#layout = o.layout;
    this.#clock = o.clock;
  }

  kv(id: string): KvStore {
    const known = this.#stores.get(id);
    if (known !== undefined) return known;
    const store = new KvStore(new PluginFiles(this.#layout, id).kv);
    this.#stores.set(id, store);
    return store;
  }

  egress(id: string): EgressMeter {
    const known = this.#meters.get(id) ?? new EgressMeter(this.#clock, 0);
    this.#meters.set(id, known);
    return known;
  }

  forget(id: string): void {
    this.#stores.get(id)?.close();
    this.#stores.delete(id);
    this.#meters.delete(id);
  }

  close(): void {
    for (const store of this.#stores.values()) store.close();
    this.#stores.clear();
  }
}

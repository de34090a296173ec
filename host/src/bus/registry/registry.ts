import type { BusChange, NodeId } from "../../contract/index.ts";
import type { Load, Provider } from "./provider.ts";

/** All providers known to this node, by name and by key. Announces every change; changes never drive the call path. @source 03 §4 */
export class Registry {
  readonly #byName: Map<string, Provider[]> = new Map();
  readonly #byKey: Map<string, Provider> = new Map();
  /** Own entries that wait for the internet, in the order in which they will come back. @source 35 §5 */
  readonly #parked: Map<string, Provider> = new Map();
  #internet = true;
  readonly #listeners: Set<(change: BusChange) => void> = new Set();
  readonly #placed: ((provider: Provider) => void)[] = [];
  readonly #removed: ((provider: Provider) => void)[] = [];
  /** Calls that outlive their offer. */
  readonly #departed: Set<Load> = new Set();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Parked ones too: their registrations live on. */
  get(key: string): Provider | undefined {
    return this.#byKey.get(key) ?? this.#parked.get(key);
  }

  get internet(): boolean {
    return this.#internet;
  }

  /**
   * Without the internet own entries that need it stand aside: found by nobody, calls under way go on. With it exactly those come back. All of
   * them move before the first is announced.
   */
  setInternet(available: boolean): void {
    if (available === this.#internet) return;
    this.#internet = available;
    const moving = available ? [...this.#parked.values()] : [...this.#byKey.values()].filter((one) => one.needsInternet);
    for (const provider of moving) {
      if (available) {
        this.#parked.delete(provider.key);
        this.#departed.delete(provider.load);
        this.#insert(provider);
      } else {
        this.#drop(provider);
        this.#depart(provider);
        this.#parked.set(provider.key, provider);
      }
    }
    for (const provider of moving) {
      for (const listener of available ? this.#placed : this.#removed) listener(provider);
      this.#announce(available ? "added" : "removed", provider);
    }
  }

  /** Every provider of a name, any version. */
  named(name: string): readonly Provider[] {
    return this.#byName.get(name) ?? NONE;
  }

  all(): IterableIterator<Provider> {
    return this.#byKey.values();
  }

  /** Calls that run on this node or wait for a neighbour. */
  inFlight(): number {
    let sum = 0;
    for (const provider of this.#byKey.values()) sum += provider.in_flight;
    for (const load of this.#departed) {
      if (load.inFlight === 0) this.#departed.delete(load);
      else sum += load.inFlight;
    }
    return sum;
  }

  of(node: NodeId): Provider[] {
    return [...this.#byKey.values()].filter((provider) => provider.node_id === node);
  }

  /** Adds a provider, or puts it in the place of `former` in one step. */
  put(provider: Provider, former?: Provider): void {
    if (former && this.#parked.delete(former.key)) return this.put(provider);
    if (provider.needsInternet && !this.#internet) {
      if (former) this.remove(former);
      this.#parked.set(provider.key, provider);
      return;
    }
    if (former) this.#drop(former);
    if (former && former.load !== provider.load) this.#depart(former);
    if (former && former.key !== provider.key) for (const listener of this.#removed) listener(former);
    this.#insert(provider);
    for (const listener of this.#placed) listener(provider);
    this.#announce(former ? "updated" : "added", provider);
  }

  remove(provider: Provider): void {
    if (this.#parked.get(provider.key) === provider) this.#parked.delete(provider.key);
    if (this.#byKey.get(provider.key) !== provider) return;
    this.#drop(provider);
    this.#depart(provider);
    for (const listener of this.#removed) listener(provider);
    this.#announce("removed", provider);
  }

  /** For parts of the bus that compare entries with each other. */
  onPlaced(listener: (provider: Provider) => void): void {
    this.#placed.push(listener);
  }

  /** For parts of the bus that must forget with the registry. */
  onRemoved(listener: (provider: Provider) => void): void {
    this.#removed.push(listener);
  }

  onChange(listener: (change: BusChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #insert(provider: Provider): void {
    this.#byKey.set(provider.key, provider);
    const list = this.#byName.get(provider.descriptor.name);
    // New arrays instead of changed ones: a route that is being computed keeps its own view.
    this.#byName.set(provider.descriptor.name, list ? [...list, provider] : [provider]);
  }

  /** Its calls under way still count. */
  #depart(provider: Provider): void {
    if (provider.in_flight > 0) this.#departed.add(provider.load);
  }

  #drop(provider: Provider): void {
    this.#byKey.delete(provider.key);
    const rest = this.named(provider.descriptor.name).filter((other) => other !== provider);
    if (rest.length === 0) this.#byName.delete(provider.descriptor.name);
    else this.#byName.set(provider.descriptor.name, rest);
  }

  #announce(kind: BusChange["kind"], provider: Provider): void {
    if (this.#listeners.size === 0) return;
    const entry = provider.entry(this.#now());
    for (const listener of this.#listeners) listener({ kind, entry });
  }
}

const NONE: readonly Provider[] = [];

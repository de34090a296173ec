import type { BusChange, NodeId } from "../../contract/index.ts";
import type { Load, Provider } from "./provider.ts";

/** All providers known to this node, by name and by key. Announces every change; changes never drive the call path. @source 03 §4 */
export class Registry {
  readonly #byName: Map<string, Provider[]> = new Map();
  readonly #byKey: Map<string, Provider> = new Map();
  readonly #listeners: Set<(change: BusChange) => void> = new Set();
  readonly #removed: ((provider: Provider) => void)[] = [];
  /** Calls that outlive their offer. */
  readonly #departed: Set<Load> = new Set();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): Provider | undefined {
    return this.#byKey.get(key);
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
    if (former) this.#drop(former);
    if (former && former.load !== provider.load && former.in_flight > 0) this.#departed.add(former.load);
    if (former && former.key !== provider.key) for (const listener of this.#removed) listener(former);
    this.#byKey.set(provider.key, provider);
    const list = this.#byName.get(provider.descriptor.name);
    // New arrays instead of changed ones: a route that is being computed keeps its own view.
    this.#byName.set(provider.descriptor.name, list ? [...list, provider] : [provider]);
    this.#announce(former ? "updated" : "added", provider);
  }

  remove(provider: Provider): void {
    if (this.#byKey.get(provider.key) !== provider) return;
    this.#drop(provider);
    if (provider.in_flight > 0) this.#departed.add(provider.load);
    for (const listener of this.#removed) listener(provider);
    this.#announce("removed", provider);
  }

  /** For parts of the bus that must forget with the registry. */
  onRemoved(listener: (provider: Provider) => void): void {
    this.#removed.push(listener);
  }

  onChange(listener: (change: BusChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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

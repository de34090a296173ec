/** Least recently used map with a fixed number of entries. */
export class LruMap<K, V> {
  readonly #map: Map<K, V> = new Map();
  readonly #max: number;
  /** Used last: where one key is asked for again and again, nothing has to move. */
  #newest: K | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: K): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined || key === this.#newest) return value;
    this.#renew(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#renew(key, value);
    if (this.#map.size <= this.#max) return;
    const oldest = this.#map.keys().next();
    if (oldest.done !== true) this.#map.delete(oldest.value);
  }

  #renew(key: K, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    this.#newest = key;
  }

  /** Drops entries, the least recently used first, up to one that is not stale. */
  trim(isStale: (value: V) => boolean): void {
    for (const [key, value] of this.#map) {
      if (!isStale(value)) return;
      this.#map.delete(key);
    }
  }

  delete(key: K): boolean {
    return this.#map.delete(key);
  }
}

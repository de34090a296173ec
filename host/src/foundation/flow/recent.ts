/**
 * A cache that keeps what was used lately, for hot paths: a hit moves nothing. Entries live in a young and an old generation; when the young
 * one is full it becomes the old one, and what was not used since is gone.
 */
export class RecentMap<K, V> {
  readonly #half: number;
  #young: Map<K, V> = new Map();
  #old: Map<K, V> = new Map();

  /** @param max  entries at most; the `max / 2` used last are always kept */
  constructor(max: number) {
    this.#half = Math.max(1, Math.floor(max / 2));
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) this.turn();
    this.#young.set(key, value);
  }

  /** Forgets what was not used since the last turn: for those whose entries are worth nothing after some time. */
  turn(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }
}

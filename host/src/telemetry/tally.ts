/** Counts by a pair of labels, kept before anybody collects them. Pairs beyond the limit are counted together. */
export class Tally {
  readonly #counts: Map<string, { labels: readonly [string, string]; count: number }> = new Map();
  readonly #max: number;
  readonly #rest: readonly [string, string];

  constructor(max: number, rest: readonly [string, string]) {
    this.#max = max;
    this.#rest = rest;
  }

  add(a: string, b: string): void {
    const key = `${a} ${b}`;
    const known = this.#counts.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#counts.size < this.#max) this.#counts.set(key, { labels: [a, b], count: 1 });
    else if (key !== this.#rest.join(" ")) this.add(...this.#rest);
    else this.#counts.set(key, { labels: this.#rest, count: 1 });
  }

  *[Symbol.iterator](): Generator<{ labels: readonly [string, string]; count: number }> {
    yield* this.#counts.values();
  }
}

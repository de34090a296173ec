interface Place<T> {
  number: number;
  value: T;
}

const PLACES_MIN = 64;

/**
 * What is open under a number, for numbers that are handed out one after the other and each used once: a hash table with linear probing.
 *
 * Not a `Map`: each time one makes room for itself its former table stays behind with what was in it, and points to the next. Once the first of that
 * chain is old, whatever was ever open when a table was left waits for a full garbage collection, at 100,000 calls a second nearly all of it.
 */
export class ByNumber<T> {
  #places: (Place<T> | undefined)[] = emptyPlaces(PLACES_MIN);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): T | undefined {
    return this.#places[this.#find(number)]?.value;
  }

  set(number: number, value: T): void {
    // Never more than half full: there is always an empty place near.
    if (this.#size * 2 >= this.#places.length) this.#grow();
    const at = this.#find(number);
    const place = this.#places[at];
    if (place !== undefined) {
      place.value = value;
      return;
    }
    this.#places[at] = { number, value };
    this.#size += 1;
  }

  /** @returns whether it was there */
  delete(number: number): boolean {
    let gap = this.#find(number);
    if (this.#places[gap] === undefined) return false;
    this.#size -= 1;
    this.#places[gap] = undefined;
    // Whoever stands behind the gap and would be looked for from before it moves up.
    for (let at = this.#after(gap); ; at = this.#after(at)) {
      const place = this.#places[at];
      if (place === undefined) return true;
      const home = this.#home(place.number);
      const mask = this.#places.length - 1;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.#places[gap] = place;
      this.#places[at] = undefined;
      gap = at;
    }
  }

  /** All that are open at this moment, whatever is opened and ended while they are looked at. */
  entries(): [number, T][] {
    return this.#places.flatMap((place): [number, T][] => (place === undefined ? [] : [[place.number, place.value]]));
  }

  values(): T[] {
    return this.entries().map(([, value]) => value);
  }

  clear(): void {
    this.#places = emptyPlaces(PLACES_MIN);
    this.#size = 0;
  }

  /** Where the number stands, or the empty place where it would. */
  #find(number: number): number {
    let at = this.#home(number);
    for (let place = this.#places[at]; place !== undefined && place.number !== number; place = this.#places[at])
      at = this.#after(at);
    return at;
  }

  /** Each side hands out every other number. */
  #home(number: number): number {
    return (number >>> 1) & (this.#places.length - 1);
  }

  #after(at: number): number {
    return (at + 1) & (this.#places.length - 1);
  }

  #grow(): void {
    const former = this.#places;
    this.#places = emptyPlaces(former.length * 2);
    for (const place of former) if (place !== undefined) this.#places[this.#find(place.number)] = place;
  }
}

function emptyPlaces<T>(count: number): (Place<T> | undefined)[] {
  return Array.from({ length: count }, () => undefined);
}

import type { PeerSource } from "../../contract/index.ts";
import { LruMap } from "../../foundation/index.ts";
import type { Evidence } from "./row.ts";

const PLACES_MAX = 4096;

/**
 * Who was said to be where, before anybody has proven it. A sighting becomes evidence of a row only when the node at that place has proven
 * itself; until then it touches nothing.
 */
export class Sightings {
  readonly #places: LruMap<string, Map<PeerSource, Evidence>> = new LruMap(PLACES_MAX);

  note(place: string, sighting: Evidence): void {
    const sources = this.#places.get(place) ?? new Map<PeerSource, Evidence>();
    sources.set(sighting.source, sighting);
    this.#places.set(place, sources);
  }

  forget(place: string, source: PeerSource): void {
    this.#places.get(place)?.delete(source);
  }

  at(place: string, now: number): Evidence[] {
    return [...(this.#places.get(place)?.values() ?? [])].filter(({ expires }) => expires > now);
  }
}

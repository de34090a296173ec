import type { Clock, PeerHint, PeerSource } from "../../contract/index.ts";
import { LruMap } from "../../foundation/index.ts";
import { placeOf } from "./place.ts";

/** @source network.md §4 */
export const PROBES_IN_FLIGHT = 64;
export const PROBES_WAITING = 4096;
/** Between two probes of one address and port. @source 01 I-17 */
export const PROBE_SPACING_MS = 5000;
const ASKED_MAX = 8192;

/**
 * Addresses to be looked into, in turn by source and within a source by host: whoever shouts most waits longest. When it is full, the newest of
 * the noisiest is dropped.
 */
export class ProbeQueue {
  readonly #clock: Clock;
  /** By source, by host; all of them in the order of their turn. */
  readonly #waiting: Map<PeerSource, Map<string, PeerHint[]>> = new Map();
  readonly #places: Set<string> = new Set();
  readonly #flying: Set<string> = new Set();
  /** When a place was last asked, monotonic milliseconds. */
  readonly #asked: LruMap<string, number> = new LruMap(ASKED_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#places.size;
  }

  get inFlight(): number {
    return this.#flying.size;
  }

  /** @returns whether it waits now */
  offer(hint: PeerHint): boolean {
    const place = placeOf(hint);
    const last = this.#asked.get(place);
    if (this.#places.has(place) || this.#flying.has(place)) return false;
    if (last !== undefined && this.#clock.monotonic() - last < PROBE_SPACING_MS) return false;
    const hosts = this.#waiting.get(hint.source) ?? new Map<string, PeerHint[]>();
    this.#waiting.set(hint.source, hosts);
    const hints = hosts.get(hint.host);
    if (hints === undefined) hosts.set(hint.host, [hint]);
    else hints.push(hint);
    this.#places.add(place);
    if (this.#places.size > PROBES_WAITING) this.#dropNewestOfNoisiest();
    return this.#places.has(place);
  }

  /** The next one to be asked, which counts as in flight until `done`; undefined when there is none or enough are under way. */
  take(): PeerHint | undefined {
    if (this.#flying.size >= PROBES_IN_FLIGHT) return undefined;
    const [source, hosts] = this.#waiting.entries().next().value ?? [];
    const [host, hints] = hosts?.entries().next().value ?? [];
    const hint = hints?.shift();
    if (source === undefined || hosts === undefined || host === undefined || hints === undefined || hint === undefined)
      return undefined;
    // To the end of the line, both of them.
    hosts.delete(host);
    if (hints.length > 0) hosts.set(host, hints);
    this.#waiting.delete(source);
    if (hosts.size > 0) this.#waiting.set(source, hosts);
    const place = placeOf(hint);
    this.#places.delete(place);
    this.#flying.add(place);
    this.#asked.set(place, this.#clock.monotonic());
    return hint;
  }

  done(hint: PeerHint): void {
    this.#flying.delete(placeOf(hint));
  }

  #dropNewestOfNoisiest(): void {
    const count = (hosts: Map<string, PeerHint[]>): number => [...hosts.values()].reduce((sum, hints) => sum + hints.length, 0);
    const [source, hosts] = most(this.#waiting, count);
    const [host, hints] = most(hosts, (list) => list.length);
    const dropped = hints.pop();
    if (dropped !== undefined) this.#places.delete(placeOf(dropped));
    if (hints.length === 0) hosts.delete(host);
    if (hosts.size === 0) this.#waiting.delete(source);
  }
}

/** The last of those with the highest count: among equals the newest pays. */
function most<K, V>(map: Map<K, V>, count: (value: V) => number): [K, V] {
  let best: [K, V] | undefined;
  for (const entry of map) if (best === undefined || count(entry[1]) >= count(best[1])) best = entry;
  if (best === undefined) throw new RangeError("the queue is empty");
  return best;
}

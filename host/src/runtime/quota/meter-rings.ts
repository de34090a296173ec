import type { Clock, MeterSample, PluginResources, Timer } from "../../contract/index.ts";

const EVERY_MS = 1000;
const KEPT = 600;

export interface MeterRingsOptions {
  clock: Clock;
  /** What every running plugin uses at this moment. */
  look: () => Iterable<{ id: string; resources: PluginResources }>;
}

/** What each plugin used in the last ten minutes, second by second. @source plugin-platform §7 */
export class MeterRings {
  readonly #options: MeterRingsOptions;
  readonly #rings = new Map<string, MeterSample[]>();
  readonly #listeners = new Map<string, Set<(sample: MeterSample) => void>>();
  #timer: Timer;

  constructor(options: MeterRingsOptions) {
    this.#options = options;
    this.#timer = options.clock.setTimeout(() => this.#tick(), EVERY_MS);
  }

  /** Oldest first; empty for a plugin that has not run lately. */
  read(id: string): MeterSample[] {
    const since = this.#options.clock.now() - KEPT * EVERY_MS;
    return (this.#rings.get(id) ?? []).filter(({ at }) => at > since);
  }

  listen(id: string, listener: (sample: MeterSample) => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  forget(id: string): void {
    this.#rings.delete(id);
  }

  close(): void {
    this.#timer.cancel();
  }

  #tick(): void {
    const { clock, look } = this.#options;
    this.#timer = clock.setTimeout(() => this.#tick(), EVERY_MS);
    const at = Math.floor(clock.now());
    for (const { id, resources } of look()) {
      const ring = this.#rings.get(id) ?? [];
      const sample = { at, ...resources };
      ring.push(sample);
      if (ring.length > KEPT) ring.shift();
      this.#rings.set(id, ring);
      for (const listener of this.#listeners.get(id) ?? []) listener(sample);
    }
  }
}

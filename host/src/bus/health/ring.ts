import { CONSTANTS } from "../../contract/index.ts";

/** The last 100 outcomes of one entry. @source 03 §7 */
export class HealthRing {
  readonly #ok: boolean[] = [];
  readonly #latencyMs: number[] = [];
  #next = 0;
  #good = 0;
  #sorted: number[] | null = null;

  add(ok: boolean, latencyMs: number): void {
    if (this.#ok.length === CONSTANTS.HEALTH_WINDOW_CALLS && this.#ok[this.#next]) this.#good -= 1;
    this.#ok[this.#next] = ok;
    this.#latencyMs[this.#next] = latencyMs;
    if (ok) this.#good += 1;
    this.#next = (this.#next + 1) % CONSTANTS.HEALTH_WINDOW_CALLS;
    this.#sorted = null;
  }

  get samples(): number {
    return this.#ok.length;
  }

  /** 0..1; 1 when nothing is known yet. */
  get successRate(): number {
    return this.#ok.length === 0 ? 1 : this.#good / this.#ok.length;
  }

  /** Milliseconds at the given share of the samples (nearest rank); 0 when nothing is known yet. Sorted only when somebody asks. */
  latencyAt(share: number): number {
    this.#sorted ??= this.#latencyMs.toSorted((a, b) => a - b);
    return this.#sorted[Math.max(0, Math.ceil(share * this.#sorted.length) - 1)] ?? 0;
  }

  clear(): void {
    this.#ok.length = this.#latencyMs.length = this.#next = this.#good = 0;
    this.#sorted = null;
  }
}

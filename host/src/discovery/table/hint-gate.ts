import type { Clock, PeerSource, Random } from "../../contract/index.ts";

const WINDOW_MS = 1000;
/** Of one source and second that are all looked at. @source network.md §4 */
export const HINTS_PER_SECOND = 100;
/** Of those beyond, one in so many. */
const SAMPLE = 16;

/** Lets the hints of each source in at a bounded rate: a hundred a second, then a sample, so that a flood drowns nobody for good. */
export class HintGate {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #windows: Map<PeerSource, { from: number; count: number }> = new Map();

  constructor(o: { clock: Clock; random: Random }) {
    this.#clock = o.clock;
    this.#random = o.random;
  }

  admits(source: PeerSource): boolean {
    const now = this.#clock.monotonic();
    const window = this.#windows.get(source);
    if (window === undefined || now - window.from >= WINDOW_MS) {
      this.#windows.set(source, { from: now, count: 1 });
      return true;
    }
    window.count += 1;
    return window.count <= HINTS_PER_SECOND || (this.#random(1)[0] ?? 0) % SAMPLE === 0;
  }
}

/** Watches what a process tree uses. Without a control group this poll is the memory limit. @source plugin-platform §7 */
import type { Clock, Timer } from "../../contract/index.ts";
import { cpuMs, residentBytes } from "../confine/index.ts";

const POLL_MS = 250;
/** The tree itself changes rarely; looking for new members every second is enough. */
const TREE_EVERY = 4;

export interface Usage {
  rssMb: number;
  cpuPercent: number;
  pids: number;
}

export interface MeterOptions {
  clock: Clock;
  tree: () => number[];
  memoryMb: number;
  onOverMemory: (rssMb: number) => void;
  /** For tests; the kernel's numbers by default. */
  measure?: { residentBytes: (pids: readonly number[]) => number; cpuMs: (pids: readonly number[]) => number };
}

export class Meter {
  readonly #options: MeterOptions;
  readonly #measure: NonNullable<MeterOptions["measure"]>;
  #timer: Timer | undefined;
  #tick = 0;
  #pids: number[] = [];
  #lastCpu = { ms: 0, at: 0 };
  #usage: Usage = { rssMb: 0, cpuPercent: 0, pids: 0 };

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#measure = options.measure ?? { residentBytes, cpuMs };
    this.#poll();
  }

  get usage(): Usage {
    return this.#usage;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #poll(): void {
    const { clock, tree, memoryMb, onOverMemory } = this.#options;
    this.#timer = clock.setTimeout(() => this.#poll(), POLL_MS);
    if (this.#tick % TREE_EVERY === 0) {
      this.#pids = tree();
      const ms = this.#measure.cpuMs(this.#pids);
      const at = clock.monotonic();
      const elapsed = at - this.#lastCpu.at;
      const cpuPercent =
        this.#tick === 0 || elapsed <= 0 ? 0 : Math.max(0, Math.round(((ms - this.#lastCpu.ms) / elapsed) * 100));
      this.#usage = { ...this.#usage, cpuPercent, pids: this.#pids.length };
      this.#lastCpu = { ms, at };
    }
    this.#tick += 1;
    const rssMb = Math.round(this.#measure.residentBytes(this.#pids) / 1_048_576);
    this.#usage = { ...this.#usage, rssMb };
    if (rssMb > memoryMb) onOverMemory(rssMb);
  }
}

/** Watches what a process tree uses. Without a control group this poll is the limit. @source plugin-platform §7 */
import type { Clock, Timer } from "../../contract/index.ts";
import { cpuMs, lowerPriority, residentBytes, taskCount } from "../confine/index.ts";

const POLL_MS = 250;
/** The tree itself changes rarely; looking for new members every second is enough. */
const TREE_EVERY = 4;
/** bwrap stands twice before the plugin's own process. */
const LAUNCHER_TASKS = 2;
/** Measured in steps of 10 ms, a processor that is all taken reads as a little less. */
const AT_CAP = 0.95;
/** All of its processor time for so long: first everybody else comes before it, then the operator is told. */
const YIELD_MS = 5000;
const TELL_MS = 60_000;

export interface Usage {
  rssMb: number;
  cpuPercent: number;
  pids: number;
}

/** The kernel's numbers. */
export interface Measure {
  residentBytes(pids: readonly number[]): number;
  cpuMs(pids: readonly number[]): number;
  tasks(pids: readonly number[]): number;
  lowerPriority(pids: readonly number[]): void;
}

export interface MeterOptions {
  clock: Clock;
  tree: () => number[];
  memoryMb: number;
  /** Tasks: processes and threads together. */
  pids: number;
  /** Processors; undefined: as many as it gets. */
  cpu?: number | undefined;
  onOverMemory: (rssMb: number) => void;
  onOverPids: (tasks: number) => void;
  /** It has used all of its processor time for a minute, or no longer does. */
  onAtCap?: (atCap: boolean) => void;
  /** For tests; the kernel's own by default. */
  measure?: Measure;
}

const KERNEL: Measure = { residentBytes, cpuMs, tasks: taskCount, lowerPriority };

export class Meter {
  readonly #options: MeterOptions;
  readonly #measure: Measure;
  #timer: Timer | undefined;
  #tick = 0;
  #pids: number[] = [];
  #lastCpu = { ms: 0, at: 0 };
  #usage: Usage = { rssMb: 0, cpuPercent: 0, pids: 0 };
  /** Since when all of its processor time is used. */
  #busySince: number | null = null;
  #told = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#measure = options.measure ?? KERNEL;
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
    const { clock, tree, memoryMb, pids, onOverMemory, onOverPids } = this.#options;
    this.#timer = clock.setTimeout(() => this.#poll(), POLL_MS);
    if (this.#tick % TREE_EVERY === 0) {
      this.#pids = tree();
      this.#lookAtProcessor();
    }
    this.#tick += 1;
    const rssMb = Math.round(this.#measure.residentBytes(this.#pids) / 1_048_576);
    this.#usage = { ...this.#usage, rssMb };
    if (rssMb > memoryMb) return onOverMemory(rssMb);
    // The tree grows between two looks at it, its members' threads do so at once.
    const tasks = this.#measure.tasks(this.#pids);
    if (tasks > pids + LAUNCHER_TASKS) onOverPids(tasks - LAUNCHER_TASKS);
  }

  #lookAtProcessor(): void {
    const { clock, cpu } = this.#options;
    const ms = this.#measure.cpuMs(this.#pids);
    const at = clock.monotonic();
    const elapsed = at - this.#lastCpu.at;
    const cpuPercent = this.#tick === 0 || elapsed <= 0 ? 0 : Math.max(0, Math.round(((ms - this.#lastCpu.ms) / elapsed) * 100));
    this.#usage = { ...this.#usage, cpuPercent, pids: this.#pids.length };
    this.#lastCpu = { ms, at };
    if (cpu !== undefined) this.#judge(cpuPercent >= cpu * 100 * AT_CAP, at);
  }

  #judge(busy: boolean, now: number): void {
    if (!busy) {
      this.#busySince = null;
      if (this.#told) this.#options.onAtCap?.(false);
      this.#told = false;
      return;
    }
    this.#busySince ??= now;
    const forMs = now - this.#busySince;
    // Given back only with the next start: an ordinary user may not raise a priority again.
    if (forMs >= YIELD_MS) this.#measure.lowerPriority(this.#pids);
    if (forMs < TELL_MS || this.#told) return;
    this.#told = true;
    this.#options.onAtCap?.(true);
  }
}

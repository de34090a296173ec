import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapCodeStatistics } from "node:v8";

/** What a process holds, and how late it is. */
export interface Measures {
  /** Event loop delay since the last look, ms beyond the timer's own resolution. */
  delay: { p50Ms: number; p99Ms: number; maxMs: number };
  heapMb: number;
  /** Of it, what the engine has compiled. */
  codeMb: number;
  /** Active timers, sockets and the like, by kind. */
  resources: Record<string, number>;
  /** Open file descriptors. */
  descriptors: number;
  /** Listeners on the process itself. */
  listeners: number;
}

const RESOLUTION_MS = 2;

/** Measures the process that it runs in, after collecting its garbage where `--expose-gc` lets it. */
export function openMeasures(): () => Measures {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  return () => {
    const delay = { p50Ms: ms(delays.percentile(50)), p99Ms: ms(delays.percentile(99)), maxMs: ms(delays.max) };
    delays.reset();
    global.gc?.();
    const kinds = Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
    return {
      delay,
      heapMb: process.memoryUsage().heapUsed / 1_048_576,
      codeMb: getHeapCodeStatistics().code_and_metadata_size / 1_048_576,
      resources: Object.fromEntries([...kinds].map(([kind, all]) => [kind, all.length])),
      descriptors: readdirSync("/proc/self/fd").length,
      listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    };
  };
}

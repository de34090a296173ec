/** What a process and everything that it has started use, as the kernel counts it. */
import { readdirSync, readFileSync } from "node:fs";
import type { Timer } from "../../host/src/contract/index.ts";
import { systemClock } from "../../host/src/foundation/index.ts";

/** MiB by process. */
export type Peaks = Record<string, number>;

const LOOK_MS = 150;

/** The process itself and all below it. */
export function childrenOf(pid: number): number[] {
  const below = readdirSync(`/proc/${pid}/task`).flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(" "));
  return [pid, ...below.filter((text) => text !== "").flatMap((text) => (exists(Number(text)) ? childrenOf(Number(text)) : []))];
}

/** Seconds that these have used so far, in all their threads. */
export function cpuOf(pids: readonly number[]): number {
  return pids.flatMap(threadsOf).reduce((sum, path) => sum + Number(read(path).split(" ")[0] ?? 0) / 1e9, 0);
}

/** Looks again and again at each node and the largest process below it. */
export function watchMemory(nodes: Record<string, number>): { before: Peaks; stop: () => Peaks } {
  const peaks: Peaks = {};
  const note = (who: string, mib: number): void => void (peaks[who] = Math.max(peaks[who] ?? 0, mib));
  let timer: Timer | undefined;
  const look = (): void => {
    for (const [who, pid] of Object.entries(nodes)) {
      const [, ...below] = childrenOf(pid);
      note(who, pssOf(pid));
      note(`${who}'s plugin`, Math.max(0, ...below.map(pssOf)));
    }
  };
  const lookOn = (): void => {
    look();
    timer = systemClock.setTimeout(lookOn, LOOK_MS);
  };
  lookOn();
  return {
    before: { ...peaks },
    stop: () => {
      timer?.cancel();
      look();
      return peaks;
    },
  };
}

function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
}

function threadsOf(pid: number): string[] {
  return exists(pid) ? readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`) : [];
}

function exists(pid: number): boolean {
  return read(`/proc/${pid}/stat`) !== "";
}

/** Empty for a process that has ended between two looks. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

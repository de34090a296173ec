/** Reads /proc: who belongs to a plugin, and what they use. All of it answers empty where there is no /proc. */
import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

const PAGE = 4096;
const LOW_PRIORITY = 10;
/** A look takes some 10 µs; a fork is over long before the last of them. */
const HELD_LOOKS = 2000;
/** `sysconf(_SC_CLK_TCK)`; 100 on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

function read(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}

/** Direct children of all its threads. */
export function childrenOf(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return threads.flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? "")
      .split(" ")
      .filter((text) => /^\d+$/.test(text))
      .map(Number),
  );
}

/** The process and everything below it, parents first. */
export function processTree(root: number): number[] {
  const found = [root];
  for (let index = 0; index < found.length && found.length < 4096; index += 1) found.push(...childrenOf(found[index] ?? 0));
  return found;
}

/**
 * Ends a process and those that it has started itself. It is held first, so that it starts nobody in between: bwrap that is killed while it sets
 * up its sandbox leaves the first process in there waiting for it for ever, with the pipes that it was given.
 */
export function endWithChildren(pid: number): void {
  send(pid, "SIGSTOP");
  // A signal waits for the end of a fork that has begun; whom that made is seen only then.
  for (let looks = 0; looks < HELD_LOOKS && !isHeld(pid); looks += 1);
  for (const child of childrenOf(pid)) send(child, "SIGKILL");
  send(pid, "SIGKILL");
}

/** Stopped, or over already. */
function isHeld(pid: number): boolean {
  return /^[TtZX]?$/.test(afterName(read(`/proc/${pid}/stat`))[0] ?? "");
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

/** Resident memory of the processes together, bytes; shared pages count once for each. */
export function residentBytes(pids: readonly number[]): number {
  let pages = 0;
  for (const pid of pids) pages += Number(read(`/proc/${pid}/statm`)?.split(" ")[1] ?? 0);
  return pages * PAGE;
}

/** Processes and threads together, as the kernel counts them against a limit. */
export function taskCount(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + tasksOf(pid).length, 0);
}

/** Lets everybody else have the processor first: all threads of the processes, and what they start from now on. */
export function lowerPriority(pids: readonly number[]): void {
  for (const task of pids.flatMap(tasksOf)) {
    try {
      setPriority(task, LOW_PRIORITY);
    } catch {
      // It has just ended.
      continue;
    }
  }
}

function tasksOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Processor time of the processes together, milliseconds. */
export function cpuMs(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = afterName(read(`/proc/${pid}/stat`));
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** What the processes together have written to disk so far, bytes, as soon as it is in memory; null when none of them can be asked. */
export function writtenBytes(pids: readonly number[]): number | null {
  let sum: number | null = null;
  for (const pid of pids) {
    const found = /^write_bytes: (\d+)$/m.exec(read(`/proc/${pid}/io`) ?? "");
    if (found !== null) sum = (sum ?? 0) + Number(found[1]);
  }
  return sum;
}

/** Start of a process in clock ticks since boot: with the pid, a name that is never given twice. Null when it is gone. */
export function startTicks(pid: number): number | null {
  const value = afterName(read(`/proc/${pid}/stat`))[19];
  return value === undefined ? null : Number(value);
}

/** Fields behind `(name)`, which may itself hold spaces and brackets. */
function afterName(stat: string | null): string[] {
  return stat === null ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

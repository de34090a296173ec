import { readdirSync, readFileSync } from "node:fs";

interface Process {
  pid: number;
  /** Processor time it has used, clock ticks. */
  ticks: number;
}

/** Everything that `pid` has started and that still runs, and what that has started. */
export function processesBelow(pid: number): Process[] {
  const children = new Map<number, Process[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const parent = Number(fields[1]);
      const ticks = Number(fields[11]) + Number(fields[12]);
      children.set(parent, [...(children.get(parent) ?? []), { pid: Number(name), ticks }]);
    } catch {
      // It has ended between the two reads.
    }
  }
  const below = (parent: number): Process[] => (children.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
}

/** Processor time, in clock ticks, of everything that `pid` has started and that still runs. */
export function ticksBelow(pid: number): number {
  return processesBelow(pid).reduce((sum, { ticks }) => sum + ticks, 0);
}

import { readdirSync, readFileSync } from "node:fs";

/** Processor time, in clock ticks, of everything that `pid` has started and that still runs. */
export function ticksBelow(pid: number): number {
  const parents = new Map<number, number[]>();
  const ticks = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      parents.set(Number(fields[1]), [...(parents.get(Number(fields[1])) ?? []), Number(name)]);
      ticks.set(Number(name), Number(fields[11]) + Number(fields[12]));
    } catch {
      // It has ended between the two reads.
    }
  }
  const sum = (parent: number): number =>
    (parents.get(parent) ?? []).reduce((total, child) => total + (ticks.get(child) ?? 0) + sum(child), 0);
  return sum(pid);
}

import type { PluginStatus } from "../../contract/index.ts";
import type { Command } from "../command.ts";
import { table } from "../table.ts";

const HEAD = ["plugin", "state", "cpu", "memory", "processes", "disk", "sent/h", "calls/min", "queue", "p50", "p99", "strikes"];

/** What plugins use at this moment. @source plugin-platform §7 */
export const topCommand: Command = {
  name: ["plugin", "top"],
  args: "",
  summary: "what each plugin uses now, the busiest first",
  example: "hearthnet plugin top",
  run: async ({ client, print }) => {
    const { items } = await client().get<{ items: PluginStatus[] }>("/plugins");
    const busy = (one: PluginStatus): number => one.resources?.cpuPercent ?? -1;
    const sorted = items.toSorted((a, b) => busy(b) - busy(a));
    print(
      sorted.map(({ id, state, resources }) => ({ id, state, resources })),
      table(HEAD, sorted.map(cells), "No plugins installed."),
    );
  },
};

function cells({ id, state, resources }: PluginStatus): string[] {
  if (resources === null) return [id, state];
  const { cpuPercent, rssMb, pids, diskMb, egressMb, callsPerMinute, queue, p50Ms, p99Ms, strikes } = resources;
  const megabytes = (value: number | null): string => (value === null ? "-" : `${value} MB`);
  return [
    id,
    state,
    `${cpuPercent} %`,
    megabytes(rssMb),
    String(pids),
    megabytes(diskMb),
    megabytes(egressMb),
    String(callsPerMinute),
    String(queue),
    `${p50Ms} ms`,
    `${p99Ms} ms`,
    String(strikes),
  ];
}

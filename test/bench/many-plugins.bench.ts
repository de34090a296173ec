import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../host/src/foundation/index.ts";
import { processTree } from "../../host/src/runtime/confine/index.ts";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import type { BenchResult } from "./measure.ts";

/**
 * Fifty plugins that have nothing to do: each in a process of its own, shared pages counted once (PSS), and all of them in isolates of one host
 * (RSS). Beside one of each, times fifty. @source plugin-platform §11
 */
export const name = "many-plugins";

const COUNT = 50;
const QUIET_MS = 2000;
const ENTRY = join(import.meta.dirname, "..", "fixtures", "plugins", "sized", "plugin.ts");

export async function run(): Promise<Record<string, BenchResult>> {
  const processes = await memoryOf("process", (pids) => sum(pids, (pid) => field(pid, "smaps_rollup", "Pss")));
  const isolates = await memoryOf("isolate", (pids) => Math.max(...pids.map((pid) => field(pid, "status", "VmRSS"))));
  return {
    [`${name}-processes`]: {
      ...processes,
      unit: `MB PSS of ${COUNT} idle processes and their sandboxes, and of one, times ${COUNT}`,
    },
    [`${name}-isolates`]: {
      ...isolates,
      unit: `MB RSS of one host with ${COUNT} idle isolates, and of one with one, times ${COUNT}`,
    },
  };
}

async function memoryOf(tier: "process" | "isolate", measure: (pids: number[]) => number): Promise<Omit<BenchResult, "unit">> {
  const daemon = await Daemon.open(temporaryFolder());
  const pids = (): number[] => [
    ...new Set(daemon.runtime.list().flatMap(({ evidence }) => processTree(sandboxOf(evidence?.pid ?? 0)))),
  ];
  let alone = 0;
  for (let n = 0; n < COUNT; n += 1) {
    const capability = `ext.many.n${n}`;
    const define = { CODE: "1", CALLED: capability };
    await daemon.install({ id: `lab/many-${n}`, capability, entry: ENTRY, define, manifest: { tier: { min: tier } } });
    if (n > 0) continue;
    await quiet();
    alone = measure(pids());
  }
  await quiet();
  const value = measure(pids());
  await daemon.close();
  return { value, baseline: alone * COUNT, ratio: (alone * COUNT) / value };
}

/** "Idle" is after the start: a host gives back what it took for that when nobody has come for a while. */
const quiet = (): Promise<void> => new Promise((resolve) => void systemClock.setTimeout(resolve, QUIET_MS));

/** The sandbox's own two processes stand above node. */
function sandboxOf(node: number): number {
  let at = node;
  for (;;) {
    const above = Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${at}/status`, "latin1"))?.[1]);
    if (above === process.pid || above <= 1) return at;
    at = above;
  }
}

/** MB. */
function field(pid: number, file: string, label: string): number {
  try {
    return (
      Number(new RegExp(`^${label}:\\s*(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/${file}`, "latin1"))?.[1] ?? 0) / 1024
    );
  } catch {
    return 0;
  }
}

const sum = (pids: readonly number[], of: (pid: number) => number): number => pids.reduce((total, pid) => total + of(pid), 0);

import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { hostile, HOSTILE, installNeighbour, NEIGHBOUR } from "../security/attacks/hostile.ts";
import { besideNeighbour } from "../security/attacks/neighbour-times.ts";
import { DaemonProcess } from "../support/daemon-process.ts";
import type { BenchResult } from "./measure.ts";

/**
 * How late the daemon's event loop is, how much memory it takes and how long another plugin's callers wait while a plugin misbehaves, each
 * beside the same daemon in peace. The daemon is a process of its own. @source plugin-platform §7, §10 A12 to A17
 */
export const name = "daemon-under-attack";

const SCENE_MS = 3000;

/** Calls of the neighbour, wishes and lines in every form at the same time. */
const FLOOD = `
  const end = Date.now() + ${SCENE_MS};
  const ops = async () => { while (Date.now() < end) await ctx.kv.get("k").catch(() => {}); };
  const calls = async () => { while (Date.now() < end) await ctx.bus.call("${NEIGHBOUR}", { version: "1.0", input: {} }).catch(() => {}); };
  const lines = async () => {
    while (Date.now() < end) {
      for (let n = 0; n < 100; n += 1) { ctx.log.info("x".repeat(1000)); console.log("y".repeat(1000)); }
      await new Promise(setImmediate);
    }
  };
  await Promise.all([...Array.from({ length: 100 }, ops), ...Array.from({ length: 20 }, calls), lines()]);`;

const SCENES: Record<string, string> = {
  flooded: FLOOD,
  "hogged-of-memory": "const all = []; for (;;) { all.push(Buffer.alloc(4 << 20, 1)); await new Promise(setImmediate); }",
  hung: "for (;;);",
};
/** It ends as often as it is started, until it is left alone. */
const CRASHES = "setTimeout(() => process.exit(9), 20);";

export async function run(): Promise<Record<string, BenchResult>> {
  const daemon = await DaemonProcess.open(temporaryFolder());
  await installNeighbour(daemon);
  const results: Record<string, BenchResult> = {};
  const quiet = await scene(daemon, () => passes(daemon, SCENE_MS));
  const keep = (scene: string, during: Scene): void => {
    const row = (value: number, baseline: number, unit: string): BenchResult => ({
      value,
      baseline,
      ratio: baseline / value,
      unit,
    });
    results[`${name}-${scene}-delay`] = row(during.delayMs, quiet.delayMs, "ms that the daemon's event loop is late, p99");
    results[`${name}-${scene}-memory`] = row(during.peakMb, during.beforeMb, "MB resident, the most during and just before");
    results[`${name}-${scene}-neighbour`] = row(during.neighbourMs, quiet.neighbourMs, "ms that a neighbour's caller waits, p99");
  };
  for (const [word, code] of Object.entries(SCENES)) {
    await daemon.ask("install", { ...HOSTILE, id: "lab/scene", permissions: ["storage.kv"] });
    const act = (): Promise<unknown> =>
      daemon.ask("call", { capability: HOSTILE.capability, input: { code }, timeoutMs: SCENE_MS + 2000 }).catch(() => {});
    keep(word, await scene(daemon, act));
    await daemon.ask("remove", "lab/scene");
  }
  keep(
    "crashing-in-a-loop",
    await scene(daemon, async () => {
      await daemon.ask("install", { ...hostile({ setup: CRASHES }), id: "lab/scene" }).catch(() => {});
      await passes(daemon, SCENE_MS);
    }),
  );
  await daemon.close();
  return results;
}

interface Scene {
  delayMs: number;
  beforeMb: number;
  peakMb: number;
  neighbourMs: number;
}

async function scene(daemon: DaemonProcess, act: () => Promise<unknown>): Promise<Scene> {
  await daemon.ask("measure", null);
  daemon.forgetPeak();
  const beforeMb = daemon.rssMb;
  const { neighbour } = await besideNeighbour(() => daemon.ask("call", { capability: NEIGHBOUR }), act);
  const peakMb = daemon.peakMb;
  const { delay } = await daemon.ask("measure", null);
  return { delayMs: delay.p99Ms, beforeMb, peakMb, neighbourMs: neighbour.duringMs };
}

async function passes(daemon: DaemonProcess, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await daemon.ask("call", { capability: NEIGHBOUR });
}

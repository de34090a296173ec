import { join } from "node:path";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import { inLanes, judge, median, type BenchResult } from "./measure.ts";
import { onOneProcessor, onTwoProcessors } from "./processors.ts";
import { startUnconfined } from "./plugin-call/unconfined.ts";

/**
 * A call of 200 bytes into an isolate, over the bus, its host's socket and the border of the isolate, beside the same plugin in the same runner,
 * unconfined, over the same kind of socket: one whose handler answers at once, and one that waits for itself ten times. Both are alone in their
 * host, which enters them on its own thread; a third row is of one beside a neighbour, which is entered on another. @source plugin-platform §11
 */
export const name = "isolate-call";

const INPUT = { text: "x".repeat(180) };
const CALLS = 2000;
/** One after the other, as they are measured: what both sides compile for that is done after so many. */
const WARM_UP = 20_000;
const ROUNDS = 7;
const UNIT = "µs from call to answer, one in flight";
const TWO = { unit: `${UNIT}, a processor each`, better: "less" } as const;

export async function run(): Promise<Record<string, BenchResult>> {
  const daemon = await Daemon.open(temporaryFolder());
  const parts = {
    capability: "ext.sized.ping",
    entry: join(import.meta.dirname, "..", "fixtures", "plugins", "sized", "plugin.ts"),
    define: { CODE: "1", CALLED: "ext.sized.ping" },
    maxConcurrent: 128,
    callsPerMinute: 1_000_000,
  };
  const { evidence } = await daemon.install({ ...parts, id: "lab/isolated", manifest: { tier: { min: "isolate" } } });
  const twin = await startUnconfined(await daemon.release({ ...parts, id: "lab/twin" }), "ext.sized.ping@1.0");
  const sync = (): Promise<unknown> => daemon.call("ext.sized.ping", INPUT);
  const waiting = (): Promise<unknown> => daemon.call("ext.sized.ping", { ...INPUT, turns: 10 });
  const echo = (): Promise<unknown> => twin.call(INPUT);
  for (const call of [sync, waiting, echo]) await inLanes(call, { calls: 2000, width: 16 });
  for (const call of [sync, waiting, echo]) await inLanes(call, { calls: WARM_UP, width: 1 });
  const pids = [twin.pid, evidence?.pid ?? 0];
  const alone: number[][] = [];
  const alternating: number[][] = [];
  const turn = async (): Promise<number[]> => [await p50(sync), await p50(waiting), await p50(echo)];
  await onTwoProcessors(pids, () => repeat(async () => void alone.push(await turn())));
  await onOneProcessor(pids, () => repeat(async () => void alternating.push(await turn())));
  const neighbour = {
    ...parts,
    id: "lab/neighbour",
    capability: "ext.near.ping",
    define: { CODE: "1", CALLED: "ext.near.ping" },
  };
  await daemon.install({ ...neighbour, manifest: { tier: { min: "isolate" } } });
  const shared: [number, number][] = [];
  await onTwoProcessors(pids, () => repeat(async () => void shared.push([await p50(sync), await p50(echo)])));
  await twin.stop();
  await daemon.close();
  const beside = (rounds: readonly number[][], which: 0 | 1): BenchResult =>
    judge(
      rounds.map((r): [number, number] => [r[which] ?? 0, r[2] ?? 0]),
      TWO,
    );
  return {
    [`${name}-sync`]: beside(alone, 0),
    [`${name}-async`]: beside(alone, 1),
    [`${name}-shared`]: judge(shared, TWO),
    [`${name}-sync-on-one-processor`]: { ...beside(alternating, 0), unit: `${UNIT}, on one processor` },
    [`${name}-async-on-one-processor`]: { ...beside(alternating, 1), unit: `${UNIT}, on one processor` },
  };
}

async function repeat(round: () => Promise<void>): Promise<void> {
  for (let n = 0; n < ROUNDS; n += 1) await round();
}

async function p50(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < CALLS; n += 1) {
    const from = performance.now();
    await call();
    times.push((performance.now() - from) * 1000);
  }
  return median(times);
}

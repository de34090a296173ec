import { join } from "node:path";
import type { OriginateRequest } from "../../host/src/contract/index.ts";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon, OPERATOR } from "../security/attacks/daemon.ts";
import { compare, inLanes, judge, median, type BenchResult } from "./measure.ts";
import { onOneProcessor, onTwoProcessors } from "./processors.ts";
import { startBare, type Party } from "./plugin-call/bare.ts";
import { startUnconfined } from "./plugin-call/unconfined.ts";

/**
 * A call of 200 bytes over the bus into a confined plugin and back, beside an unconfined echo over the same kind of socket pair: the same
 * plugin in the same runner, without sandbox, bus, grants and schema. The rows `…-beside-bare-json` take a process that only parses and
 * writes JSON instead. @source architecture §7, plugin-platform §11
 */
export const name = "plugin-call";

const INPUT = { text: "x".repeat(180), n: 5 };
const ALONE = 2000;
const CROWD = 20_000;
/** Until then the compiler is still at work on either side. */
const WARM_UP = 200_000;
const WIDTH = 64;
const ROUNDS = 9;

type Call = Party["call"];

export async function run(): Promise<Record<string, BenchResult>> {
  const { confined, unconfined } = await makePlugins();
  const bare = startBare(INPUT);
  const all = [confined, unconfined, bare];
  for (const { call } of all) await inLanes(call, { calls: WARM_UP, width: WIDTH });
  const alone: number[][] = [];
  const alternating: number[][] = [];
  const crowd: number[][] = [];
  // Turn about, so that a busy machine slows all.
  const pids = all.map(({ pid }) => pid);
  const rounds = (into: number[][]) => async (): Promise<void> => {
    for (let i = 0; i < ROUNDS; i++) into.push(await each(all, p50));
  };
  await onTwoProcessors(pids, rounds(alone));
  await onOneProcessor(pids, rounds(alternating));
  for (let i = 0; i < ROUNDS; i++) crowd.push(await each(all, callsPerSecond));
  const others = { ours: [confined.pid], theirs: [unconfined.pid] };
  const cpu = await compare({ ours: confined.call, theirs: unconfined.call, round: CROWD, width: WIDTH, rounds: ROUNDS, others });
  await Promise.all(all.map((party) => party.stop()));
  const beside = (rounds: readonly number[][], other: 1 | 2): [number, number][] => rounds.map((r) => [r[0] ?? 0, r[other] ?? 0]);
  const p50s = { unit: "µs from call to answer, one in flight, a processor each", better: "less" } as const;
  const p50sOnOne = { ...p50s, unit: "µs from call to answer, one in flight, on one processor" };
  const rates = { unit: "calls/s, 64 in flight", better: "more" } as const;
  return {
    [`${name}-p50`]: judge(beside(alone, 1), p50s),
    [`${name}-rate`]: judge(beside(crowd, 1), rates),
    [`${name}-cpu`]: { ...cpu, unit: "µs CPU per call in both processes, 64 in flight" },
    [`${name}-p50-on-one-processor`]: judge(beside(alternating, 1), p50sOnOne),
    [`${name}-p50-beside-bare-json`]: judge(beside(alone, 2), p50s),
    [`${name}-rate-beside-bare-json`]: judge(beside(crowd, 2), rates),
  };
}

async function each(parties: readonly Party[], measure: (call: Call) => Promise<number>): Promise<number[]> {
  const out: number[] = [];
  for (const { call } of parties) out.push(await measure(call));
  return out;
}

async function p50(call: Call): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < ALONE; i++) {
    const from = performance.now();
    await call();
    times.push((performance.now() - from) * 1000);
  }
  return median(times);
}

async function callsPerSecond(call: Call): Promise<number> {
  const from = performance.now();
  await inLanes(call, { calls: CROWD, width: WIDTH });
  return CROWD / ((performance.now() - from) / 1000);
}

async function makePlugins(): Promise<{ confined: Party; unconfined: Party }> {
  const daemon = await Daemon.open(temporaryFolder());
  const parts = {
    capability: "ext.echo.ping",
    entry: join(import.meta.dirname, "..", "fixtures", "plugins", "echo", "plugin.ts"),
    maxConcurrent: 2 * WIDTH,
    callsPerMinute: 1_000_000,
  };
  const { label, evidence } = await daemon.install({ id: "lab/echo", ...parts });
  if (label !== "os") throw new Error(`The plugin runs under the label ${String(label)}: this machine cannot confine it.`);
  const twin = await startUnconfined(await daemon.release({ id: "lab/twin", ...parts }), "ext.echo.ping@1.0");
  const request = (): OriginateRequest => ({
    capability: parts.capability,
    version: [1, 0],
    body: { params: {}, input: INPUT },
    caller: OPERATOR,
  });
  return {
    confined: { call: () => daemon.bus.call(request()), pid: evidence?.pid ?? 0, stop: () => daemon.close() },
    unconfined: { call: () => twin.call(INPUT), pid: twin.pid, stop: () => twin.stop() },
  };
}

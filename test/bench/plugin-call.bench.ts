import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import { compare, inLanes, judge, median, type BenchResult } from "./measure.ts";
import { readFrames, writeFrame, type BareFrame } from "./plugin-call/bare-frames.ts";

/**
 * A call of 200 bytes over the bus into a confined plugin and back, beside an unconfined process that echoes JSON over the same kind of socket
 * pair and checks nothing. @source architecture §7
 */
export const name = "plugin-call";

const INPUT = { text: "x".repeat(180), n: 5 };
const ALONE = 2000;
const CROWD = 10_000;
const WIDTH = 64;
const ROUNDS = 9;

type Call = () => Promise<unknown>;
interface Party {
  call: Call;
  /** The process at the other end. */
  pid: number;
  stop(): Promise<void>;
}

export async function run(): Promise<Record<string, BenchResult>> {
  const [ours, theirs] = [await makeConfined(), await makeBare()];
  for (const { call } of [ours, theirs]) await inLanes(call, { calls: CROWD, width: WIDTH });
  const alone: [number, number][] = [];
  const crowd: [number, number][] = [];
  // Turn about, so that a busy machine slows both.
  for (let i = 0; i < ROUNDS; i++) {
    alone.push([await p50(ours.call), await p50(theirs.call)]);
    crowd.push([await callsPerSecond(ours.call), await callsPerSecond(theirs.call)]);
  }
  const others = { ours: [ours.pid], theirs: [theirs.pid] };
  const cpu = await compare({ ours: ours.call, theirs: theirs.call, round: CROWD, width: WIDTH, rounds: ROUNDS, others });
  await Promise.all([ours.stop(), theirs.stop()]);
  return {
    [`${name}-p50`]: judge(alone, { unit: "µs from call to answer, one in flight", better: "less" }),
    [`${name}-rate`]: judge(crowd, { unit: "calls/s, 64 in flight", better: "more" }),
    [`${name}-cpu`]: { ...cpu, unit: "µs CPU per call in both processes, 64 in flight" },
  };
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

async function makeConfined(): Promise<Party> {
  const daemon = await Daemon.open(temporaryFolder());
  const { label, evidence } = await daemon.install({
    id: "dev/echo",
    capability: "ext.echo.ping",
    entry: join(import.meta.dirname, "..", "fixtures", "plugins", "echo", "plugin.ts"),
    maxConcurrent: 2 * WIDTH,
    callsPerMinute: 1_000_000,
  });
  if (label !== "os") throw new Error(`The plugin runs under the label ${String(label)}: this machine cannot confine it.`);
  return { call: () => daemon.call("ext.echo.ping", INPUT), pid: evidence?.pid ?? 0, stop: () => daemon.close() };
}

async function makeBare(): Promise<Party> {
  const child = spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, "plugin-call", "bare-echo.ts")], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const socket = child.stdio[3] as Duplex;
  const waiting = new Map<number, (frame: BareFrame) => void>();
  readFrames(socket, (frame) => {
    waiting.get(frame.id)?.(frame);
    waiting.delete(frame.id);
  });
  let last = 0;
  return {
    pid: child.pid ?? 0,
    call: () =>
      new Promise((resolve) => {
        const id = ++last;
        waiting.set(id, resolve);
        writeFrame(socket, { id, input: INPUT });
      }),
    stop: async () => {
      const gone = once(child, "exit");
      socket.destroy();
      await gone;
    },
  };
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { temporaryFolder } from "../../host/test/runtime/fixtures/world.ts";
import { Daemon } from "../security/attacks/daemon.ts";
import { streamer, STREAM } from "./plugin-call/streamer.ts";
import { judge, type BenchResult } from "./measure.ts";

/**
 * Frames with 16 KB of bytes from a confined plugin to a caller on the same node, beside an unconfined process that writes the same bytes into
 * the same kind of socket pair. @source plugin-platform §11
 */
export const name = "byte-stream";

const PIECE = 16_384;
const FRAMES = 4000;
const ROUNDS = 5;
const MIB = (FRAMES * PIECE) / 1_048_576;

export async function run(): Promise<BenchResult> {
  const daemon = await Daemon.open(temporaryFolder());
  await daemon.install({ ...streamer(), id: "lab/streamer", callsPerMinute: 1_000_000 });
  const samples: [number, number][] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const sample: [number, number] = [await mibPerSecond(() => streamed(daemon)), await mibPerSecond(raw)];
    if (round > 0) samples.push(sample);
  }
  await daemon.close();
  return judge(samples, { unit: "MiB/s in frames of 16 KB", better: "more" });
}

async function streamed(daemon: Daemon): Promise<void> {
  let bytes = 0;
  for await (const { data } of daemon.stream(STREAM, { frames: FRAMES, size: PIECE }))
    bytes += (data["piece_b64"] as unknown as Uint8Array).byteLength;
  if (bytes !== FRAMES * PIECE) throw new Error(`${bytes} bytes came`);
}

async function raw(): Promise<void> {
  const code = `const s = new (require("node:net").Socket)({ fd: 3 }); s.once("data", () => { const b = Buffer.alloc(${PIECE}, 7); let n = 0; const go = () => { while (n < ${FRAMES}) { n += 1; if (!s.write(b)) return s.once("drain", go); } s.end(); }; go(); });`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "ignore", "inherit", "pipe"], env: {} });
  const link = child.stdio[3] as Duplex;
  let bytes = 0;
  link.on("data", (chunk: Buffer) => (bytes += chunk.byteLength));
  const ended = once(link, "end");
  link.write("go");
  await ended;
  if (bytes !== FRAMES * PIECE) throw new Error(`${bytes} bytes came`);
}

async function mibPerSecond(act: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await act();
  return MIB / ((performance.now() - from) / 1000);
}

import { HnError, ManualClock } from "../../host/src/foundation/index.ts";
import { importSeed, Signer } from "../../host/src/identity/index.ts";
import { FrameWriter } from "../../host/src/transport/sse/frame-writer.ts";
import { EventParser } from "../../host/src/transport/sse/parse.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { jsonText, oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const LINES = [
  "event: token",
  "event:done",
  "data: {}",
  'data:{"a":1}',
  "data: [",
  ": keepalive",
  ":",
  "id: 7",
  "retry",
  "",
  "",
  "\u0000",
  "data",
];
const { nodeId, key } = importSeed(new Uint8Array(32).fill(7));
const GENUINE = genuineStream();

/**
 * The reader of server-sent events against written, made-up and damaged streams in pieces of any size. Besides coded errors, checks that
 * pieces never change what is read.
 * @source 02 §7.1
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("event-stream", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  if (oneIn(chance, 20)) return Uint8Array.from({ length: chance(200) }, () => chance(256));
  if (oneIn(chance, 3)) return oneIn(chance, 2) ? GENUINE : mutate(GENUINE, chance);
  const end = oneIn(chance, 4) ? "\r\n" : "\n";
  const lines = Array.from({ length: chance(12) }, () =>
    oneIn(chance, 3) ? `data: ${jsonText(chance).slice(0, 2000)}` : pick(chance, LINES),
  );
  return Buffer.from(`event: token${end}data: {}${end}${end}${lines.join(end)}${end}${end}`);
}

function genuineStream(): Uint8Array {
  const writer = new FrameWriter({
    signer: new Signer(nodeId, key),
    clock: new ManualClock(),
    to: nodeId,
    requestId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
  });
  const frames = ["Re", "gen", "für 🔥", "\u2028\u0000"].map((text) => writer.frame({ event: "token", data: { text } }));
  return Buffer.from([...frames, writer.terminal("done", { tokens_out: 4 })].join(": keepalive\n\n"));
}

function read(input: Uint8Array): void {
  const whole = outcome(input, input.byteLength || 1);
  const pieces = outcome(input, 1 + (input.byteLength % 7));
  if (whole.text !== pieces.text) throw new Error(`in pieces ${pieces.text} instead of ${whole.text}`);
  if (whole.error !== undefined) throw whole.error;
}

function outcome(input: Uint8Array, step: number): { text: string; error?: HnError } {
  const parser = new EventParser();
  const seen: string[] = [];
  try {
    for (let at = 0; at < input.byteLength; at += step)
      for (const frame of parser.push(input.subarray(at, at + step))) seen.push(JSON.stringify(frame));
    return { text: seen.join() };
  } catch (error) {
    if (!HnError.isHnError(error)) throw error;
    // Frames before the faulty one count only when they came in an earlier push, so they are no part of the comparison.
    return { text: `${error.code} ${error.reason ?? ""}`, error };
  }
}

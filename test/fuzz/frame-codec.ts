import { HnError } from "../../host/src/foundation/index.ts";
import { encodeFrame, FrameChannel, FrameDecoder, placeBytes, type ByteSocket } from "../../host/src/format/index.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";

const SLOW_MS = 50;
const POINTERS = ["/input/image_b64", "/a~1b", "/~01/x", "/list/0", "/", "//", "/__proto__/x"];

/**
 * The frame decoder and the channel above it against well-formed, broken and hostile byte streams in random pieces. Besides coded errors,
 * checks that pieces never change the outcome: what one push reads, many pushes read.
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("frame-codec", { ...o, slowMs: SLOW_MS, make, target: read });
}

function make(chance: Chance): Uint8Array {
  if (chance(20) === 0) return Uint8Array.from({ length: chance(200) }, () => chance(256));
  const frames = Array.from({ length: 1 + chance(4) }, () => Buffer.concat(frame(chance)));
  const stream = Buffer.concat(frames);
  return chance(2) === 0 ? mutate(stream, chance) : stream;
}

function frame(chance: Chance): Uint8Array[] {
  const bytes = (): Uint8Array => new Uint8Array(chance(300)).fill(chance(256));
  const pointer = (): string => POINTERS[chance(POINTERS.length)] ?? "/";
  const id = chance(3) === 0 ? chance(10) : 1 + 2 * chance(5);
  switch (chance(7)) {
    case 0:
      return encodeFrame({ t: "result", id, output: {}, meta: {} });
    case 1: {
      const part = bytes();
      return encodeFrame(
        { t: "op", id, args: { input: null }, att: [{ ptr: pointer(), size: chance(8) === 0 ? chance(999) : part.byteLength }] },
        [part],
      );
    }
    case 2:
      return encodeFrame({ t: "frame", id, event: "x", data: {}, att: [{ ptr: pointer(), size: chance(70_000), stream: id }] });
    case 3: {
      const part = bytes();
      return encodeFrame({ t: "chunk", stream: id, seq: chance(3), size: part.byteLength }, [part]);
    }
    case 4:
      return encodeFrame({ t: "chunk.end", stream: id, ok: chance(2) === 0 });
    case 5:
      return encodeFrame({ t: "credit", id, bytes: chance(100_000) });
    default:
      return encodeFrame({ t: ["cancel", "log", "ping", 7, null][chance(5)], id, deep: nested(chance(80)) });
  }
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

function read(input: Uint8Array): void {
  const whole = outcome(input, input.byteLength || 1);
  const pieces = outcome(input, 1 + (input.byteLength % 13));
  if (whole.text !== pieces.text) throw new Error("reads another thing in pieces");
  channel(input);
  if ("error" in whole) throw whole.error;
}

function outcome(input: Uint8Array, step: number): { text: string; error?: unknown } {
  const decoder = new FrameDecoder();
  const seen: string[] = [];
  try {
    for (let at = 0; at < input.byteLength; at += step) {
      for (const { header, payload } of decoder.push(input.subarray(at, at + step)))
        seen.push(JSON.stringify(header) + payload.byteLength);
    }
    return { text: `${seen.join()}|${decoder.partial}` };
  } catch (error) {
    if (!HnError.isHnError(error)) throw error;
    // Frames before the faulty one count only when they came in an earlier push, so they are no part of the comparison.
    return { text: error.message, error };
  }
}

/** The channel must end a faulty connection by itself and never throw into the event loop. */
function channel(input: Uint8Array): void {
  let give: (bytes: Uint8Array) => void = () => {};
  const socket: ByteSocket = {
    writableLength: 0,
    write: () => true,
    pause: () => {},
    resume: () => {},
    destroy: () => {},
    on: (event: string, listener: unknown) => {
      if (event === "data") give = listener as typeof give;
    },
  };
  let faults = 0;
  const link = new FrameChannel({
    socket,
    parity: "even",
    onMessage: (message, attachments) => {
      if (attachments.size > 0) placeBytes(message, attachments);
    },
    onError: (error) => {
      faults += 1;
      if (!HnError.isHnError(error)) throw new Error("an uncoded error");
    },
  });
  give(input);
  if (faults > 1 || link.closed !== (faults === 1)) throw new Error("the connection did not end with its fault");
}

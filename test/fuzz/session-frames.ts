import { FrameOpener, FrameSealer, SUITES, type Suite } from "../../host/src/transport/session/cipher.ts";
import { SessionFault } from "../../host/src/transport/session/fault.ts";
import { FRAME_MAX_BYTES, KIND } from "../../host/src/transport/session/frame.ts";
import type { DirectionKey } from "../../host/src/transport/session/keys.ts";
import { encodeRecord, isControl, readRecords, TYPE } from "../../host/src/transport/session/record.ts";
import { type Chance, feed, type FuzzReport, mutate } from "./harness.ts";
import { oneIn, pick } from "./inputs/json-text.ts";

const SLOW_MS = 50;
const TYPES = Object.values(TYPE);
const CALLS = TYPES.filter((type) => !isControl(type));
const key = (): DirectionKey => ({ key: Buffer.alloc(32, 1), iv: Buffer.alloc(12, 2) });

/**
 * Frames of a peer session, genuine, altered and made up. What is taken is exactly what was sealed: a frame that differs in a single bit from the
 * one that was written never opens. Records are read from their frames on the way.
 * @source network.md §7 scenario 15
 */
export function fuzz(o: { runs: number; seed: number }): Promise<FuzzReport> {
  return feed("session-frames", { ...o, slowMs: SLOW_MS, make, target: read });
}

/** A byte that says which suite, then the frame. */
function make(chance: Chance): Uint8Array {
  const suite = chance(2);
  if (oneIn(chance, 20)) return Uint8Array.from({ length: chance(100) }, (_, i) => (i === 0 ? suite : chance(256)));
  const frame = genuine(suite, records(chance), chance);
  return Buffer.concat([Buffer.of(suite), oneIn(chance, 2) ? mutate(frame, chance) : frame]);
}

function genuine(suite: number, payload: Buffer, chance: Chance): Buffer {
  const sealer = new FrameSealer({ suite: SUITES[suite] ?? "hs256", key: key(), now: 0 });
  const kind = oneIn(chance, 6) ? KIND.ctrl : KIND.data;
  return sealer.seal(kind, { parts: [payload], bytes: payload.byteLength, sealed: oneIn(chance, 6) });
}

function records(chance: Chance): Buffer {
  const types = oneIn(chance, 3) ? TYPES : CALLS;
  const made = Array.from({ length: chance(6) }, () =>
    encodeRecord({
      type: pick(chance, types),
      id: types === CALLS ? 1 + chance(4) : chance(4),
      flags: chance(3),
      body: Buffer.alloc(chance(40), chance(256)),
    }),
  );
  const whole = Buffer.concat(made);
  return oneIn(chance, 4) ? Buffer.from(mutate(whole, chance)) : whole;
}

function read(input: Uint8Array): void {
  const suite = SUITES[(input[0] ?? 0) % SUITES.length] ?? "hs256";
  const frame = Buffer.from(input.subarray(1));
  const { header, payload } = opened(suite, Buffer.from(frame));
  const again = new FrameSealer({ suite, key: key(), now: 0 });
  const made = again.seal(header.kind, { parts: [payload], bytes: payload.byteLength, sealed: header.sealed });
  if (!made.equals(frame)) throw new Error("took a frame that nobody has sealed");
  const found = readRecords(payload, header);
  if (!Buffer.concat(found.map(({ raw }) => raw)).equals(payload)) throw new Error("read records that are not all of the frame");
}

function opened(suite: Suite, frame: Buffer): ReturnType<FrameOpener["open"]> {
  try {
    return new FrameOpener(suite, key(), FRAME_MAX_BYTES).open(frame);
  } catch (error) {
    if (!SessionFault.is(error)) throw new Error("an uncoded end", { cause: error });
    throw error;
  }
}

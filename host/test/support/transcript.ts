/** The conversation on fd 3 that both ends are held to, test/vectors/fd3.json. @source plugin-platform §5 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex } from "node:stream";
import type { JsonObject } from "../../src/contract/index.ts";
import { until } from "./until.ts";

export interface Turn {
  from: "host" | "plugin";
  /** What happens outside this connection just before. */
  cue?: string;
  note?: string;
  header: JsonObject & { t: string };
  /** Hex: both lengths and the header's text. */
  head: string;
  /** The attachment: hex, or one byte repeated. */
  bytes?: string | { byte: string; size: number };
}

export function readTranscript(): Turn[] {
  const path = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "fd3.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { turns: Turn[] }).turns;
}

export function attachmentOf({ bytes = "" }: Turn): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes, "hex") : Buffer.alloc(bytes.size, bytes.byte, "hex");
}

/** The whole frame as it stands on the wire. */
export function wireOf(turn: Turn): Buffer {
  return Buffer.concat([Buffer.from(turn.head, "hex"), attachmentOf(turn)]);
}

/** The near end's socket: remembers what is written to it. */
export class FarEnd extends Duplex {
  readonly #heard: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#heard.push(Buffer.from(chunk));
    done();
  }

  get heard(): Buffer {
    return Buffer.concat(this.#heard);
  }
}

/**
 * Plays the other end's part and holds `side` to its own, byte for byte and to the last one.
 * @param o.pieceBytes  the other end's frames come in pieces of that size
 * @param o.cue         makes happen what a turn's cue says
 */
export async function play(o: {
  side: Turn["from"];
  socket: FarEnd;
  pieceBytes: number;
  cue?: (name: string) => void | Promise<void>;
}): Promise<void> {
  const { side, socket, pieceBytes } = o;
  let expected = 0;
  for (const [index, turn] of readTranscript().entries()) {
    if (turn.cue !== undefined) await o.cue?.(turn.cue);
    const wire = wireOf(turn);
    if (turn.from !== side) {
      // Bytes of streams are credited and sent on without waiting for each other; all else has its cause in the turn before.
      if (!turn.header.t.startsWith("chunk")) await quiet(side, socket, expected);
      for (let at = 0; at < wire.byteLength; at += pieceBytes) socket.push(wire.subarray(at, at + pieceBytes));
      continue;
    }
    const end = expected + wire.byteLength;
    await until(`${side} says turn ${index}, ${turn.header.t}`, () => socket.heard.byteLength >= end);
    const said = socket.heard.subarray(expected, end);
    if (!said.equals(wire)) assert.equal(said.toString("latin1"), wire.toString("latin1"), `turn ${index}`);
    expected = end;
  }
  await quiet(side, socket, expected);
}

async function quiet(side: string, socket: FarEnd, expected: number): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  assert.equal(socket.heard.byteLength, expected, `${side} says more than it should, or too early`);
}

import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { StreamDigest } from "../../identity/index.ts";
import { CONSTANTS, type Clock, type Frame, type JsonObject, type Timer } from "../../contract/index.ts";
import { textOf, type BusSocket } from "./bus-socket.ts";
import { errorOfClose } from "./close-code.ts";

const WINDOW = CONSTANTS.STREAM_WINDOW_FRAMES;
const ACK = CONSTANTS.STREAM_ACK_INTERVAL_FRAMES;
/** A reader that takes its time says so within the 5 s that it is given. */
const STILL_THERE_MS = 2000;
const MESSAGE_MAX_BYTES = CONSTANTS.FRAME_MAX_BYTES + 8192;

export interface NumberedFrame extends Frame {
  seq: number;
}

export interface FrameReaderOptions {
  socket: BusSocket;
  clock: Clock;
  /** Every number is one more than the one before; of subscriptions they only rise. */
  gapless: boolean;
  /** The other side has read this node's frames up to here. */
  onAck?: (upto: number) => void;
  /** Something came, be it only a ping. */
  onLife: () => void;
}

/** Frames of a WebSocket that this node has opened: in order, acknowledged as they are taken. @source 02 §8 */
export class FrameReader {
  readonly #o: FrameReaderOptions;
  readonly #queue: NumberedFrame[] = [];
  readonly #digest: StreamDigest = new StreamDigest();
  #received = 0;
  /** All up to here were taken. */
  #taken = 0;
  #acknowledged = 0;
  #sinceAck = 0;
  #isOver = false;
  #failure: HnError | undefined;
  #wake: (() => void) | undefined;
  #timer: Timer;

  constructor(o: FrameReaderOptions) {
    this.#o = o;
    const { socket } = o;
    socket.on("message", (data, isBinary) => this.#receive(textOf(data, isBinary)));
    socket.on("ping", o.onLife);
    socket.once("close", (code) => this.#closed(code));
    this.#timer = this.#repeatLater();
    socket.resume();
  }

  /** Over all frames before the last one. */
  get digest(): StreamDigest {
    return this.#digest;
  }

  /** The next frame; `done` and `error` are the last. @throws what the socket ended with */
  async next(): Promise<NumberedFrame> {
    for (;;) {
      const frame = this.#queue.shift();
      if (frame !== undefined) {
        this.#took(frame.seq);
        return frame;
      }
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Whoever reads hears `error` after what is there already. */
  fail(error: HnError): void {
    this.#failure ??= error;
    this.#isOver = true;
    this.#timer.cancel();
    this.#wake?.();
  }

  #receive(text: Uint8Array | undefined): void {
    if (this.#isOver) return;
    this.#o.onLife();
    try {
      const frame = readFrame(text);
      const { event, data, seq } = frame;
      if (this.#o.gapless ? seq !== this.#received + 1 : seq < this.#received) throw odd();
      this.#received = seq;
      if (event === "done" || event === "error") this.#isOver = true;
      else this.#digest.add({ event, data });
      if (event === "ack") this.#acknowledgedBy(data);
      else if (this.#queue.push(frame) > WINDOW + 1) throw odd();
      if (event === "ack" && this.#queue.length === 0) this.#took(seq);
      this.#wake?.();
    } catch (error) {
      this.fail(HnError.from(error));
      this.#o.socket.terminate();
    }
  }

  #acknowledgedBy({ upto }: JsonObject): void {
    if (typeof upto !== "number" || !Number.isSafeInteger(upto)) throw odd();
    this.#o.onAck?.(upto);
  }

  #took(seq: number): void {
    this.#taken = this.#queue[0] === undefined && this.#o.gapless ? this.#received : seq;
    this.#sinceAck += 1;
    if (this.#o.gapless ? this.#taken - this.#acknowledged >= ACK : this.#sinceAck >= ACK) this.#acknowledge();
  }

  #acknowledge(): void {
    this.#acknowledged = this.#taken;
    this.#sinceAck = 0;
    if (!this.#isOver) this.#o.socket.send(JSON.stringify({ type: "ack", upto: this.#taken }));
  }

  /** The other side gives up a reader of whom it hears nothing: one that is only slow says so. */
  #repeatLater(): Timer {
    return this.#o.clock.setTimeout(() => {
      if (this.#isOver) return;
      if (this.#received > this.#acknowledged) this.#acknowledge();
      this.#timer = this.#repeatLater();
    }, STILL_THERE_MS);
  }

  #closed(code: number): void {
    this.#timer.cancel();
    const { code: error } = errorOfClose(code);
    // After the last frame the closing is no news.
    if (!this.#isOver) this.fail(new HnError(error, error === "partition" ? { reason: "stream_cut" } : {}));
  }
}

/** @throws partition reason stream_cut: rubbish in the place of frames is the neighbour's failure, not the caller's */
export function readFrame(text: Uint8Array | undefined): NumberedFrame {
  if (text === undefined) throw odd();
  let value: unknown;
  try {
    value = parseStrictJson(text, { maxBytes: MESSAGE_MAX_BYTES });
  } catch (cause) {
    throw odd(cause);
  }
  const { event, data, seq } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  // What is published on a topic may be any value.
  const isObject = event === "published" ? data !== undefined : typeof data === "object" && data !== null && !Array.isArray(data);
  if (typeof event !== "string" || event === "" || !isObject || !Number.isSafeInteger(seq) || (seq as number) < 0) throw odd();
  return { event, data: data as JsonObject, seq: seq as number };
}

function odd(cause?: unknown): HnError {
  return new HnError("partition", { reason: "stream_cut", ...(cause === undefined ? {} : { cause }) });
}

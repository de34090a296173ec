/** One frame: `u32be length | u32be headerLength | header JSON | attachment bytes`. @source plugin-platform §5.1 */
import { CONSTANTS, type JsonObject } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";

const PREFIX_BYTES = 8;
const SMALL_BYTES = 256;
/** A chunk of a file is there with a third or fourth piece: room for all of it at once spares copying what came before. */
const GROWTH = 8;
const EMPTY: Uint8Array = new Uint8Array(0);
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A frame as it came off the wire; `payload` is everything behind the header, a view that stays valid. */
export interface DecodedFrame {
  header: JsonObject;
  payload: Uint8Array;
  /** The memory behind `payload` holds nothing but this frame. */
  alone: boolean;
}

/** What the other side may not do; the connection ends, nobody tries to resynchronise. @source plugin-platform §5.3.3 */
export function protocolError(message: string, cause?: unknown): HnError {
  return new HnError("plugin_gone", { reason: "protocol_error", message, ...(cause === undefined ? {} : { cause }) });
}

/**
 * Builds the parts of one frame, to be written in this order. The attachment parts are the given arrays, not copies.
 * @param header       any JSON object; its text is at most 1 MiB
 * @param attachments  bytes behind the header; their sizes must be what the header's `att` (or `size` of a chunk) says
 * @throws plugin_gone reason protocol_error when a limit would be broken
 */
export function encodeFrame(header: object, attachments: readonly Uint8Array[] = []): Uint8Array[] {
  const head = measureHead(header, attachments);
  const bytes = Buffer.allocUnsafe(head.size);
  putHead(bytes, 0, head);
  return attachments.length === 0 ? [bytes] : [bytes, ...attachments];
}

/** A header as text, with the lengths that go before it. */
export interface Head {
  text: string;
  /** Bytes of the two lengths and the text. */
  size: number;
  attachmentBytes: number;
}

/** @throws plugin_gone reason protocol_error when a limit would be broken */
export function measureHead(header: object, attachments: readonly Uint8Array[]): Head {
  const text = JSON.stringify(header);
  const size = PREFIX_BYTES + Buffer.byteLength(text);
  let attachmentBytes = 0;
  for (const part of attachments) attachmentBytes += part.byteLength;
  if (size - PREFIX_BYTES > CONSTANTS.PLUGIN_HEADER_MAX_BYTES) throw protocolError("The message is larger than 1 MiB.");
  if (size - 4 + attachmentBytes > CONSTANTS.PLUGIN_FRAME_MAX_BYTES) throw protocolError("The frame is larger than 8 MiB.");
  return { text, size, attachmentBytes };
}

/** Writes the lengths and the text at their place; `target` has room for them. */
export function putHead(target: Buffer, at: number, { text, size, attachmentBytes }: Head): void {
  putU32(target, at, size - 4 + attachmentBytes);
  putU32(target, at + 4, size - PREFIX_BYTES);
  target.write(text, at + PREFIX_BYTES, size - PREFIX_BYTES === text.length ? "latin1" : "utf8");
}

/** Reads a header's text. The default is the strict parser; a plugin process, which trusts its host, may hand in `JSON.parse`. */
export type HeaderParser = (text: string) => unknown;

/**
 * Turns a byte stream into frames. Holds at most one partial frame; memory grows with what arrived, and of what a prefix claims only eight times as much
 * is believed.
 * After it has thrown, it must not be used again.
 */
export class FrameDecoder {
  readonly #parse: HeaderParser;
  /** Start of an unfinished frame; grows in steps, so that a frame in single bytes costs no more than one in a piece. */
  #buffer: Uint8Array = EMPTY;
  #held = 0;
  #kept = 0;

  constructor(parse: HeaderParser = parseStrictJson) {
    this.#parse = parse;
  }

  /** True while a frame has begun and not ended; the caller enforces the 10 s limit of §5.3.3. */
  get partial(): boolean {
    return this.#held > 0;
  }

  /** No frame of the last `push` is a view of what came: all of that was copied. */
  get copied(): boolean {
    return this.#kept === 0;
  }

  /** @throws plugin_gone reason protocol_error */
  push(bytes: Uint8Array): DecodedFrame[] {
    const frames: DecodedFrame[] = [];
    this.#kept = 0;
    let data = bytes;
    while (this.#held > 0) {
      // Of what has come only the rest of the frame under way is copied.
      const wanted = this.#held < PREFIX_BYTES ? PREFIX_BYTES : frameBytes(this.#buffer);
      const part = data.subarray(0, wanted - this.#held);
      this.#append(part, wanted);
      data = data.subarray(part.byteLength);
      if (this.#held < wanted) return frames;
      if (wanted === PREFIX_BYTES) continue;
      frames.push(this.#read(this.#buffer.subarray(0, this.#held), true));
      // A frame that was handed out is a view of its buffer, so the next one gets its own.
      this.#held = 0;
      this.#buffer = EMPTY;
    }
    while (data.byteLength >= PREFIX_BYTES) {
      const total = frameBytes(data);
      if (data.byteLength < total) break;
      frames.push(this.#read(data.subarray(0, total), false));
      this.#kept += 1;
      data = data.subarray(total);
    }
    if (data.byteLength > 0) this.#append(data, data.byteLength < PREFIX_BYTES ? PREFIX_BYTES : frameBytes(data));
    return frames;
  }

  /** @param wanted  bytes of the whole frame, as far as that is known */
  #append(bytes: Uint8Array, wanted: number): void {
    const needed = this.#held + bytes.byteLength;
    if (needed > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(Math.min(wanted, GROWTH * needed), needed, SMALL_BYTES));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#held);
    this.#held = needed;
  }

  #read(frame: Uint8Array, alone: boolean): DecodedFrame {
    const headerBytes = u32(frame, 4);
    let header: unknown;
    try {
      header = this.#parse(strictUtf8.decode(frame.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes)));
    } catch (cause) {
      throw protocolError("The header is not valid JSON.", cause);
    }
    if (typeof header !== "object" || header === null || Array.isArray(header)) {
      throw protocolError("The header is not a JSON object.");
    }
    return { header: header as JsonObject, payload: frame.subarray(PREFIX_BYTES + headerBytes), alone };
  }
}

/** Whole size of the frame that starts here, prefix included; refuses impossible lengths before anything is stored for them. */
function frameBytes(data: Uint8Array): number {
  const length = u32(data, 0);
  const headerBytes = u32(data, 4);
  if (length > CONSTANTS.PLUGIN_FRAME_MAX_BYTES) throw protocolError("The frame is larger than 8 MiB.");
  if (headerBytes > CONSTANTS.PLUGIN_HEADER_MAX_BYTES) throw protocolError("The header is larger than 1 MiB.");
  if (headerBytes < 2 || headerBytes + 4 > length) throw protocolError("The frame's lengths contradict each other.");
  return 4 + length;
}

function u32(data: Uint8Array, at: number): number {
  return (((data[at] ?? 0) << 24) | ((data[at + 1] ?? 0) << 16) | ((data[at + 2] ?? 0) << 8) | (data[at + 3] ?? 0)) >>> 0;
}

function putU32(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 24;
  data[at + 1] = value >>> 16;
  data[at + 2] = value >>> 8;
  data[at + 3] = value;
}

import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { CONSTANTS, type Frame } from "../../contract/index.ts";

/** A frame's data, and room for its name and for the signature in a terminal one. */
const EVENT_MAX_BYTES = CONSTANTS.FRAME_MAX_BYTES + 4096;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Reads server-sent events piece by piece. Ignores comments and fields it does not know, tolerates CRLF and a missing space after the colon.
 * However small the pieces are, each byte is looked at once.
 * @source 02 §7.1
 */
export class EventParser {
  readonly #decoder: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  /** Pieces of a line that has no end yet. */
  #pieces: Uint8Array[] = [];
  #event = "";
  #data: string[] = [];
  /** Bytes of the event that is being read. */
  #size = 0;

  /**
   * @returns the events that are complete now
   * @throws bad_request for what is no such stream, or an event beyond 1 MiB
   */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, at));
      from = at + 1;
      const frame = this.#line(this.#takeLine());
      if (frame) frames.push(frame);
    }
    this.#keep(chunk.subarray(from));
    return frames;
  }

  #keep(piece: Uint8Array): void {
    this.#size += piece.byteLength;
    if (this.#size > EVENT_MAX_BYTES) throw new HnError("bad_request", { reason: "too_large" });
    if (piece.byteLength > 0) this.#pieces.push(piece);
  }

  #takeLine(): string {
    const pieces = this.#pieces;
    this.#pieces = [];
    let bytes = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    if (bytes.at(-1) === RETURN) bytes = bytes.subarray(0, -1);
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new HnError("bad_request", { reason: "json_invalid", message: "The stream is not UTF-8.", cause });
    }
  }

  #line(line: string): Frame | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) {
      // Nobody may be kept busy by comments alone, but each for itself is free.
      if (this.#data.length === 0) this.#size = 0;
      return undefined;
    }
    const name = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
    return undefined;
  }

  #dispatch(): Frame | undefined {
    const event = this.#event;
    const text = this.#data.join("\n");
    const empty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    this.#size = 0;
    if (empty) return undefined;
    const data = parseStrictJson(text, { maxBytes: EVENT_MAX_BYTES });
    if (event === "" || typeof data !== "object" || data === null || Array.isArray(data)) {
      throw new HnError("bad_request", { reason: "json_invalid", message: "A frame is not an event with a JSON object." });
    }
    return { event, data };
  }
}

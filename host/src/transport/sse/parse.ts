import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { CONSTANTS, type Frame } from "../../contract/index.ts";

/**
 * Reads server-sent events piece by piece. Ignores comments, tolerates CRLF and a missing space after the colon.
 * @source 02 §7.1
 */
export class EventParser {
  readonly #decoder: TextDecoder = new TextDecoder("utf-8", { fatal: true });
  /** Pieces of a line that has no end yet. */
  #rest = "";
  #event = "";
  #data: string[] = [];
  #size = 0;

  /**
   * @returns the events that are complete now
   * @throws bad_request for what is no such stream, or an event beyond 1 MiB
   */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const frame = this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (frame) frames.push(frame);
    }
    if (this.#rest.length + this.#size > CONSTANTS.FRAME_MAX_BYTES * 2) throw new HnError("bad_request", { reason: "too_large" });
    return frames;
  }

  #line(line: string): Frame | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const name = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "event") this.#event = value;
    else if (name === "data") {
      this.#data.push(value);
      this.#size += value.length;
    }
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
    const data = parseStrictJson(text, { maxBytes: CONSTANTS.FRAME_MAX_BYTES * 2 });
    if (event === "" || typeof data !== "object" || data === null || Array.isArray(data)) {
      throw new HnError("bad_request", { reason: "json_invalid", message: "A frame is not an event with a JSON object." });
    }
    return { event, data };
  }
}

import { CONSTANTS, type Frame, type JsonObject } from "../../contract/index.ts";
import { malformed, type ClientMessage } from "./client-message.ts";

const WINDOW = CONSTANTS.STREAM_WINDOW_FRAMES;
const ACK = CONSTANTS.STREAM_ACK_INTERVAL_FRAMES;
/** The last of a client's frames: nothing follows it. */
export const LAST = "done";
/** Tool calls that may wait for their results. */
const OPEN_TOOL_CALLS_MAX = 256;

/**
 * What a client sends into its call, for the handler to read: its frames within their window, and results of tools that the handler has asked
 * for. The client hears how far the handler has read, not how far the network has.
 * @source 02 T-17
 */
export class Inbox implements AsyncIterable<Frame> {
  readonly #onTaken: (upto: number) => void;
  readonly #queue: { frame: Frame; seq: number | undefined }[] = [];
  readonly #toolCalls: Set<string> = new Set();
  #received = 0;
  #taken = 0;
  #acknowledged = 0;
  #end: { error: unknown } | "whole" | undefined;
  #wake: (() => void) | undefined;

  /** @param onTaken  the handler has taken all frames up to this one */
  constructor(onTaken: (upto: number) => void) {
    this.#onTaken = onTaken;
  }

  /** The handler has asked for a tool's result. */
  expect(toolCallId: unknown): void {
    if (typeof toolCallId === "string" && this.#toolCalls.size < OPEN_TOOL_CALLS_MAX) this.#toolCalls.add(toolCallId);
  }

  /** @throws bad_request reason message_malformed */
  frame({ event, data, seq }: Extract<ClientMessage, { type: "frame" }>): void {
    if (seq !== this.#received + 1) throw malformed("The client's frames are not numbered one after the other.");
    if (this.#end === "whole") throw malformed("A frame came after the client's last one.");
    if (seq - this.#acknowledged > WINDOW) throw malformed("More of the client's frames came than were acknowledged.");
    this.#received = seq;
    if (event === LAST) return this.end();
    this.#push({ event, data }, seq);
  }

  /** @throws bad_request reason message_malformed when nobody has asked, or it was answered already */
  toolResult(toolCallId: string, body: JsonObject): void {
    if (!this.#toolCalls.delete(toolCallId)) throw malformed("A tool's result came that nobody waits for.");
    if (this.#end === undefined) this.#push({ event: "tool_result", data: { tool_call_id: toolCallId, body } }, undefined);
  }

  /** Nothing follows. Without an error what came is whole; only the first end counts. */
  end(error?: unknown): void {
    this.#end ??= error === undefined ? "whole" : { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, void> {
    for (;;) {
      if (typeof this.#end === "object") throw this.#end.error;
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#took(next.seq);
        yield next.frame;
      } else if (this.#end !== undefined) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #push(frame: Frame, seq: number | undefined): void {
    this.#queue.push({ frame, seq });
    this.#wake?.();
  }

  #took(seq: number | undefined): void {
    this.#taken = seq ?? this.#taken;
    if (this.#taken - this.#acknowledged < ACK || this.#end !== undefined) return;
    this.#acknowledged = this.#taken;
    this.#onTaken(this.#taken);
  }
}

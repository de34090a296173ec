import { HnError, TokenBucket } from "../../foundation/index.ts";
import type { Frame, JsonObject } from "../../contract/index.ts";
import type { Room } from "../http/room.ts";
import type { Passage } from "../inbound/passage.ts";
import { FrameWriter } from "../sse/frame-writer.ts";
import { textOf, type BusSocket } from "./bus-socket.ts";
import { malformed, readClientMessage, type ClientMessage } from "./client-message.ts";
import { CLOSE, closeCodeOf } from "./close-code.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Window } from "./window.ts";

const REPEATS_PER_SECOND = 10;

export interface LiveSocketOptions {
  socket: BusSocket;
  passage: Passage;
  /** An answered ping keeps the socket open: of subscriptions. */
  pongCounts: boolean;
  /** What the client says; acknowledgements are dealt with before. */
  onMessage: (message: Exclude<ClientMessage, { type: "ack" }>) => void;
  /** Nothing was said for two minutes. */
  onIdle: () => void;
  /** The client has broken the rules; the socket is closed. */
  onBroken: (error: HnError) => void;
}

/** A WebSocket whose client has proven who it is: numbered frames one way within their window, messages the other. @source 02 §8 */
export class LiveSocket {
  readonly #room: Room;
  readonly #o: LiveSocketOptions;
  readonly #writer: FrameWriter;
  readonly #window: Window;
  readonly #heartbeat: Heartbeat;
  /** Acknowledgements that only say that somebody is there. */
  readonly #repeats: TokenBucket;
  #seq = 0;
  #over = false;

  constructor(room: Room, o: LiveSocketOptions) {
    this.#room = room;
    this.#o = o;
    const { from, requestId } = o.passage.claim;
    this.#writer = new FrameWriter({
      signer: room.answerer.signer,
      clock: room.clock,
      to: from,
      requestId,
      form: (event, json) => `{"event":${JSON.stringify(event)},"data":${json},"seq":${this.#seq}}`,
    });
    this.#window = new Window(room.clock);
    this.#repeats = new TokenBucket({ perSecond: REPEATS_PER_SECOND, now: room.clock.monotonic() });
    const { socket } = o;
    this.#heartbeat = new Heartbeat({
      clock: room.clock,
      ping: () => socket.ping(),
      onGone: () => socket.terminate(),
      onIdle: o.onIdle,
      pongCounts: o.pongCounts,
    });
    socket.on("pong", () => this.#heartbeat.pong());
    socket.on("message", (data, isBinary) => this.#receive(textOf(data, isBinary)));
    socket.once("close", () => this.#end());
  }

  /** The number of the last frame that was sent. */
  get last(): number {
    return this.#window.last;
  }

  /**
   * Sends a frame when the window has room for it.
   * @param seq  its number; one more than the last by default
   * @throws timeout reason acks_missing · what the socket was stopped with
   */
  async frame(frame: Frame, seq?: number): Promise<void> {
    await this.#window.room();
    this.sendNow(frame, seq);
  }

  /** Sends a frame that must not wait; nothing where the socket has ended. */
  sendNow(frame: Frame, seq: number = this.#window.last + 1): void {
    if (this.#over) return;
    this.#seq = seq;
    this.#send(this.#writer.frame(frame));
    this.#window.sent(seq);
  }

  /** Whoever waits for the window hears `error`. */
  stop(error: unknown): void {
    this.#window.stop(error);
  }

  /** The last frame, then the end. */
  done(summary: JsonObject, code: number = CLOSE.normal): void {
    if (this.#over) return;
    this.#last("done", summary);
    this.#close(code);
  }

  /** @param code  why it is closed; by default what the error stands for */
  failed(thrown: unknown, code?: number): void {
    if (this.#over) return;
    const error = HnError.from(thrown);
    this.#last("error", { ...this.#room.answerer.wireError(error, this.#o.passage.claim) });
    this.#close(code ?? closeCodeOf(error));
  }

  /** Without a last frame. */
  leave(code: number): void {
    if (!this.#over) this.#close(code);
  }

  #last(event: "done" | "error", data: JsonObject): void {
    this.#seq = this.#window.last + 1;
    this.#send(this.#writer.terminal(event, data));
  }

  #send(text: string): void {
    this.#heartbeat.said();
    this.#o.socket.send(text);
  }

  #receive(text: Uint8Array | undefined): void {
    if (this.#over) return;
    this.#heartbeat.said();
    try {
      if (text === undefined) throw malformed("Binary messages are not taken here. Send text.");
      const message = readClientMessage(text);
      if (message.type !== "ack") this.#o.onMessage(message);
      else if (!this.#window.acknowledge(message.upto) && this.#repeats.take(this.#room.clock.monotonic()) > 0)
        throw new HnError("rate_limited", { message: "The same acknowledgement came too often. Acknowledge what is new." });
    } catch (thrown) {
      const error = HnError.from(thrown);
      this.failed(error);
      this.#o.onBroken(error);
    }
  }

  #close(code: number): void {
    this.#end();
    this.#o.socket.close(code);
  }

  #end(): void {
    this.#over = true;
    this.#heartbeat.stop();
    this.#window.stop(new HnError("partition", { reason: "stream_cut" }));
  }
}

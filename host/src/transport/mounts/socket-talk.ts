import type { SocketEnd, SocketMessage } from "../../contract/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { HnError, TokenBucket } from "../../foundation/index.ts";
import type { Room } from "../http/room.ts";
import { bytesOf, type BusSocket } from "../websocket/bus-socket.ts";
import { CLOSE, closeCodeOf } from "../websocket/close-code.ts";
import { Heartbeat } from "../websocket/heartbeat.ts";
import { SocketInbox } from "./socket-inbox.ts";

/** As long as a reader of server-sent events may take nothing. @source 02 T-13 */
const STALLED_MS = CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000;
/** For the plugin to say its last when the client has closed properly. */
const FAREWELL_MS = 2000;
/** For the client to answer the closing. */
const CLOSING_MS = 2000;
const REASON_MAX_BYTES = 123;
/** RFC 6455 §7.1.5: the connection is gone and nobody has said why. */
const LOST = 1006;

export interface SocketTalkOptions {
  socket: BusSocket;
  /** Largest message of the client in bytes. */
  maxBytes: number;
  /** Messages of the client per second. */
  perSecond: number;
  /** An answered ping keeps it open. */
  pongCounts: boolean;
  /** Aborts when its client may not be here any more. */
  signal: AbortSignal;
  talk: (incoming: AsyncIterable<SocketMessage>, signal: AbortSignal) => AsyncGenerator<SocketMessage, SocketEnd, void>;
}

/**
 * One client and one plugin over one WebSocket: messages pass as they are, each side no faster than the other reads.
 * @source plugin-platform §2.4, 02 §8
 */
export class SocketTalk {
  readonly #room: Room;
  readonly #o: SocketTalkOptions;
  readonly #inbox: SocketInbox;
  readonly #heartbeat: Heartbeat;
  /** Aborts when the plugin is to end it. */
  readonly #over: AbortController = new AbortController();
  readonly #forget: () => void;
  #closed = false;

  constructor(room: Room, o: SocketTalkOptions) {
    this.#room = room;
    this.#o = o;
    const { socket, signal } = o;
    const { clock } = room;
    this.#inbox = new SocketInbox({
      clock,
      pace: new TokenBucket({ perSecond: o.perSecond, now: clock.monotonic() }),
      onFull: (full) => (full ? socket.pause() : socket.resume()),
    });
    this.#heartbeat = new Heartbeat({
      clock,
      // A client that is made to wait cannot be heard.
      ping: () => (socket.isPaused ? this.#heartbeat.pong() : socket.ping()),
      onGone: () => socket.terminate(),
      onIdle: () => this.#end(CLOSE.normal, "nothing was said for two minutes"),
      pongCounts: o.pongCounts,
    });
    socket.on("error", () => undefined);
    socket.on("pong", () => this.#heartbeat.pong());
    socket.on("message", (data, isBinary) => this.#take(bytesOf(data), isBinary));
    socket.once("close", (code) => this.#left(code));
    this.#forget = room.sockets.onLeaving(() => this.#end(CLOSE.goingAway, "the node stops"));
    if (signal.aborted) this.#refuse(signal.reason);
    else signal.addEventListener("abort", () => this.#refuse(signal.reason), { once: true });
  }

  /** Resolves when it has ended, however it ended. */
  async run(): Promise<void> {
    const frames = this.#o.talk(this.#inbox, this.#over.signal);
    try {
      for (;;) {
        const step = await frames.next();
        if (step.done === true) return this.#end(step.value.code, step.value.reason);
        this.#over.signal.throwIfAborted();
        if (!this.#closed) await this.#send(step.value);
      }
    } catch (error) {
      // The plugin's place is free before the client hears why.
      await frames.return({ code: CLOSE.normal, reason: "" }).catch(() => undefined);
      this.#refuse(error);
    } finally {
      this.#end(CLOSE.internal, "");
      this.#forget();
    }
  }

  #take(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#closed) return;
    this.#heartbeat.said();
    const { maxBytes } = this.#o;
    if (bytes.byteLength > maxBytes)
      return this.#refuse(
        new HnError("bad_request", { reason: "too_large", message: `A message here has at most ${maxBytes} bytes.` }),
      );
    // The library has checked that text is UTF-8.
    this.#inbox.push(isBinary ? bytes : Buffer.from(bytes).toString("utf8"), bytes.byteLength);
  }

  /** Resolves when the system has it, so that a slow client slows the plugin. @throws timeout when the client is gone */
  async #send(message: SocketMessage): Promise<void> {
    const { socket } = this.#o;
    this.#heartbeat.said();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = this.#room.clock.setTimeout(() => socket.terminate(), STALLED_MS);
    socket.send(message, { binary: typeof message !== "string" }, (error) => (error ? reject(left()) : resolve()));
    try {
      await promise;
    } finally {
      timer.cancel();
    }
  }

  /** The client has closed, or is gone. */
  #left(code: number): void {
    this.#closed = true;
    this.#heartbeat.stop();
    this.#inbox.end();
    if (code === LOST) return this.#over.abort(left());
    const timer = this.#room.clock.setTimeout(() => this.#over.abort(left()), FAREWELL_MS);
    this.#over.signal.addEventListener("abort", () => timer.cancel(), { once: true });
  }

  #refuse(thrown: unknown): void {
    const error = HnError.from(thrown);
    const { message } = this.#room.answerer.wireError(error, { from: "", requestId: "" });
    this.#end(closeCodeOf(error), typeof message === "string" ? message : "");
  }

  /** Closes at once; the plugin hears of it. Only the first end counts. */
  #end(code: number, reason: string): void {
    this.#over.abort(left());
    this.#inbox.end();
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat.stop();
    const { socket } = this.#o;
    // Its answer could not be read otherwise.
    socket.resume();
    socket.close(code, shortened(reason));
    const timer = this.#room.clock.setTimeout(() => socket.terminate(), CLOSING_MS);
    socket.once("close", () => timer.cancel());
  }
}

const left = (): HnError => new HnError("timeout", { message: "The WebSocket has ended." });

/** A reason has its limit in bytes, and no half characters. */
function shortened(reason: string): string {
  let text = reason.slice(0, REASON_MAX_BYTES);
  while (Buffer.byteLength(text) > REASON_MAX_BYTES) text = text.slice(0, -1);
  return text.toWellFormed();
}

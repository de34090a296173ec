import { HnError } from "../../foundation/index.ts";
import type { Frame, InboundRequest, JsonObject } from "../../contract/index.ts";
import type { Room } from "../http/room.ts";
import type { Passage } from "../inbound/passage.ts";
import type { Visit } from "../inbound/visits.ts";
import type { BusSocket } from "./bus-socket.ts";
import type { ClientMessage } from "./client-message.ts";
import { CLOSE } from "./close-code.ts";
import { Inbox } from "./inbox.ts";
import { LiveSocket } from "./live-socket.ts";

export interface CallSessionOptions {
  socket: BusSocket;
  passage: Passage;
  visit: Visit;
  call: InboundRequest;
}

/**
 * One call over one WebSocket: its frames go out as the handler makes them, what the client sends goes into the handler, and the socket ends
 * with the call.
 * @source 02 §8, §10, T-17
 */
export class CallSession {
  readonly #room: Room;
  readonly #visit: Visit;
  readonly #live: LiveSocket;
  readonly #inbox: Inbox;
  readonly #frames: AsyncGenerator<Frame, JsonObject, void>;
  /** How the client hears the end, where the call itself cannot know. */
  #ending: { summary: JsonObject } | { error: HnError; code?: number } | undefined;

  constructor(room: Room, o: CallSessionOptions) {
    this.#room = room;
    this.#visit = o.visit;
    const { signal } = o.visit;
    this.#live = new LiveSocket(room, {
      socket: o.socket,
      passage: o.passage,
      pongCounts: false,
      onMessage: (message) => this.#take(message),
      onIdle: () => this.#give({ error: new HnError("timeout"), code: CLOSE.normal }),
      onBroken: (error) => this.#give({ error }),
    });
    this.#inbox = new Inbox((upto) => this.#live.sendNow({ event: "ack", data: { upto } }));
    this.#frames = room.bus.serveStream({ ...o.call, stream: true, signal, frames: this.#inbox });
    signal.addEventListener("abort", () => {
      this.#live.stop(signal.reason);
      this.#inbox.end(signal.reason);
    });
  }

  /** Resolves when the call has ended, however it ended. */
  async run(): Promise<void> {
    try {
      this.#live.done(await this.#pass());
    } catch (error) {
      // The provider's place is free before the client hears why.
      await this.#frames.return({}).catch(() => undefined);
      this.#tell(error);
    } finally {
      this.#inbox.end(new HnError("timeout", { message: "The call is over." }));
    }
  }

  async #pass(): Promise<JsonObject> {
    for (;;) {
      const step = await this.#frames.next();
      if (step.done === true) return step.value;
      if (step.value.event === "tool_call") this.#inbox.expect(step.value.data["id"]);
      await this.#live.frame(step.value);
    }
  }

  #take(message: Exclude<ClientMessage, { type: "ack" }>): void {
    if (message.type === "frame") this.#inbox.frame(message);
    else if (message.type === "tool_result") this.#inbox.toolResult(message.toolCallId, message.body);
    else this.#give({ summary: { stop_reason: "cancelled" } });
  }

  /** Ends the call's work; the client hears of it in these words. */
  #give(ending: { summary: JsonObject } | { error: HnError; code?: number }): void {
    this.#ending ??= ending;
    this.#visit.left();
  }

  #tell(error: unknown): void {
    const { refusal } = this.#visit;
    if (refusal !== undefined) return this.#live.failed(refusal);
    const ending = this.#ending;
    if (ending === undefined) return this.#live.failed(error, codeOf(error, this.#room));
    if ("summary" in ending) this.#live.done(ending.summary);
    else this.#live.failed(ending.error, ending.code);
  }
}

/** A call that failed has ended properly; only who may not call, or does not keep up, is shown the door. */
function codeOf(thrown: unknown, room: Room): number {
  if (room.isClosing()) return CLOSE.goingAway;
  const error = HnError.from(thrown);
  if (error.code === "unauthorized" || error.code === "revoked") return CLOSE.forbidden;
  return error.reason === "acks_missing" ? CLOSE.timeout : CLOSE.normal;
}

import { HnError } from "../../foundation/index.ts";
import { FrameOutlet } from "../../format/index.ts";
import type { CommunityId, Frame, JsonObject, OutboundCall } from "../../contract/index.ts";
import { toWire } from "../http/wire.ts";
import { finish, mustSign, SILENCE_MS } from "../outbound/call.ts";
import type { Wire } from "../outbound/exchange.ts";
import { Patience } from "../outbound/patience.ts";
import { closeSoon, type BusSocket } from "./bus-socket.ts";
import { FrameReader } from "./frame-reader.ts";
import { LAST } from "./inbox.ts";
import { openSigned, type Proven } from "./open-signed.ts";

/**
 * One call whose caller sends frames as well: over a WebSocket, which ends with it. Frames come without the last one, whose data is the return
 * value; leaving the loop cancels.
 * @throws bad_request reason upgrade_unsupported where there is no WebSocket · as `streamPeer`
 * @source 02 §8, T-13, T-17
 */
export async function* streamOverSocket(
  wire: Wire,
  call: OutboundCall,
  community: CommunityId,
): AsyncGenerator<Frame, JsonObject, void> {
  const time = new Patience(wire.clock, call);
  let talk: Talk | undefined;
  try {
    const { to, endpoints, capability, version, traceId, timeoutMs, token } = call;
    const proven = await openSigned(wire, {
      letter: { to, endpoints, capability, version, community, body: toWire({ ...call.body }), traceId, timeoutMs, token, time },
      path: "/bus/v1/call",
    });
    talk = new Talk(wire, { proven, call, time });
    return yield* talk.frames();
  } finally {
    talk?.leave();
    time.stop();
  }
}

class Talk {
  readonly #wire: Wire;
  readonly #call: OutboundCall;
  readonly #proven: Proven;
  readonly #time: Patience;
  readonly #reader: FrameReader;
  readonly #outlet: FrameOutlet = new FrameOutlet();
  readonly #forget: () => void;
  #acknowledged = 0;
  #sent = 0;
  #begun = false;
  #ended = false;

  constructor(wire: Wire, o: { proven: Proven; call: OutboundCall; time: Patience }) {
    this.#wire = wire;
    this.#call = o.call;
    this.#proven = o.proven;
    this.#time = o.time;
    const { socket } = o.proven;
    this.#reader = new FrameReader({
      socket,
      clock: wire.clock,
      gapless: true,
      onAck: (upto) => this.#acknowledge(upto),
      onLife: () => {
        if (this.#begun) o.time.extend(SILENCE_MS);
      },
    });
    o.time.interruptWith((error) => this.#reader.fail(error));
    this.#forget = wire.sockets.add(o.call.to, (error) => {
      this.#reader.fail(error);
      socket.terminate();
    });
    void this.#pump(socket);
  }

  async *frames(): AsyncGenerator<Frame, JsonObject, void> {
    for (;;) {
      const { event, data } = await this.#next();
      if (!this.#begun) this.#call.onAnswer?.();
      this.#begun = true;
      if (event === "done" || event === "error") {
        this.#ended = true;
        return this.#finish({ event, data });
      }
      // Only the neighbour's silence counts, not the time the reader takes.
      this.#time.pause();
      yield { event, data };
      this.#time.extend(SILENCE_MS);
    }
  }

  /** The socket ends with the call, and the neighbour learns what the caller does not want any more. */
  leave(): void {
    const { socket } = this.#proven;
    this.#forget();
    this.#outlet.close();
    if (!this.#ended && socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type: "cancel" }));
    this.#reader.fail(new HnError("timeout"));
    closeSoon(socket, this.#wire.clock);
  }

  async #next(): Promise<Frame> {
    try {
      return await this.#reader.next();
    } catch (error) {
      const { over, isCancelled } = this.#time;
      if (over === undefined || error !== over) throw error;
      throw this.#begun && !isCancelled ? new HnError("partition", { reason: "stream_cut" }) : over;
    }
  }

  #finish(frame: Frame): JsonObject {
    try {
      return finish(frame, {
        digest: this.#reader.digest,
        expected: this.#proven.expected,
        mustSign: mustSign(this.#wire, this.#call),
      });
    } catch (error) {
      // What was sent cannot be sent again, but the next call knows the neighbour's time.
      if (HnError.isHnError(error) && error.code === "expired" && error.details.server_time !== undefined)
        this.#wire.peers.learnTime(this.#call.to, error.details.server_time);
      throw error;
    }
  }

  #acknowledge(upto: number): void {
    if (upto < this.#acknowledged || upto > this.#sent) throw new HnError("partition", { reason: "stream_cut" });
    if (upto > this.#acknowledged) this.#outlet.credit(upto - this.#acknowledged);
    this.#acknowledged = upto;
  }

  /** What follows the call, no faster than the other side reads it. When the source breaks, so does the call. */
  async #pump(socket: BusSocket): Promise<void> {
    const { frames } = this.#call;
    if (frames === undefined) return;
    try {
      await this.#outlet.pump(frames, (frame) => this.#send(socket, frame ?? { event: LAST, data: {} }));
    } catch (error) {
      if (socket.readyState === socket.OPEN) this.#reader.fail(HnError.from(error));
    }
  }

  async #send(socket: BusSocket, { event, data }: Frame): Promise<void> {
    if (event === "tool_result") {
      // Its place in the window is free at once: the other side has asked for it.
      this.#outlet.credit(1);
      return say(socket, {
        type: "tool_result",
        tool_call_id: data["tool_call_id"],
        body: toWire((data["body"] ?? {}) as JsonObject),
      });
    }
    this.#sent += 1;
    return say(socket, { type: "frame", event, data: toWire(data), seq: this.#sent });
  }
}

/** Resolves when the operating system has it, so that a slow connection slows the source. */
function say(socket: BusSocket, message: object): Promise<void> {
  return new Promise((resolve, reject) => socket.send(JSON.stringify(message), (error) => (error ? reject(error) : resolve())));
}

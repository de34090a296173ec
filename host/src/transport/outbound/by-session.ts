import { HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject, OutboundCall, Reply } from "../../contract/index.ts";
import { MUST_SIGN } from "../must-sign.ts";
import { DialFailure } from "../session/dial.ts";
import { Unheard, type SessionCall } from "../session/own-calls.ts";
import type { PeerSession } from "../session/peer-session.ts";
import type { PeerSessions } from "../session/sessions.ts";
import type { Wire } from "./exchange.ts";
import { chooseLane } from "./lane.ts";
import { Patience } from "./patience.ts";

/** The feature by which a manifest offers sessions. @source 01 I-9 */
const PEER_SESSION = "peer-session";

/** The session a call goes by, and how it goes on it. */
interface Ride {
  session: PeerSession;
  call: SessionCall;
}

/** Ways of a call that are not a session. */
export interface OtherLane {
  call(call: OutboundCall): Promise<Reply>;
  stream(call: OutboundCall): AsyncGenerator<Frame, JsonObject, void>;
}

/** Calls by session where there is one, else by the other lane. @source network.md §1.8 */
export class SessionLane {
  readonly #wire: Wire;
  readonly #sessions: PeerSessions;
  readonly #other: OtherLane;

  constructor(wire: Wire, sessions: PeerSessions, other: OtherLane) {
    this.#wire = wire;
    this.#sessions = sessions;
    this.#other = other;
  }

  /** @throws what bars the neighbour · what any call fails with */
  async call(call: OutboundCall): Promise<Reply> {
    const ride = await this.#board(call);
    if (ride === undefined) return this.#other.call(call);
    try {
      return await ride.session.call(ride.call);
    } catch (error) {
      const again = await this.#boardAgain(call, error);
      return again === undefined ? this.#other.call(call) : again.session.call(again.call);
    }
  }

  /** @throws as `call` */
  async *stream(call: OutboundCall): AsyncGenerator<Frame, JsonObject, void> {
    const ride = await this.#board(call);
    if (ride === undefined) return yield* this.#other.stream(call);
    try {
      return yield* ride.session.stream(ride.call);
    } catch (error) {
      // Whoever has not heard the call has sent no frame either.
      const again = await this.#boardAgain(call, error);
      return yield* again === undefined ? this.#other.stream(call) : again.session.stream(again.call);
    }
  }

  /** Once more where it is certain that nobody has begun with it; what may not be repeated changes no lane. @throws `error` */
  async #boardAgain(call: OutboundCall, error: unknown): Promise<Ride | undefined> {
    if (!(error instanceof Unheard) || call.signal?.aborted === true) throw error;
    const ride = await this.#board(call);
    if (ride === undefined && call.idempotent !== true) throw error;
    return ride;
  }

  async #board(call: OutboundCall): Promise<Ride | undefined> {
    const { clock, peers, standing } = this.#wire;
    const from = clock.monotonic();
    const live = this.#sessions.live(call.to);
    const lane = chooseLane({
      offered: peers.featuresOf(call.to).includes(PEER_SESSION),
      isMember: standing(call.to).kind === "member",
      session: live === undefined ? "none" : live.isSuspect ? "suspect" : "live",
      path: this.#sessions.path(call.to),
    });
    if (lane.lane === "none") throw lane.error;
    if (lane.lane === "http") return undefined;
    const session = lane.lane === "session" ? live : await this.#dialled(call);
    if (session === undefined) return undefined;
    return { session, call: onSession(this.#wire, call, call.timeoutMs - (clock.monotonic() - from)) };
  }

  /** A session within the time of the call. What was not written anywhere may go another way. */
  async #dialled(call: OutboundCall): Promise<PeerSession | undefined> {
    const time = new Patience(this.#wire.clock, call);
    const { promise, reject } = Promise.withResolvers<never>();
    time.interruptWith(reject);
    try {
      return await Promise.race([this.#sessions.open(call.to, call.endpoints), promise]);
    } catch (error) {
      if (!(error instanceof DialFailure)) throw error;
      const path = this.#sessions.path(call.to);
      if (path.kind === "barred") throw path.error;
      return undefined;
    } finally {
      time.stop();
    }
  }
}

function onSession(wire: Wire, call: OutboundCall, timeoutMs: number): SessionCall {
  const { capability, version, traceId, signal, token, idempotent, onAnswer } = call;
  if (timeoutMs <= 0) throw new HnError("timeout");
  return {
    capability,
    version,
    body: { ...call.body },
    requestId: wire.newId(),
    traceId,
    timeoutMs,
    ...(signal === undefined ? {} : { signal }),
    ...(token === undefined ? {} : { token }),
    ...(onAnswer === undefined ? {} : { onAnswer }),
    sealed: idempotent !== true || MUST_SIGN.test(capability),
  };
}

import { HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject, OutboundCall, Reply } from "../../contract/index.ts";
import { toWire } from "../http/wire.ts";
import { MUST_SIGN } from "../must-sign.ts";
import { DialFailure } from "../session/dial.ts";
import type { SessionCall } from "../session/own-calls.ts";
import type { PeerSession } from "../session/peer-session.ts";
import type { PeerSessions } from "../session/sessions.ts";
import type { Wire } from "./exchange.ts";
import { chooseLane } from "./lane.ts";
import { Patience } from "./patience.ts";

/** The feature by which a manifest offers sessions. @source 01 I-9 */
export const PEER_SESSION = "peer-session";

/** The session a call goes by, and how it goes on it. */
export interface Ride {
  session: PeerSession;
  call: SessionCall;
}

/**
 * Finds or opens the session for a call.
 * @returns undefined where the call has to go by a request of its own
 * @throws what bars the neighbour · timeout
 * @source network.md §1.8
 */
export async function boardSession(wire: Wire, sessions: PeerSessions, call: OutboundCall): Promise<Ride | undefined> {
  const { clock, peers, standing } = wire;
  const from = clock.monotonic();
  const live = sessions.live(call.to);
  const lane = chooseLane({
    offered: peers.featuresOf(call.to).includes(PEER_SESSION),
    isMember: standing(call.to).kind === "member",
    session: live === undefined ? "none" : live.isSuspect ? "suspect" : "live",
    path: sessions.path(call.to),
  });
  if (lane.lane === "none") throw lane.error;
  if (lane.lane === "http") return undefined;
  const session = lane.lane === "session" ? live : await dialled(wire, sessions, call);
  if (session === undefined) return undefined;
  return { session, call: onSession(wire, call, call.timeoutMs - (clock.monotonic() - from)) };
}

export function callBySession({ session, call }: Ride): Promise<Reply> {
  return session.call(call);
}

export function streamBySession({ session, call }: Ride): AsyncGenerator<Frame, JsonObject, void> {
  return session.stream(call);
}

/** A session within the time of the call. What was not written anywhere may go another way. */
async function dialled(wire: Wire, sessions: PeerSessions, call: OutboundCall): Promise<PeerSession | undefined> {
  const time = new Patience(wire.clock, call);
  const { promise, reject } = Promise.withResolvers<never>();
  time.interruptWith(reject);
  try {
    return await Promise.race([sessions.open(call.to, call.endpoints), promise]);
  } catch (error) {
    if (!(error instanceof DialFailure)) throw error;
    const path = sessions.path(call.to);
    if (path.kind === "barred") throw path.error;
    return undefined;
  } finally {
    time.stop();
  }
}

function onSession(wire: Wire, call: OutboundCall, timeoutMs: number): SessionCall {
  const { capability, version, traceId, signal, token, idempotent } = call;
  if (timeoutMs <= 0) throw new HnError("timeout");
  return {
    capability,
    version,
    body: toWire({ ...call.body }),
    requestId: wire.newId(),
    traceId,
    timeoutMs,
    signal,
    ...(token === undefined ? {} : { token }),
    sealed: idempotent !== true || MUST_SIGN.test(capability),
  };
}

/** A topic as a call on a peer session: a stream whose frames carry their numbers in their data. @source network.md §1.4 */
import { HnError } from "../../foundation/index.ts";
import type { Frame, InboundRequest, JsonObject } from "../../contract/index.ts";
import type { Room } from "../http/room.ts";
import type { PeerSession } from "../session/peer-session.ts";
import { SUBSCRIBE } from "./poll-route.ts";
import { tell, type Told } from "./tell.ts";

/** The side that tells. @throws as `Desk.subscribe` · partition reason closing when this node stops */
export async function* tellOnSession(room: Room, request: InboundRequest): AsyncGenerator<Frame, JsonObject, void> {
  const body = request.body as unknown as JsonObject;
  const subscription = room.desk.subscribe(request.caller, body["topic"]);
  const leaving = new AbortController();
  const stop = (): void => leaving.abort();
  const forget = room.sockets.onLeaving(stop);
  request.signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const { event, seq, data } of tell(subscription, body, leaving.signal))
      yield { event, data: event === "published" ? { seq, message: data } : { ...data, seq } };
    request.signal.throwIfAborted();
    throw new HnError("partition", { reason: "closing", retryAfterMs: 1000 });
  } finally {
    request.signal.removeEventListener("abort", stop);
    forget();
    subscription.end();
  }
}

/**
 * The side that listens. Ends when the session does.
 * @throws partition reason stream_cut for what no topic looks like · what the peer refuses with
 */
export async function* hearOnSession(
  session: PeerSession,
  o: { body: JsonObject; requestId: string; openMs: number; signal: AbortSignal },
): AsyncGenerator<Told, void, void> {
  const { body, requestId, openMs, signal } = o;
  const call = { capability: SUBSCRIBE, version: "1.0", body, requestId, traceId: requestId, timeoutMs: openMs, signal };
  for await (const { event, data } of session.stream({ ...call, sealed: false })) {
    const { seq, message } = data;
    if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) throw cut();
    if (event === "published") yield { event, seq, data: message ?? null };
    else if (event === "ready" || event === "gap") yield { event, seq, data };
    else throw cut();
  }
  throw cut();
}

function cut(): HnError {
  return new HnError("partition", { reason: "stream_cut" });
}

import { HnError } from "../../foundation/index.ts";
import type { JsonObject, JsonValue } from "../../contract/index.ts";
import type { Subscription } from "./desk.ts";
import { readAfter } from "./poll-route.ts";

/** What a listener is told, with the number of the message or of the one before what comes next. */
export type Told =
  | { event: "ready"; seq: number; data: JsonObject }
  | { event: "gap"; seq: number; data: JsonObject }
  | { event: "published"; seq: number; data: JsonValue };

/**
 * One topic until `signal` fires: first where it stands, then what is there already when the listener names a number, then what comes.
 * @param body  what the listener asked for: `since_seq`, `epoch`
 * @throws partition reason stream_cut when the topic has begun anew · unauthorized · revoked once it may not hear it any more
 * @source 02 §8, T-15, T-16
 */
export async function* tell(subscription: Subscription, body: JsonObject, signal: AbortSignal): AsyncGenerator<Told, void, void> {
  const { topic } = subscription;
  const found = subscription.since(readAfter(body, "since_seq"));
  const { epoch, last_seq } = found;
  // Without a number only what comes from now on.
  const isNew = body["since_seq"] === undefined;
  let at = isNew ? last_seq : (found.messages[0]?.seq ?? last_seq + 1) - 1;
  yield { event: "ready", seq: at, data: { topic, epoch, last_seq } };
  if (!isNew && found.gap) yield { event: "gap", seq: at, data: { last_seq: at } };
  while (!signal.aborted) {
    const next = subscription.since({ seq: at, epoch });
    if (next.epoch !== epoch) throw new HnError("partition", { reason: "stream_cut" });
    if (next.gap) yield { event: "gap", seq: at, data: { last_seq: at } };
    for (const { seq, data } of next.messages) {
      if (signal.aborted) return;
      yield { event: "published", seq, data };
    }
    at = next.last_seq;
    if (next.messages.length === 0) await subscription.news(signal);
  }
}

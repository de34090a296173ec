import type { WebSocket } from "ws";
import type { LiveServer, SessionEnd } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { hashId } from "../auth/store.ts";
import type { AdminContext, Caller } from "../context.ts";
import { checkRole } from "../context.ts";

/** Close code; the reason says how the session ended. */
const SIGNED_OUT = 4401;
const TOPICS_MAX = 32;
const PING_MS = 30_000;
const CHECK_MS = 60_000;
/** Frames of a log or try topic that may be under way unacknowledged. */
const WINDOW = 64;
const BUFFER_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Serves one live socket: subscriptions with roles, resume, acknowledgement window, sign-in checked again every minute.
 * @source admin-ui §3 "One WebSocket"
 */
export function serveLive(socket: WebSocket, caller: Caller, context: AdminContext): void {
  const topics = new Map<string, Subscription>();
  let session = caller.sessionId === undefined ? null : hashId(caller.sessionId);
  const send = (message: LiveServer): void => {
    if (socket.bufferedAmount > BUFFER_MAX_BYTES) socket.close(4429, "too slow");
    else if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  const timer = setInterval(() => send({ op: "ping" }), PING_MS);
  const recheck = setInterval(() => {
    if (session !== null && !isSignedIn(session, context)) close("expired");
  }, CHECK_MS);
  timer.unref();
  recheck.unref();
  const close = (why: SessionEnd): void => socket.close(SIGNED_OUT, why);
  const offChange = context.sessions.onChange((change) => {
    if (change.id !== session) return;
    if ("next" in change) session = change.next;
    else close(change.ended);
  });
  socket.on("message", (data, binary) => {
    try {
      if (binary) throw new HnError("bad_request", { message: "Only text messages are understood here." });
      const message = parseStrictJson(data as Buffer, { maxBytes: 65_536 }) as {
        op?: unknown;
        topic?: unknown;
        since?: unknown;
        epoch?: unknown;
        seq?: unknown;
      };
      receive(message, { topics, send, caller, context });
    } catch {
      socket.close(4400, "bad message");
    }
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    clearInterval(timer);
    clearInterval(recheck);
    offChange();
    for (const subscription of topics.values()) subscription.stop();
    topics.clear();
  });
}

interface Subscription {
  stop: () => void;
  acked: number;
  sent: number;
  waiting: LiveServer[];
}

function receive(
  message: { op?: unknown; topic?: unknown; since?: unknown; epoch?: unknown; seq?: unknown },
  o: { topics: Map<string, Subscription>; send: (m: LiveServer) => void; caller: Caller; context: AdminContext },
): void {
  const { topics, send, caller, context } = o;
  if (message.op === "pong") return;
  if (typeof message.topic !== "string") throw new HnError("bad_request");
  const topic = message.topic;
  if (message.op === "unsub") {
    topics.get(topic)?.stop();
    topics.delete(topic);
  } else if (message.op === "ack") {
    const subscription = topics.get(topic);
    if (subscription !== undefined && Number.isSafeInteger(message.seq))
      acknowledge(subscription, { seq: message.seq as number, send });
  } else if (message.op === "sub") {
    try {
      const since = typeof message.since === "number" ? message.since : undefined;
      const epoch = typeof message.epoch === "string" ? message.epoch : undefined;
      subscribe(topic, { since, epoch, topics, send, caller, context });
    } catch (error) {
      send({ op: "refused", topic, error: HnError.from(error).toLocal() });
    }
  } else throw new HnError("bad_request");
}

function subscribe(
  topic: string,
  o: {
    since: number | undefined;
    epoch: string | undefined;
    topics: Map<string, Subscription>;
    send: (m: LiveServer) => void;
    caller: Caller;
    context: AdminContext;
  },
): void {
  const { topics, send, caller, context } = o;
  const role = context.live.roleFor(topic);
  if (role === null) throw new HnError("not_found", { message: "There is no such topic." });
  checkRole(caller, { role }, context.services.clock.now());
  if (topics.has(topic)) return;
  if (topics.size >= TOPICS_MAX) throw new HnError("capacity_exceeded", { message: "A page may watch 32 topics at once." });
  const paced = topic.startsWith("logs:") || topic.startsWith("try:");
  const subscription: Subscription = { stop: () => {}, acked: 0, sent: 0, waiting: [] };
  topics.set(topic, subscription);
  subscription.stop = context.live.subscribe(topic, {
    since: o.since ?? (paced ? 0 : undefined),
    epoch: o.epoch,
    subscriber: (message) => {
      if (!paced || subscription.sent - subscription.acked < WINDOW) {
        subscription.sent = message.seq;
        if (subscription.acked === 0) subscription.acked = message.seq - 1;
        send(message);
      } else if (subscription.waiting.length < WINDOW * 4) subscription.waiting.push(message);
      // Too much to keep: the reader learns of the gap. What ends a topic is never lost, or its reader would wait for ever.
      else subscription.waiting = [{ ...message, kind: "gap", data: null }, ...(message.kind === "end" ? [message] : [])];
    },
  });
}

function acknowledge(subscription: Subscription, o: { seq: number; send: (m: LiveServer) => void }): void {
  subscription.acked = Math.max(subscription.acked, o.seq);
  while (subscription.waiting.length > 0 && subscription.sent - subscription.acked < WINDOW) {
    const next = subscription.waiting.shift() as Extract<LiveServer, { seq: number }>;
    subscription.sent = next.seq;
    o.send(next);
  }
}

function isSignedIn(hash: string, context: AdminContext): boolean {
  try {
    context.sessions.checkHash(hash);
    return true;
  } catch {
    return false;
  }
}

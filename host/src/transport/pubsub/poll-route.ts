import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import type { JsonObject, TopicBacklog } from "../../contract/index.ts";
import type { Answer } from "../http/answer.ts";
import type { Room } from "../http/room.ts";
import { send, signedRoute } from "../http/signed-route.ts";
import { headersOf } from "../inbound/passage.ts";

export const SUBSCRIBE = "sys.pubsub.subscribe";

const WAIT_DEFAULT_SECONDS = 30;
const WAIT_MAX_SECONDS = 50;

/**
 * `GET /pubsub/v1/subscribe?topic=&last_seq=&timeout=[&epoch=]`: what came since, at once where there is something, else as soon as there is.
 * @source 02 §7.2
 */
export function pollRoute(room: Room): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return signedRoute(room, {
    rule: { capability: SUBSCRIBE, query: "body" },
    maxBytes: () => 0,
    handle: async (passage, { reply, visit }) => {
      const asked = readPoll(passage.body ?? {});
      const { from } = headersOf(passage);
      const subscription = room.desk.subscribe(passage.caller, asked.topic);
      const waiting = new AbortController();
      const stop = (): void => waiting.abort();
      const forget = room.sockets.onLeaving(stop);
      visit.signal.addEventListener("abort", stop, { once: true });
      const timer = room.clock.setTimeout(stop, asked.waitMs);
      let endPoll: (() => void) | undefined;
      let answer: Answer;
      try {
        endPoll = room.desk.poll(from);
        let found = subscription.since(asked);
        while (isNothing(found) && asked.waitMs > 0 && !waiting.signal.aborted) {
          await subscription.news(waiting.signal);
          found = subscription.since(asked);
        }
        visit.signal.throwIfAborted();
        answer = room.answerer.answer(200, answerOf(subscription.topic, found), passage.claim);
      } finally {
        timer.cancel();
        forget();
        endPoll?.();
        subscription.end();
      }
      return send(reply, answer);
    },
  });
}

/** What a subscription asks for, of a query, where all is text, or of a first message's body. @throws bad_request */
export function readAfter(body: JsonObject, name: "last_seq" | "since_seq"): { seq: number; epoch?: string } {
  const seq = wholeIn(body[name], name) ?? 0;
  const { epoch } = body;
  if (epoch !== undefined && (typeof epoch !== "string" || epoch.length > 64))
    throw new HnError("bad_request", { message: "epoch must be what this node has told." });
  return { seq, ...(epoch === undefined || epoch === "" ? {} : { epoch }) };
}

function readPoll(body: JsonObject): { topic: unknown; seq: number; epoch?: string; waitMs: number } {
  const seconds = Math.min(wholeIn(body["timeout"], "timeout") ?? WAIT_DEFAULT_SECONDS, WAIT_MAX_SECONDS);
  return { topic: body["topic"], ...readAfter(body, "last_seq"), waitMs: seconds * 1000 };
}

function isNothing({ messages, gap }: TopicBacklog): boolean {
  return messages.length === 0 && gap === undefined;
}

function answerOf(topic: string, found: TopicBacklog): JsonObject {
  const { epoch, messages, last_seq, gap } = found;
  if (isNothing(found)) return { topic, epoch, timeout: true, last_seq };
  return { topic, epoch, messages: messages.map((one) => ({ ...one })), last_seq, ...(gap ? { gap } : {}) };
}

function wholeIn(value: unknown, name: string): number | undefined {
  if (value === undefined || value === "") return undefined;
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw new HnError("bad_request", { message: `${name} must be a whole number, 0 or more.` });
}

import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import type { CallTrace, JsonObject, TrustLevel } from "../../contract/index.ts";
import { INERT } from "../mounts/headers.ts";
import type { Passage } from "../inbound/passage.ts";
import type { Room } from "./room.ts";
import { send, signedRoute } from "./signed-route.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

const ROWS = 50;
const ROWS_MAX = 500;
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** `GET /metrics`: who talks how much, so for trusted members only. The text is not signed, as no text is. @source 02 T-7, T-10 */
export function metricsRoute(room: Room): Handler {
  return signedRoute(room, {
    rule: { capability: "sys.metrics", query: "body" },
    maxBytes: () => 0,
    handle: async (passage, { reply, visit }) => {
      checkLevel(passage, ["trusted", "anchor"]);
      const text = Buffer.from(await room.metrics(), "utf8");
      visit.signal.throwIfAborted();
      reply.hijack();
      reply.raw.writeHead(200, {
        "content-type": PROMETHEUS,
        "cache-control": "no-store",
        ...INERT,
        "content-length": text.byteLength,
      });
      reply.raw.end(text);
      return reply;
    },
  });
}

/** `GET /trace/recent?n=`: an anchor sees every call, a member its own. @source 02 T-7, 03 §10 */
export function traceRoute(room: Room): Handler {
  return signedRoute(room, {
    rule: { capability: "sys.trace", query: "body" },
    maxBytes: () => 0,
    handle: async (passage, { reply }) => {
      const caller = checkLevel(passage, ["member", "trusted", "anchor"]);
      const items = room.bus.recentCalls(rowsOf(passage), caller.level === "anchor" ? {} : { node: caller.node_id });
      // An array, as the protocol wants it here; what is signed is any JSON.
      return send(reply, room.answerer.answer(200, items.map(plain) as unknown as JsonObject, passage.claim));
    },
  });
}

/** @throws unauthorized */
function checkLevel(passage: Passage, levels: readonly TrustLevel[]): NonNullable<Passage["caller"]> {
  const { caller } = passage;
  if (caller?.kind === "member" && levels.includes(caller.level)) return caller;
  throw new HnError("unauthorized", {
    message: `This is for ${levels[0] === "member" ? "members" : "trusted members"} of the community. Ask a trusted member.`,
  });
}

/** @throws bad_request */
function rowsOf({ body }: Passage): number {
  const asked = body?.["n"];
  if (asked === undefined) return ROWS;
  if (typeof asked !== "string" || !/^[1-9]\d{0,4}$/.test(asked))
    throw new HnError("bad_request", { message: "n is how many calls are wanted, a whole number from 1 on." });
  return Math.min(Number(asked), ROWS_MAX);
}

/** What is signed holds whole numbers only. */
function plain({ ms, ...rest }: CallTrace): JsonObject {
  return { ...rest, ms: Math.round(ms) };
}

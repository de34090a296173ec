import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import type { CallTrace, JsonObject, Principal } from "../../contract/index.ts";
import { INERT } from "../mounts/headers.ts";
import type { Room } from "./room.ts";
import { send, signedRoute } from "./signed-route.ts";

const ROWS_DEFAULT = 100;
const ROWS_MAX = 1000;

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** `GET /metrics`: what the operator collects, for trusted members too. Text, so nothing signs it. @source 02 §2, T-7 */
export function metricsRoute(room: Room): Handler {
  return signedRoute(room, {
    rule: { capability: "sys.metrics", query: "body" },
    maxBytes: () => 0,
    handle: async (passage, { reply }) => {
      const { level } = memberOf(passage.caller);
      if (level !== "trusted" && level !== "anchor")
        throw new HnError("unauthorized", { message: "Figures of this node are for trusted members and its operator." });
      const text = room.metrics();
      if (text === undefined) throw new HnError("not_found", { message: "This node keeps no figures." });
      reply.hijack();
      reply.raw.writeHead(200, {
        "content-type": "text/plain; version=0.0.4; charset=utf-8",
        "cache-control": "no-store",
        ...INERT,
        "content-length": Buffer.byteLength(text),
      });
      reply.raw.end(text);
      return reply;
    },
  });
}

/** `GET /trace/recent?n=`: an anchor sees every call, a member those that it made or answered. @source 02 §2, T-7, 03 §10 */
export function traceRoute(room: Room): Handler {
  return signedRoute(room, {
    rule: { capability: "sys.trace", query: "body" },
    maxBytes: () => 0,
    handle: async (passage, { reply }) => {
      const { level, node_id } = memberOf(passage.caller);
      const asked = passage.body?.["n"] ?? String(ROWS_DEFAULT);
      const limit = typeof asked === "string" && /^\d{1,6}$/.test(asked) ? Math.min(Number(asked), ROWS_MAX) : Number.NaN;
      if (Number.isNaN(limit)) throw new HnError("bad_request", { message: "n must be a whole number of rows." });
      const may = (row: CallTrace): boolean => level === "anchor" || row.from_node === node_id || row.to_node === node_id;
      // Looked for among all that are kept: what others did must not push out what the asker may see.
      const calls = room.bus.recentCalls(Infinity).filter(may).slice(0, limit);
      // An array, as the protocol wants it here; what is signed is any JSON.
      return send(reply, room.answerer.answer(200, calls as unknown as JsonObject, passage.claim));
    },
  });
}

/** @throws unauthorized */
function memberOf(caller: Principal | undefined): Principal {
  if (caller?.kind === "member") return caller;
  throw new HnError("unauthorized", { message: "This address is for members of the community. Ask a member for an invitation." });
}

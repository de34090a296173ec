import type { Socket } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { DROP } from "../inbound/gate.ts";
import { callerOf, newPassage, type Passage, type RouteRule } from "../inbound/passage.ts";
import { admitHeaders, admitRequest } from "../inbound/pipeline.ts";
import type { Visit } from "../inbound/visits.ts";
import type { Answer } from "./answer.ts";
import { discardBody, readBody } from "./body.ts";
import { refuseWhenClosing, type Room } from "./room.ts";

/** Sends an answer; nothing leaves by another way but streams and drops. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.hijack();
  reply.raw.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(answer.text) });
  reply.raw.end(answer.text);
  return reply;
}

/** Ends the connection without a word. @source 02 §6 */
export function drop(request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  request.raw.socket.destroy();
}

export interface SignedRoute {
  rule: RouteRule;
  /** Largest body in bytes; 0 for GET. */
  maxBytes: (passage: Passage) => number;
  handle: (passage: Passage, o: { request: FastifyRequest; reply: FastifyReply; visit: Visit }) => Promise<unknown>;
}

/**
 * A route behind the pipeline: reads the body, runs every step, and turns whatever fails into a signed refusal.
 * @source 02 §3
 */
export function signedRoute(room: Room, route: SignedRoute): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    const { raw } = request;
    const passage = newPassage({
      rule: route.rule,
      address: raw.socket.remoteAddress ?? "",
      rawHeaders: raw.rawHeaders,
      queryText: queryOf(raw.url ?? ""),
      isGet: raw.method === "GET",
    });
    let visit: Visit | undefined;
    try {
      admitHeaders(passage, room.gate);
      refuseWhenClosing(room);
      if (!passage.isGet) passage.bytes = await readBody(raw, route.maxBytes(passage), room.budget);
      admitRequest(passage, room.gate);
      claimSocket(room, passage, raw.socket);
      visit = room.visits.begin({ node: callerOf(passage).node_id, socket: raw.socket, response: reply.raw });
      const done = passage.token === undefined ? undefined : room.tokenWatch?.follow(visit, passage.token);
      if (done !== undefined) reply.raw.once("close", done);
      return await route.handle(passage, { request, reply, visit });
    } catch (error) {
      if (visit === undefined) tellRefusal(room, { error, passage });
      // Nobody is there to read a refusal, or the connection deserves none.
      if (error === DROP || raw.socket.destroyed) return drop(request, reply);
      if (reply.sent) return reply;
      discardBody(raw, CONSTANTS.CALL_BODY_CEILING_BYTES);
      return send(reply, room.answerer.refuse(visit?.refusal ?? error, passage.claim));
    }
  };
}

/** For the figures: what was turned away, and why. */
function tellRefusal(room: Room, { error, passage }: { error: unknown; passage: Passage }): void {
  const capability = passage.headers?.capability ?? "";
  if (error === DROP) room.onRefused({ code: "rate_limited", reason: "hard_limit", capability });
  else if (HnError.isHnError(error)) room.onRefused({ code: error.code, reason: error.reason, capability });
}

/** Only members count by their own id: a stranger could make up a new one for every connection. @source 02 T-1 */
export function claimSocket(room: Room, passage: Passage, socket: Socket): void {
  const { caller } = passage;
  room.connections.spokenBy(socket, callerOf(passage).node_id);
  if (caller?.kind !== "member" || room.connections.claimed(socket, caller.node_id)) return;
  throw new HnError("rate_limited", {
    retryAfterMs: 5000,
    message: "You have too many connections open to this node. Close some, then try again.",
  });
}

function queryOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at + 1);
}

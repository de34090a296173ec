import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import { DROP } from "../inbound/gate.ts";
import { headersOf, type Passage, type RouteRule } from "../inbound/passage.ts";
import { admitRequest } from "../inbound/pipeline.ts";
import type { Answer } from "./answer.ts";
import { readBody } from "./body.ts";
import type { Room } from "./room.ts";

/** Sends an answer; nothing leaves by another way but streams and drops. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  return reply.code(answer.status).headers(answer.headers).send(answer.text);
}

/** Ends the connection without a word. @source 02 §6 */
export function drop(request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  request.raw.socket.destroy();
}

export interface SignedRoute {
  rule: RouteRule;
  /** Largest body in bytes; 0 for GET. */
  maxBytes: (request: FastifyRequest) => number;
  handle: (passage: Passage, o: { request: FastifyRequest; reply: FastifyReply }) => Promise<unknown>;
}

/**
 * A route behind the pipeline: reads the body, runs every step, and turns whatever fails into a signed refusal.
 * @source 02 §3
 */
export function signedRoute(room: Room, route: SignedRoute): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    const isGet = request.method === "GET";
    let passage: Passage = {
      rule: route.rule,
      address: request.ip,
      rawHeaders: request.raw.rawHeaders,
      queryText: queryOf(request.raw.url ?? ""),
      bytes: NO_BYTES,
      isGet,
      claim: { from: "", requestId: "" },
      headers: undefined,
      body: undefined,
      envelope: undefined,
      standing: undefined,
      caller: undefined,
    };
    try {
      if (!isGet) passage = { ...passage, bytes: await readBody(request.raw, route.maxBytes(request), room.budget) };
      admitRequest(passage, room.gate);
      if (!room.claimSocket(request.raw.socket, headersOf(passage).from))
        throw new HnError("rate_limited", {
          retryAfterMs: 5000,
          message: "You have too many connections open to this node. Close some, then try again.",
        });
      return await route.handle(passage, { request, reply });
    } catch (error) {
      if (error === DROP) return drop(request, reply);
      if (reply.sent) return reply;
      return send(reply, room.answerer.refuse(error, passage.claim));
    }
  };
}

function queryOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at + 1);
}

const NO_BYTES: Uint8Array = new Uint8Array(0);

import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { CONSTANTS, type JsonObject, type Principal, type RouteAnswer, type RouteRequest } from "../../contract/index.ts";
import { headersOf } from "../inbound/passage.ts";
import { type Addressee, type Answerer } from "../http/answer.ts";
import { discardBody, readBody } from "../http/body.ts";
import { publicAddressee } from "../http/public-routes.ts";
import { refuseWhenClosing, type Room } from "../http/room.ts";
import { drop, send, signedRoute } from "../http/signed-route.ts";
import { readQuery } from "../inbound/1-parse-body.ts";
import { headersIn, headersOut, INERT } from "./headers.ts";
import type { Match } from "./table.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

const JSON_TYPE = /^application\/json(?:\s*;|$)/i;

/** What no route of the host answers may be a plugin's. */
export function mountedRoute(room: Room, otherwise: Handler): Handler {
  return async (request, reply) => {
    const { method, url } = request.raw;
    const match = room.mounts?.find(method ?? "", pathOf(url ?? ""));
    if (match === undefined || match.route.auth === "operator") return otherwise(request, reply);
    if (match.route.socket !== undefined) return upgradeMissing(room, request, reply);
    const open = match.route.auth === "public" || match.route.auth === "bearer";
    return (open ? openRoute(room, match) : provenRoute(room, match))(request, reply);
  };
}

/** A plain request where a WebSocket is spoken. @source RFC 9110 §15.5.22 */
async function upgradeMissing(room: Room, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const verdict = room.gate.addresses.arrive(request.raw.socket.remoteAddress ?? "", undefined, room.clock.monotonic());
  if (verdict.kind !== "pass") return drop(request, reply);
  discardBody(request.raw, CONSTANTS.CALL_BODY_CEILING_BYTES);
  const answer = room.answerer.refuse(new HnError("bad_request", { reason: "websocket_only" }), publicAddressee(request), 426);
  return send(reply, { ...answer, headers: { ...answer.headers, upgrade: "websocket" } });
}

/** Behind the whole pipeline, with the route's pseudo-capability. @source 02 §3, T-4 */
function provenRoute(room: Room, { route, params }: Match): Handler {
  return signedRoute(room, {
    rule: {
      capability: route.pseudo,
      query: route.method === "GET" ? "body" : "refused",
      pathParams: params,
      anyKey: route.auth === "signed",
    },
    maxBytes: () => Math.min(route.maxBodyBytes, CONSTANTS.CALL_BODY_CEILING_BYTES),
    handle: async (passage, { request, reply, visit }) => {
      checkStanding(passage.caller, route.auth);
      const headers = headersOf(passage);
      const answer = await route.serve({
        ...plain(request, { route, params }),
        ...(passage.isGet ? { query: queryOf(request), body: {} } : { query: {}, body: { json: passage.body ?? {} } }),
        caller: passage.caller ?? null,
        requestId: headers.request_id,
        traceId: headers.traceId ?? headers.request_id,
        ...(headers.timeoutMs === undefined ? {} : { timeoutMs: headers.timeoutMs }),
        signal: visit.signal,
      });
      visit.signal.throwIfAborted();
      return sendAnswer(reply, answer, { answerer: room.answerer, to: passage.claim });
    },
  });
}

/** Nobody is proven here: the address limiter stands before it, and the plugin's own judgement behind. */
function openRoute(room: Room, { route, params }: Match): Handler {
  return async (request, reply) => {
    const to = publicAddressee(request);
    const left = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableFinished) left.abort(new HnError("timeout", { message: "The call was cancelled by its caller." }));
    });
    try {
      const verdict = room.gate.addresses.arrive(request.raw.socket.remoteAddress ?? "", undefined, room.clock.monotonic());
      if (verdict.kind === "drop") return drop(request, reply);
      if (verdict.kind === "wait")
        throw new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: verdict.retryAfterMs });
      refuseWhenClosing(room);
      const query = queryOf(request);
      const body = await readOpenBody(room, request, Math.min(route.maxBodyBytes, CONSTANTS.CALL_BODY_CEILING_BYTES));
      const requestId = to.requestId === "" ? room.newId() : to.requestId;
      const answer = await route.serve({
        ...plain(request, { route, params }),
        query,
        body,
        caller: null,
        requestId,
        traceId: requestId,
        signal: left.signal,
      });
      if (request.raw.socket.destroyed) return drop(request, reply);
      return void sendAnswer(reply, answer, { answerer: room.answerer, to });
    } catch (error) {
      if (request.raw.socket.destroyed) return drop(request, reply);
      discardBody(request.raw, CONSTANTS.CALL_BODY_CEILING_BYTES);
      return send(reply, room.answerer.refuse(error, to));
    }
  };
}

function plain(request: FastifyRequest, { route, params }: Match): Pick<RouteRequest, "path" | "params" | "headers"> {
  return { path: pathOf(request.raw.url ?? ""), params, headers: headersIn(request.raw.headers, route.auth) };
}

async function readOpenBody(room: Room, { raw }: FastifyRequest, maxBytes: number): Promise<RouteRequest["body"]> {
  if ((raw.headers["content-encoding"] ?? "identity") !== "identity")
    throw new HnError("bad_request", { message: "Content-Encoding is not accepted on requests. Send the body as it is." });
  const bytes = await readBody(raw, raw.method === "GET" ? 0 : maxBytes, room.budget);
  if (bytes.byteLength === 0) return {};
  if (!JSON_TYPE.test(raw.headers["content-type"] ?? "")) return { bytes };
  const json = parseStrictJson(bytes, { maxBytes });
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new HnError("bad_request", { reason: "json_invalid", message: "The body must be a JSON object." });
  return { json };
}

/** @throws unauthorized */
export function checkStanding(caller: Principal | undefined, auth: string): void {
  const kind = caller?.kind;
  if (auth === "signed" || kind === "member" || (auth === "federated" && kind === "federated")) return;
  throw new HnError("unauthorized", {
    message: "This address is for members of the community. Ask a member for an invitation.",
  });
}

/** JSON is signed; other bytes are not, and come with headers that leave a browser nothing to do with them. @source 02 T-10 */
export function sendAnswer(reply: FastifyReply, answer: RouteAnswer, o: { answerer: Answerer; to: Addressee }): FastifyReply {
  const { kept } = headersOut(answer.headers);
  const { json, text, bytes } = answer.body;
  if (json !== undefined) {
    const { "content-type": _type, ...rest } = kept;
    const signed = o.answerer.answer(answer.status, json, o.to);
    return send(reply, { ...signed, headers: signed.status === answer.status ? { ...signed.headers, ...rest } : signed.headers });
  }
  const type = text === undefined ? (bytes === undefined ? undefined : "application/octet-stream") : "text/plain; charset=utf-8";
  const payload = text === undefined ? Buffer.from(bytes ?? []) : Buffer.from(text, "utf8");
  reply.hijack();
  reply.raw.writeHead(answer.status, {
    ...(type === undefined ? {} : { "content-type": type }),
    "cache-control": "no-store",
    ...kept,
    ...INERT,
    ...(answer.status === 204 || answer.status === 304 ? {} : { "content-length": payload.byteLength }),
  });
  reply.raw.end(payload);
  return reply;
}

function queryOf({ raw }: FastifyRequest): Record<string, string> {
  return queryIn(raw.url ?? "");
}

/** @throws bad_request */
export function queryIn(url: string): Record<string, string> {
  const at = url.indexOf("?");
  return at < 0 ? {} : (readQuery(url.slice(at + 1)) as Record<string, string> & JsonObject);
}

export function pathOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? url : url.slice(0, at);
}

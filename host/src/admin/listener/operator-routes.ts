import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { RouteAnswer, RouteRequest } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { headersIn, headersOut, INERT } from "../../transport/index.ts";
import type { AdminContext } from "../context.ts";
import { sendError } from "./reply.ts";

/**
 * Routes of plugins that are the operator's alone: at the operator socket, whose caller is the owner, and nowhere a browser could be led to.
 * @source 02 T-7, plugin-platform §2.1
 */
export function mountOperatorRoutes(app: FastifyInstance, context: AdminContext): void {
  app.setNotFoundHandler(async (request, reply) => {
    const left = new AbortController();
    reply.raw.once("close", () => {
      if (!reply.raw.writableFinished) left.abort(new HnError("timeout", { message: "The call was cancelled by its caller." }));
    });
    let answer: RouteAnswer;
    try {
      answer = await ask(request, { context, signal: left.signal });
    } catch (error) {
      return sendError(reply, { error, traceId: request.id });
    }
    return sendAnswer(reply, answer);
  });
}

function ask(request: FastifyRequest, { context, signal }: { context: AdminContext; signal: AbortSignal }): Promise<RouteAnswer> {
  const { services } = context;
  const path = request.url.split("?")[0] ?? "";
  const match = services.mounts.find(request.method, path);
  if (match?.route.auth !== "operator") throw new HnError("not_found", { message: "There is nothing at this address." });
  const { route, params } = match;
  return route.serve({
    path,
    params,
    query: queryOf(request),
    headers: headersIn(request.headers, route.auth),
    body: bodyOf(request, route.maxBodyBytes),
    caller: services.operator(),
    requestId: request.id,
    traceId: request.id,
    signal,
  });
}

function queryOf(request: FastifyRequest): Record<string, string> {
  const given = Object.entries(request.query as Record<string, unknown>);
  if (given.some(([, value]) => typeof value !== "string"))
    throw new HnError("bad_request", { message: "A query parameter stands there twice." });
  return Object.fromEntries(given) as Record<string, string>;
}

function bodyOf({ body, headers }: FastifyRequest, maxBytes: number): RouteRequest["body"] {
  const bytes = body as Buffer | undefined;
  if (bytes === undefined || bytes.byteLength === 0) return {};
  if (bytes.byteLength > maxBytes) throw new HnError("bad_request", { reason: "too_large" });
  if (headers["content-type"]?.startsWith("application/json") !== true) return { bytes };
  const json = parseStrictJson(bytes, { maxBytes });
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new HnError("bad_request", { reason: "json_invalid", message: "The body must be a JSON object." });
  return { json };
}

function sendAnswer(reply: FastifyReply, { status, headers, body }: RouteAnswer): FastifyReply {
  const { json, text, bytes } = body;
  const type =
    json !== undefined ? "application/json" : text !== undefined ? "text/plain; charset=utf-8" : "application/octet-stream";
  const { "content-type": given = type, ...kept } = headersOut(headers).kept;
  reply.code(status).headers({ "cache-control": "no-store", ...kept, ...INERT });
  if (json !== undefined) return reply.type(type).send(JSON.stringify(json));
  const payload = text ?? (bytes === undefined ? undefined : Buffer.from(bytes));
  return payload === undefined ? reply.send() : reply.type(given).send(payload);
}

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { LedgerEntry } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { type AdminContext, ApiReply, type ApiRoute, type Caller, checkRole } from "../context.ts";
import { checkHost, checkOrigin } from "./guard.ts";
import { sendError } from "./reply.ts";

export const SESSION_COOKIE = "hn_session";
export const SETUP_COOKIE = "hn_setup";
const JSON_MAX_BYTES = 1_048_576;
const PLUGIN_ID = /^[a-z][a-z0-9-]{1,38}\/[a-z][a-z0-9-]{1,38}$/;

export interface DoorOptions {
  door: Caller["door"];
  context: AdminContext;
  port: () => number;
}

/** Mounts the route table on one listener; both doors share every handler. */
export function mountRoutes(app: FastifyInstance, routes: readonly ApiRoute[], o: DoorOptions): void {
  const ajv = new Ajv2020({ allErrors: true, strict: true });
  // One strict parser for everything signed, sent or typed; fastify's own would accept duplicate keys.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(["application/json", "application/octet-stream"], { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  const mount = (to: FastifyInstance, route: ApiRoute): void => {
    if (route.role === "socket" && o.door === "page") return;
    const validate = route.body === undefined ? undefined : ajv.compile(route.body);
    for (const url of [`/api/v1${route.path}`, ...(route.alias === undefined ? [] : [route.alias])])
      to.route({
        method: route.method,
        url,
        bodyLimit: route.bodyLimit ?? JSON_MAX_BYTES,
        handler: (request, reply) => answer(request, { reply, route, validate, ...o }),
      });
  };
  for (const route of routes) if (route.streamed !== true) mount(app, route);
  void app.register(async (streams) => {
    streams.removeAllContentTypeParsers();
    streams.addContentTypeParser("application/octet-stream", (_request, payload, done) => done(null, payload));
    for (const route of routes) if (route.streamed === true) mount(streams, route);
  });
  app.setErrorHandler((error, request, reply) => sendError(reply, { error: foreignError(error), traceId: request.id }));
}

/** Identifies the caller. @throws unauthorized, bad_request */
export function callerOf(request: FastifyRequest, o: DoorOptions): Caller {
  if (o.door === "socket")
    return {
      door: "socket",
      session: { role: "owner", step_up_until: Number.MAX_SAFE_INTEGER, expires_at: Number.MAX_SAFE_INTEGER },
      address: "socket",
    };
  const id = request.cookies[SESSION_COOKIE];
  return {
    door: "page",
    session: o.context.sessions.check(id),
    address: request.ip,
    ...(id === undefined ? {} : { sessionId: id }),
  };
}

async function answer(
  request: FastifyRequest,
  o: DoorOptions & { reply: FastifyReply; route: ApiRoute; validate: ValidateFunction | undefined },
): Promise<FastifyReply> {
  const { reply, route, context } = o;
  const abort = new AbortController();
  reply.raw.once("close", () => abort.abort());
  let caller: Caller | null = null;
  let body: unknown;
  let result: unknown;
  try {
    caller = admit(request, o);
    body = readBody(request, o);
    result = await route.handle(
      {
        caller,
        params: request.params as Record<string, string>,
        query: flat(request.query),
        body: body as never,
        raw: request,
        signal: abort.signal,
      },
      context,
    );
    const target = result instanceof ApiReply ? result.auditTarget : undefined;
    if (route.audit !== undefined)
      record(o, { caller, request, body, result: "ok", ...(target === undefined ? {} : { target }) });
  } catch (error) {
    const wrapped = HnError.from(error);
    if (wrapped.code === "internal_error")
      context.services.log.error("admin request failed", { path: route.path, trace_id: request.id, error: wrapped });
    if (route.audit !== undefined) record(o, { caller, request, body, result: wrapped.reason ?? wrapped.code });
    return sendError(reply, { error: wrapped, traceId: request.id });
  }
  return send(reply, result);
}

function admit(request: FastifyRequest, o: DoorOptions & { route: ApiRoute }): Caller {
  const { route, context } = o;
  if (o.door === "page") {
    checkHost(request.headers.host, o.port());
    if (route.method !== "GET") checkOrigin(request);
  }
  if (route.role === "none" || route.role === "setup") {
    if (route.role === "setup" && o.door === "page" && !context.setup.holdsClaim(request.cookies[SETUP_COOKIE]))
      throw new HnError("expired", { reason: "setup_token" });
    return { door: o.door, session: { role: "viewer", step_up_until: 0, expires_at: 0 }, address: request.ip };
  }
  const caller = callerOf(request, o);
  checkRole(caller, route, context.services.clock.now());
  return caller;
}

function readBody(request: FastifyRequest, o: { route: ApiRoute; validate: ValidateFunction | undefined }): unknown {
  const bytes = request.body as Buffer | undefined;
  if (o.route.streamed === true) {
    if (request.headers["content-type"] !== "application/octet-stream" || request.body === undefined)
      throw new HnError("bad_request", { message: "Send the file's bytes as application/octet-stream." });
    return request.body;
  }
  if (o.route.octets === true) {
    if (request.headers["content-type"] !== "application/octet-stream" || bytes === undefined)
      throw new HnError("bad_request", { message: "Send the file's bytes as application/octet-stream." });
    return bytes;
  }
  if (o.validate === undefined) return undefined;
  if (bytes === undefined) throw new HnError("bad_request", { reason: "json_invalid", message: "A JSON body is missing." });
  const value = parseStrictJson(bytes, { maxBytes: o.route.bodyLimit ?? JSON_MAX_BYTES });
  if (!o.validate(value)) throw mismatch(o.validate);
  return value;
}

function mismatch(validate: ValidateFunction): HnError {
  const errors = validate.errors ?? [];
  const paths = [
    ...new Set(
      errors.map((e) =>
        e.keyword === "required" ? `${e.instancePath}/${String(e.params["missingProperty"])}` : e.instancePath || "/",
      ),
    ),
  ];
  const first = errors[0];
  return new HnError("bad_request", {
    message: `The field ${paths[0] ?? "/"} is not as expected: ${first?.message ?? "malformed"}.`,
    paths,
  });
}

function send(reply: FastifyReply, result: unknown): FastifyReply {
  reply.header("cache-control", "no-store");
  if (reply.sent || reply.raw.headersSent) return reply;
  const answer = result instanceof ApiReply ? result : new ApiReply(result ?? {});
  for (const { name, value, maxAgeSeconds } of answer.cookies)
    reply.setCookie(name, value ?? "", {
      path: "/",
      httpOnly: true,
      sameSite: "strict",
      maxAge: value === null ? 0 : maxAgeSeconds,
    });
  if (answer.type !== undefined) reply.type(answer.type);
  reply.headers(answer.headers);
  return reply.code(answer.status).send(answer.body);
}

function record(
  o: DoorOptions & { route: ApiRoute },
  e: { caller: Caller | null; request: FastifyRequest; body: unknown; result: string; target?: string },
): void {
  const params = e.request.params as Record<string, string>;
  const named = e.target ?? (e.body === undefined ? undefined : o.route.auditTarget?.(e.body as never));
  const target =
    named ??
    (params["ns"] === undefined
      ? (params["node_id"] ?? params["id"] ?? params["call_id"] ?? params["cid"] ?? "")
      : `${params["ns"]}/${params["name"] ?? ""}`);
  const act = { actor: actorOf(e.caller, o.route), action: o.route.audit ?? "", target, result: e.result };
  o.context.live.publish("audit", o.context.audit.record(act));
  o.context.services.runtime.ledgerView.act(asWish(act, e.request.id));
}

/** An operator's act as a row among the plugins' wishes: who did it stands in the target. @source plugin-platform §8.3 */
function asWish(act: { actor: string; action: string; target: string; result: string }, trace: string): LedgerEntry {
  const isPlugin = PLUGIN_ID.test(act.target);
  const said = [
    ...(isPlugin || act.target === "" ? [] : [act.target]),
    `by ${act.actor}`,
    ...(act.result === "ok" ? [] : [act.result]),
  ];
  return {
    plugin: isPlugin ? act.target : "",
    release: "",
    op: `operator.${act.action}`,
    permission: "",
    target: said.join(" "),
    verdict: act.result === "ok" ? "allow" : "deny",
    trace,
  };
}

/** A browser before sign-in has no role yet. */
function actorOf(caller: Caller | null, route: ApiRoute): string {
  if (caller === null) return "nobody";
  if (caller.door === "socket") return "terminal";
  return route.role === "none" || route.role === "setup" ? "browser" : caller.session.role;
}

function flat(query: unknown): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(query as Record<string, unknown>)) if (typeof value === "string") out[key] = value;
  return out;
}

function foreignError(error: unknown): unknown {
  const code = (error as { code?: unknown }).code;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new HnError("bad_request", { reason: "too_large" });
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new HnError("bad_request", { message: "Send application/json, or application/octet-stream for files." });
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === "number" && status < 500 && !HnError.isHnError(error)
    ? new HnError("bad_request", { cause: error })
    : error;
}

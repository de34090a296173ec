import type { FastifyReply } from "fastify";
import { ERRORS, type AnyErrorCode, type ErrorCode } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

const LOCAL_STATUS: Partial<Record<AnyErrorCode, number>> = {
  permission_denied: 403,
  quota_exceeded: 429,
  plugin_gone: 503,
  confinement: 501,
};

/** Any thrown value as the operator's error object: code, cause, what to do. Stacks stay in the log. */
export function sendError(reply: FastifyReply, o: { error: unknown; traceId: string }): FastifyReply {
  const wrapped = HnError.from(o.error);
  const body = { ...wrapped.toLocal(), trace_id: o.traceId };
  const status = LOCAL_STATUS[body.error] ?? ERRORS[body.error as ErrorCode].status;
  if (body.retry_after_ms !== undefined) reply.header("retry-after", String(Math.ceil(body.retry_after_ms / 1000)));
  return reply.code(status).header("cache-control", "no-store").send(body);
}

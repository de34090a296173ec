import type { FastifyReply, FastifyRequest } from "fastify";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type CallBody, type InboundRequest } from "../../contract/index.ts";
import { headersOf, type Passage } from "../inbound/passage.ts";
import { streamFrames } from "../sse/write.ts";
import type { Room } from "./room.ts";
import { send, signedRoute } from "./signed-route.ts";
import { toWire } from "./wire.ts";

/** `POST /bus/v1/call`: one capability call, answered as JSON or as a stream of frames. @source 02 §2, §7.1 */
export function busCallRoute(room: Room): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return signedRoute(room, {
    rule: { capability: undefined, query: "refused" },
    maxBytes: (passage) => {
      const limits = room.bus.limitsOf(headersOf(passage).capability);
      return Math.min(limits?.maxBodyBytes ?? CONSTANTS.CALL_BODY_MAX_BYTES, CONSTANTS.CALL_BODY_CEILING_BYTES);
    },
    handle: async (passage, { request, reply, visit }) => {
      const call = readCall(passage, visit.signal);
      if (wantsFrames(room, passage, request))
        return streamFrames(room, { reply, passage, visit, frames: room.bus.serveStream({ ...call, stream: true }) });
      const result = await room.bus.serve(call);
      return send(reply, room.answerer.answer(200, toWire({ output: result.output, meta: result.meta }), passage.claim));
    },
  });
}

/** The call that the bus is handed, of whatever brought it along. */
export function readCall(passage: Passage, signal: AbortSignal): InboundRequest {
  const headers = headersOf(passage);
  if (!passage.caller || !passage.body) throw new HnError("internal_error");
  const [major, minor] = headers.version.split(".").map(Number);
  return {
    capability: headers.capability,
    version: [major ?? 0, minor ?? 0],
    // Its form is the bus's business; it is the value that was verified.
    body: passage.body as unknown as CallBody,
    caller: passage.caller,
    requestId: headers.request_id,
    traceId: headers.traceId ?? headers.request_id,
    ...(headers.parentSpanId === undefined ? {} : { parentSpanId: headers.parentSpanId }),
    ...(headers.timeoutMs === undefined ? {} : { timeoutMs: headers.timeoutMs }),
    stream: false,
    signal,
    ...(passage.token === undefined ? {} : { token: passage.token }),
  };
}

/** @source 02 §7.1 */
function wantsFrames(room: Room, passage: Passage, request: FastifyRequest): boolean {
  const input = passage.body?.["input"];
  const refused = typeof input === "object" && input !== null && !Array.isArray(input) && input["stream"] === false;
  const accepts = (request.headers.accept ?? "").toLowerCase().includes("text/event-stream");
  return accepts && !refused && room.bus.limitsOf(headersOf(passage).capability)?.streams === true;
}

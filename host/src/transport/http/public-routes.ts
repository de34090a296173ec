import type { FastifyReply, FastifyRequest } from "fastify";
import { formatTime, HnError } from "../../foundation/index.ts";
import { CONSTANTS, type JsonObject } from "../../contract/index.ts";
import { readClaim } from "../inbound/header-fields.ts";
import type { Addressee, Answer } from "./answer.ts";
import { discardBody } from "./body.ts";
import { refuseWhenClosing, type Room } from "./room.ts";
import { drop, send } from "./signed-route.ts";

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** Nobody in particular; the id is echoed when the asker sent a proper one. @source 02 T-10 */
export function publicAddressee(request: FastifyRequest): Addressee {
  return readClaim(undefined, request.headers["x-hearthnet-request-id"]);
}

/** Runs behind the address limiter only. */
export function publicRoute(
  room: Room,
  body: (request: FastifyRequest) => Promise<{ status: number; body: JsonObject }>,
): Handler {
  return async (request, reply) => {
    const to = publicAddressee(request);
    let answer: Answer;
    try {
      const verdict = room.gate.addresses.arrive(request.raw.socket.remoteAddress ?? "", undefined, room.clock.monotonic());
      if (verdict.kind === "drop") return drop(request, reply);
      if (verdict.kind === "wait")
        throw new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: verdict.retryAfterMs });
      refuseWhenClosing(room);
      const made = await body(request);
      answer = room.answerer.answer(made.status, made.body, to);
    } catch (error) {
      answer = room.answerer.refuse(error, to);
    }
    discardBody(request.raw, CONSTANTS.CALL_BODY_CEILING_BYTES);
    return send(reply, answer);
  };
}

/** `GET /manifest[?contract_version=1.0]` @source 01 §5, §8 */
export function manifestRoute(room: Room): Handler {
  return publicRoute(room, async (request) => {
    const asked = new URLSearchParams((request.raw.url ?? "").split("?")[1] ?? "").getAll("contract_version");
    const contract = asked.length === 0 ? "2.0" : asked[0];
    if (asked.length > 1 || (contract !== "1.0" && contract !== "2.0"))
      throw new HnError("schema_mismatch", { reason: "contract_version" });
    return { status: 200, body: (await room.manifest(contract)) as unknown as JsonObject };
  });
}

/** `GET /health`: that it answers, and nothing else. */
export function healthRoute(room: Room): Handler {
  return publicRoute(room, async () => ({ status: 200, body: { status: "ok", ts: formatTime(room.clock.now()) } }));
}

/** `GET /ready`: at least one capability and one neighbour. */
export function readyRoute(room: Room): Handler {
  return publicRoute(room, async () => {
    if (room.ready()) return { status: 200, body: { status: "ready" } };
    throw new HnError("partition", {
      message: "This node is up, but has no capability or no neighbour yet. Install a plugin, or wait for a neighbour.",
    });
  });
}

/** Everything else. */
export function missingRoute(room: Room): Handler {
  return publicRoute(room, async () => {
    throw new HnError("not_found", { message: "There is nothing at this address. See the protocol's list of endpoints." });
  });
}

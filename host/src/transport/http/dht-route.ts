import type { FastifyReply, FastifyRequest } from "fastify";
import type { DhtRpc, JsonObject } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { readBody } from "./body.ts";
import { publicRoute } from "./public-routes.ts";
import type { Room } from "./room.ts";

/** Answers a question; it checks the signature and the asker's rate itself. @throws as the room `dht` */
export type DhtDesk = (rpc: DhtRpc, body: unknown, address: string) => JsonObject;

const BODY_MAX_BYTES = 16_384;
const RPCS: readonly string[] = ["ping", "find_node", "find_value", "store"] satisfies DhtRpc[];

/** `POST /dht/v1/:rpc`: for whoever signs, members or not. @source 06 §2 */
export function dhtRoute(room: Room): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return publicRoute(room, async (request) => {
    const desk = room.dht();
    const { rpc } = request.params as { rpc: string };
    if (desk === undefined || !RPCS.includes(rpc))
      throw new HnError("not_found", { message: "There is nothing at this address. See the protocol's list of endpoints." });
    const body = parseStrictJson(await readBody(request.raw, BODY_MAX_BYTES, room.budget));
    return { status: 200, body: desk(rpc as DhtRpc, body, request.raw.socket.remoteAddress ?? "") };
  });
}

import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { HnError } from "../../foundation/index.ts";
import { ANYBODY } from "./answer.ts";
import { writeRawAnswer } from "./raw-answer.ts";
import type { Room } from "./room.ts";

/** Says cleanly that this port speaks no WebSocket yet; callers fall back to server-sent events. @source 02 §8 */
export function refuseUpgrades(server: Pick<Server, "on">, room: Room): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
    const verdict = room.gate.addresses.arrive(request.socket.remoteAddress ?? "", undefined, room.clock.monotonic());
    if (verdict.kind !== "pass") return void socket.destroy();
    const answer = room.answerer.refuse(new HnError("bad_request", { reason: "upgrade_unsupported" }), ANYBODY, 426);
    answer.headers["sec-websocket-protocol"] = "hearthnet-bus.v2";
    writeRawAnswer(socket, answer);
  });
}

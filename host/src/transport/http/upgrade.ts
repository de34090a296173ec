import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { HnError } from "../../foundation/index.ts";
import { ANYBODY } from "./answer.ts";
import { writeRawAnswer } from "./raw-answer.ts";
import type { Room } from "./room.ts";

/** What answers WebSocket upgrades at one path. */
export interface UpgradeDoor {
  path: string;
  /** The subprotocol that a caller has to offer. */
  protocol: string;
  open(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The one switch for upgrades, by path and subprotocol; whatever no door is for is refused, and callers fall back. @source 02 §8, network.md §2.1 */
export function serveUpgrades(server: Pick<Server, "on">, room: Room, doors: readonly UpgradeDoor[]): void {
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const verdict = room.gate.addresses.arrive(request.socket.remoteAddress ?? "", undefined, room.clock.monotonic());
    if (verdict.kind !== "pass") return void socket.destroy();
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
    const door = doors.find(({ path, protocol }) => request.url === path && offered.includes(protocol));
    if (door !== undefined) return door.open(request, socket, head);
    const answer = room.answerer.refuse(new HnError("bad_request", { reason: "upgrade_unsupported" }), ANYBODY, 426);
    answer.headers["sec-websocket-protocol"] = "hearthnet-bus.v2";
    writeRawAnswer(socket, answer);
  });
}

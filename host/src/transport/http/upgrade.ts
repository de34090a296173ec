import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { HnError } from "../../foundation/index.ts";
import type { Room } from "./room.ts";

const STATUS = "HTTP/1.1 426 Upgrade Required";

/** Says cleanly that this port speaks no WebSocket yet; callers fall back to server-sent events. @source 02 §8 */
export function refuseUpgrades(server: Pick<Server, "on">, room: Room): void {
  server.on("upgrade", (_request: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => socket.destroy());
    const { status: _status, ...answer } = room.answerer.refuse(new HnError("bad_request", { reason: "upgrade_unsupported" }), {
      from: "",
      requestId: "",
    });
    const headers = {
      ...answer.headers,
      "sec-websocket-protocol": "hearthnet-bus.v2",
      connection: "close",
      "content-length": String(Buffer.byteLength(answer.text)),
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.end(`${[STATUS, ...lines].join("\r\n")}\r\n\r\n${answer.text}`);
  });
}

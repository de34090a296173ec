import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../contract/index.ts";
import { CLOSE } from "./close-code.ts";

export const BUS_PROTOCOL = "hearthnet-bus.v2";

/** What the library closes for by itself (bad frames, text that is no UTF-8, messages that are too large), in the protocol's own number. */
const BROKEN: ReadonlySet<number> = new Set([1002, 1007, 1008, 1009]);

const CLOSE_MS = 2000;

/** A WebSocket whose close codes are those of the protocol. */
export class BusSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code !== undefined && BROKEN.has(code) ? CLOSE.badFrame : code, reason);
  }
}

/**
 * Answers an upgrade. No compression, which would let one small message stand for a huge one.
 * @param o.maxBytes  of one message; beyond it the library closes
 * @param o.protocol  agreed on; null: none
 * @param then  not called when the request is no proper upgrade; the library has answered then
 */
export function acceptSocket(
  o: { request: IncomingMessage; socket: Socket; head: Buffer; maxBytes: number; protocol: string | null },
  then: (socket: BusSocket) => void,
): void {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: o.maxBytes,
    maxFragments: 1024,
    handleProtocols: () => o.protocol ?? false,
    WebSocket: BusSocket,
  });
  server.handleUpgrade(o.request, o.socket, o.head, then);
}

/** Closes a socket that this node has opened; a neighbour that does not answer the closing is cut. */
export function closeSoon(socket: BusSocket, clock: Clock): void {
  socket.close(CLOSE.normal);
  const timer = clock.setTimeout(() => socket.terminate(), CLOSE_MS);
  socket.once("close", () => timer.cancel());
}

/** Text of a message; undefined for a binary one, which nothing here takes. */
export function textOf(data: WebSocket.RawData, isBinary: boolean): Uint8Array | undefined {
  return isBinary ? undefined : bytesOf(data);
}

/** One message in one piece. */
export function bytesOf(data: WebSocket.RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

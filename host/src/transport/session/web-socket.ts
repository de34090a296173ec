import type { TLSSocket } from "node:tls";
import type { WebSocket } from "ws";
import type { SessionSocket } from "./sender.ts";

/** No more than this is ever read as one message. @source network.md §1.1 */
export const PAYLOAD_MAX_BYTES = 1_048_576;
/** How long either side may take for its part of the handshake. @source network.md §1.2 */
export const HANDSHAKE_MS = 5000;

const LABEL = "EXPORTER-Channel-Binding";
const BINDING_BYTES = 32;
const BINARY = { binary: true, compress: false } as const;

/** What TLS 1.3 lets both of its ends know and nobody else. @returns null where there is none @source RFC 9266 */
export function channelBinding(socket: TLSSocket): Uint8Array | null {
  try {
    return socket.exportKeyingMaterial(BINDING_BYTES, LABEL, Buffer.alloc(0));
  } catch {
    // Not connected any more; the handshake fails by itself.
    return null;
  }
}

/** The two sockets of one connection as a session sees them. */
export function sessionSocket(webSocket: WebSocket, socket: TLSSocket): SessionSocket {
  return {
    send: (frame, written) => webSocket.send(frame, BINARY, written),
    get bufferedAmount() {
      return webSocket.bufferedAmount;
    },
    get bytesRead() {
      return socket.bytesRead;
    },
    together: (act) => {
      socket.cork();
      try {
        act();
      } finally {
        socket.uncork();
      }
    },
    pause: () => webSocket.pause(),
    close: (code) => webSocket.close(code),
    destroy: () => webSocket.terminate(),
  };
}

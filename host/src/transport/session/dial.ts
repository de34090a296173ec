import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { WebSocket, type RawData } from "ws";
import { HnError } from "../../foundation/index.ts";
import { nodeIdOfCertificate } from "../../identity/index.ts";
import type { Clock, Endpoint, NodeId } from "../../contract/index.ts";
import { firstConnection } from "../tls/connect.ts";
import { originOf } from "../tls/pin.ts";
import { badFrame, SessionFault } from "./fault.ts";
import { Initiator, type Established, type HandshakeOptions } from "./handshake.ts";
import { PROTOCOL } from "./transcript.ts";
import { channelBinding, HANDSHAKE_MS, PAYLOAD_MAX_BYTES } from "./web-socket.ts";

/** A connection that has become a session. */
export interface Connected {
  established: Established;
  webSocket: WebSocket;
  socket: TLSSocket;
  address: string;
  /** Where it was dialled; undefined for those that came. */
  endpoint: Endpoint | undefined;
  /** TLS ends at the peer itself, so nobody stands between. */
  isPinned: boolean;
  /** When this end began to dial, or was dialled; monotonic milliseconds. */
  begun: number;
}

/** Why there is no session. */
export class DialFailure extends Error {
  /** Close code of the peer, or ours; undefined where nothing answered or sessions are not offered. */
  readonly code: number | undefined;
  readonly error: HnError;
  /** Nobody between the nodes can have made it up. */
  readonly isTrusted: boolean;
  /** Where a connection had come about. */
  readonly endpoint: Endpoint | undefined;

  constructor(o: { code?: number; error: HnError; isTrusted: boolean; endpoint?: Endpoint }) {
    super(o.error.message, { cause: o.error });
    this.code = o.code;
    this.error = o.error;
    this.isTrusted = o.isTrusted;
    this.endpoint = o.endpoint;
  }
}

export interface DialOptions {
  to: NodeId;
  endpoints: readonly Endpoint[];
  clock: Clock;
  handshake: Omit<HandshakeOptions, "binding" | "via">;
  replaces?: string;
  /** Called in the turn in which the handshake ends, before another byte is read. */
  connected: (connected: Connected) => void;
}

/** Opens one connection, at the first address where that works, and shakes hands on it. @throws DialFailure @source network.md §1.2, 02 §9 */
export async function dialPeer(o: DialOptions): Promise<void> {
  const begun = o.clock.monotonic();
  const { endpoint, socket } = await firstConnection(o.clock, o.endpoints, { to: o.to }).catch((cause: unknown) => {
    const error = HnError.isHnError(cause) ? cause : new HnError("partition", { reason: "provider_unreachable", cause });
    throw new DialFailure({ error, isTrusted: false });
  });
  const certificate = socket.getPeerX509Certificate();
  const isPinned = certificate instanceof X509Certificate && nodeIdOfCertificate(certificate) === o.to;
  const webSocket = new WebSocket(`${originOf(endpoint).replace("https:", "wss:")}/bus/v1/peer`, PROTOCOL, {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: PAYLOAD_MAX_BYTES,
    followRedirects: false,
    generateMask: unmasked,
  });
  await shakeHands({ ...o, endpoint, webSocket, socket, isPinned, begun });
}

/**
 * Masks keep what a browser sends in the clear from looking like HTTP to a proxy on the way. Nobody sees into TLS, and frames are tagged besides: zeros,
 * which change nothing, spare both ends a pass over every byte.
 * @source RFC 6455 §10.3
 */
function unmasked(mask: Buffer): void {
  mask.fill(0);
}

function shakeHands(
  o: DialOptions & Pick<Connected, "webSocket" | "socket" | "isPinned" | "begun"> & { endpoint: Endpoint },
): Promise<void> {
  const { webSocket, socket, clock, isPinned, begun, endpoint } = o;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  /** Behind a proxy the two ends see different connections, and nothing binds them. */
  const binding = isPinned ? channelBinding(socket) : null;
  const initiator = new Initiator({
    ...o.handshake,
    to: o.to,
    binding,
    via: "",
    ...(o.replaces === undefined ? {} : { replaces: o.replaces }),
  });
  let refused: HnError | undefined;
  const fail = (failure: { code?: number; error: HnError }): void => {
    timer.cancel();
    reject(new DialFailure({ ...failure, isTrusted: isPinned, endpoint }));
  };
  const unavailable = (cause: unknown): void => {
    webSocket.terminate();
    fail({ error: new HnError("partition", { reason: "provider_unreachable", cause }) });
  };
  const timer = clock.setTimeout(() => unavailable(new Error("the handshake took too long")), HANDSHAKE_MS);
  const message = (data: RawData, isBinary: boolean): void => {
    try {
      if (isBinary) throw badFrame("a binary message before the handshake was over");
      const { confirm, established } = initiator.answer(data as Buffer);
      webSocket.send(confirm);
      webSocket.off("message", message);
      webSocket.off("close", closed);
      timer.cancel();
      o.connected({ established, webSocket, socket, isPinned, begun, address: socket.remoteAddress ?? "", endpoint });
      resolve();
    } catch (error) {
      // The peer's refusal is followed by its close code, which says how much it means.
      if (isRefusal(data as Buffer) && HnError.isHnError(error)) return void (refused = error);
      const fault = SessionFault.is(error) ? error : badFrame(String(error));
      webSocket.close(fault.closeCode);
      fail({ code: fault.closeCode, error: fault });
    }
  };
  const closed = (code: number): void =>
    fail({
      code,
      error: refused ?? new HnError("partition", { reason: "session_refused", cause: new Error(`closed with ${code}`) }),
    });
  webSocket.on("error", unavailable);
  webSocket.once("unexpected-response", (_request, response) => unavailable(new Error(`answered ${response.statusCode ?? 0}`)));
  webSocket.once("open", () => webSocket.send(initiator.hello));
  webSocket.on("message", message);
  webSocket.once("close", closed);
  return promise;
}

function isRefusal(text: Buffer): boolean {
  return text.includes('"t":"reject"');
}

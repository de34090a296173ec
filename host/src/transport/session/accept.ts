import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { HnError } from "../../foundation/index.ts";
import type { CommunityId, NodeId } from "../../contract/index.ts";
import { ANYBODY } from "../http/answer.ts";
import { writeRawAnswer } from "../http/raw-answer.ts";
import type { Room } from "../http/room.ts";
import type { UpgradeEntry } from "../http/upgrade.ts";
import { Attempts } from "./attempts.ts";
import { badFrame, CLOSE, SessionFault } from "./fault.ts";
import { Rejection, Responder, type Established } from "./handshake.ts";
import type { PeerSessions } from "./sessions.ts";
import { PROTOCOL } from "./transcript.ts";
import { channelBinding, HANDSHAKE_MS, PAYLOAD_MAX_BYTES } from "./web-socket.ts";

const RETRY_MS = 1000;

/** `GET /bus/v1/peer`: the side of a session that is dialled. @source network.md §1.1, §1.2 */
export function peerDoor(room: Room, sessions: PeerSessions): UpgradeEntry {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: PAYLOAD_MAX_BYTES,
    clientTracking: false,
    handleProtocols: () => PROTOCOL,
  });
  const attempts = new Attempts(room.clock.monotonic());
  return {
    path: "/bus/v1/peer",
    protocol: PROTOCOL,
    open: (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const address = request.socket.remoteAddress ?? "";
      const done = room.isClosing() ? null : attempts.begin(address, room.clock.monotonic());
      if (done === null) return writeRawAnswer(socket, room.answerer.refuse(busy(), ANYBODY, 503));
      socket.once("close", done);
      server.handleUpgrade(request, socket, head, (webSocket) => {
        new Arrival({ room, sessions, attempts, done, webSocket, socket: request.socket as TLSSocket, address }).begin();
      });
    },
  };
}

function busy(): HnError {
  return new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: RETRY_MS });
}

interface ArrivalOptions {
  room: Room;
  sessions: PeerSessions;
  attempts: Attempts;
  done: () => void;
  webSocket: WebSocket;
  socket: TLSSocket;
  address: string;
}

/** One handshake that somebody else has begun. Until it is over nothing of it outlives the socket. */
class Arrival {
  readonly #o: ArrivalOptions;
  readonly #responder: Responder;
  readonly #begun: number;
  #step: "hello" | "confirm" | "over" = "hello";
  #timer: { cancel(): void } | undefined;

  constructor(o: ArrivalOptions) {
    this.#o = o;
    this.#begun = o.room.clock.monotonic();
    this.#responder = new Responder({
      ...o.sessions.handshake(),
      binding: channelBinding(o.socket),
      via: "",
      now: () => o.room.clock.now(),
      admit: (from, community) => this.#admit(from, community),
    });
  }

  begin(): void {
    const { webSocket } = this.#o;
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("message", this.#message);
    webSocket.once("close", () => this.#stop());
    this.#await();
  }

  readonly #message = (data: RawData, isBinary: boolean): void => {
    try {
      if (isBinary || this.#step === "over") throw badFrame("a binary message before the handshake was over");
      const text = data as Buffer;
      if (this.#step === "hello") this.#hello(text);
      else this.#confirm(text);
    } catch (error) {
      this.#refuse(SessionFault.is(error) ? error : new SessionFault(CLOSE.internal, { cause: error }));
    }
  };

  #hello(text: Buffer): void {
    const accept = this.#responder.hello(text);
    this.#step = "confirm";
    this.#o.webSocket.send(accept);
    this.#await();
  }

  #confirm(text: Buffer): void {
    const { room, webSocket, socket, address, attempts, done, sessions } = this.#o;
    const established = this.#responder.confirm(text);
    this.#claim(established);
    this.#stop();
    done();
    const now = room.clock.monotonic();
    attempts.proven(address, now);
    room.gate.addresses.proven(address, established.peer, now);
    webSocket.off("message", this.#message);
    sessions.arrived({ established, webSocket, socket, address, begun: this.#begun });
  }

  /** Counted for the member from now on. @source 02 T-1 */
  #claim({ peer }: Established): void {
    if (!this.#o.room.connections.claimed(this.#o.socket, peer)) throw new Rejection(CLOSE.rate, { code: "rate_limited" });
  }

  /** @throws Rejection: who is revoked, no member, or acts from elsewhere, gets no session */
  #admit(from: NodeId, community: CommunityId): void {
    const { standing, nodeId } = this.#o.room.gate;
    const { kind } = standing.standing(from);
    if (kind === "revoked") throw new Rejection(CLOSE.standing, { code: "revoked" });
    if (kind !== "member") throw new Rejection(CLOSE.standing, { code: "unauthorized" });
    if (community !== (standing.communityId() ?? nodeId)) throw new Rejection(CLOSE.standing, { code: "not_federated" });
  }

  #refuse(fault: SessionFault): void {
    if (this.#step === "over") return;
    const { webSocket, room, attempts, address } = this.#o;
    const now = room.clock.monotonic();
    const from = this.#responder.claimed?.from;
    if (fault.closeCode === CLOSE.proof && from !== undefined) room.gate.addresses.failedSignature(address, from, now);
    const rejection = fault instanceof Rejection ? fault : new Rejection(fault.closeCode, { code: "invalid_signature" });
    if (fault.closeCode !== CLOSE.badFrame && fault.closeCode !== CLOSE.internal)
      webSocket.send(
        this.#responder.reject(rejection, { tellTime: rejection.rejectCode === "expired" && attempts.tellsTime(address, now) }),
      );
    this.#stop();
    webSocket.close(fault.closeCode);
    room.clock.setTimeout(() => webSocket.terminate(), HANDSHAKE_MS);
  }

  #await(): void {
    this.#timer?.cancel();
    this.#timer = this.#o.room.clock.setTimeout(() => {
      this.#stop();
      this.#o.webSocket.close(CLOSE.deadline);
      this.#o.webSocket.terminate();
    }, HANDSHAKE_MS);
  }

  #stop(): void {
    this.#step = "over";
    this.#timer?.cancel();
    this.#o.done();
  }
}

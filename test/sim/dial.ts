/**
 * Peer sessions in the simulated world. Handshake, frames, seals, credit and the choice between two sessions are the host's own; made up is what
 * `dial.ts` and `accept.ts` of the host do with sockets: TLS, the upgrade, and who is admitted before anything was proven.
 */
import type { Endpoint, NodeId, Standing } from "../../host/src/contract/index.ts";
import { HnError } from "../../host/src/foundation/index.ts";
import { DialFailure } from "../../host/src/transport/session/dial.ts";
import { CLOSE, SessionFault } from "../../host/src/transport/session/fault.ts";
import { Initiator, Rejection, Responder } from "../../host/src/transport/session/handshake.ts";
import type { PeerSession } from "../../host/src/transport/session/peer-session.ts";
import type { PeerSessions } from "../../host/src/transport/session/sessions.ts";
import { HANDSHAKE_MS } from "../../host/src/transport/session/web-socket.ts";
import type { Network, Place } from "./network.ts";
import type { SimRandom } from "./random.ts";
import { SimSocket, type OnLine } from "./socket.ts";

/** As `connection.ts`. */
const CONNECT_MS = 10_000;
const BINDING_BYTES = 32;

/** What a node lets others dial. */
export interface SessionDoor {
  place: Place;
  host: string;
  sessions: PeerSessions;
  standing: (node: NodeId) => Standing;
  communityId: () => string;
  nodeId: NodeId;
  /** Ends of connections, to be cut with the process. */
  sockets: Set<SimSocket>;
}

export interface Line {
  network: Network;
  random: SimRandom;
  onLine: OnLine;
  /** A proxy between them lets no upgrade through. */
  blocksUpgrades: (from: Place, to: Place) => boolean;
  /** The two ends see different TLS connections. */
  isSpliced: (from: Place, to: Place) => boolean;
  doorOf: (host: string) => SessionDoor | undefined;
}

/** Takes the place of the dialling in `PeerSessions`. */
export class Dialler {
  readonly #line: Line;
  readonly #own: SessionDoor;
  readonly #dialling: Map<NodeId, Promise<PeerSession>> = new Map();

  constructor(line: Line, own: SessionDoor) {
    this.#line = line;
    this.#own = own;
    own.sessions.open = (to, endpoints) => this.open(to, endpoints);
  }

  /** @throws DialFailure */
  async open(to: NodeId, endpoints: readonly Endpoint[]): Promise<PeerSession> {
    const live = this.#own.sessions.live(to);
    if (live !== undefined) return live;
    const under = this.#dialling.get(to);
    if (under !== undefined) return under;
    const opened = async (): Promise<PeerSession> => (await this.#own.sessions.expected(to)) ?? this.#dial(to, endpoints);
    const dialling = opened().finally(() => this.#dialling.delete(to));
    this.#dialling.set(to, dialling);
    return dialling;
  }

  async #dial(to: NodeId, endpoints: readonly Endpoint[]): Promise<PeerSession> {
    let failure = unavailable("no address");
    for (const { host } of endpoints) {
      try {
        await this.#dialOnce(to, host);
        const kept = this.#own.sessions.live(to);
        if (kept === undefined) throw unavailable("the session is over");
        return kept;
      } catch (error) {
        if (!(error instanceof DialFailure)) throw error;
        failure = error;
        if (failure.code !== undefined) break;
      }
    }
    throw failure;
  }

  async #dialOnce(to: NodeId, host: string): Promise<void> {
    const begun = this.#own.place.clock.monotonic();
    const door = await this.#connect(host);
    const { network, random, onLine, isSpliced } = this.#line;
    const own = this.#own;
    const [ours, theirs] = SimSocket.pair({ network, from: own.place, to: door.place, onLine });
    own.sockets.add(ours);
    door.sockets.add(theirs);
    const binding = random.bytes(BINDING_BYTES);
    answer({
      door,
      socket: theirs,
      from: own.host,
      binding: isSpliced(own.place, door.place) ? random.bytes(BINDING_BYTES) : binding,
    });
    await this.#shakeHands({ to, host, socket: ours, binding, begun });
  }

  /** Two ways there and back: TCP with TLS, and the upgrade. */
  async #connect(host: string): Promise<SessionDoor> {
    const { network, doorOf, blocksUpgrades } = this.#line;
    const { place } = this.#own;
    const door = doorOf(host);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const clock = place.clock.setTimeout(() => reject(unavailable("no answer")), CONNECT_MS);
    const refuse = (why: string): void => reject(unavailable(why));
    const there = door?.place ?? place;
    network.segment(place, there, {
      label: `${place.name} dials ${there.name}`,
      bytes: 1600,
      broken: refuse,
      deliver: () =>
        network.segment(there, place, {
          label: `${there.name} picks up for ${place.name}`,
          bytes: 1600,
          broken: refuse,
          deliver: resolve,
        }),
    });
    await promise.finally(() => clock.cancel());
    if (door === undefined || blocksUpgrades(place, there)) throw unavailable("no upgrade there");
    return door;
  }

  #shakeHands({
    to,
    host,
    socket,
    binding,
    begun,
  }: {
    to: NodeId;
    host: string;
    socket: SimSocket;
    binding: Uint8Array;
    begun: number;
  }): Promise<void> {
    const { sessions, place } = this.#own;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const initiator = new Initiator({ ...sessions.handshake(), now: () => place.clock.now(), to, binding, via: "" });
    const fail = (failure: DialFailure): void => {
      timer.cancel();
      reject(failure);
    };
    const timer = place.clock.setTimeout(() => {
      socket.terminate();
      fail(unavailable("the handshake took too long"));
    }, HANDSHAKE_MS);
    const message = (data: Buffer): void => {
      try {
        const { confirm, established } = initiator.answer(data);
        socket.send(confirm);
        socket.off("message", message);
        timer.cancel();
        sessions.arrived({ established, webSocket: socket.asWebSocket, socket: socket.asTls, address: host, begun });
        resolve();
      } catch (error) {
        const fault = SessionFault.is(error) ? error : new SessionFault(CLOSE.badFrame, { cause: error });
        socket.close(fault.closeCode);
        fail(new DialFailure({ code: fault.closeCode, error: fault, isTrusted: true }));
      }
    };
    socket.on("message", message);
    socket.once("close", (code: number) =>
      fail(new DialFailure({ code, error: new HnError("partition", { reason: "session_refused" }), isTrusted: true })),
    );
    socket.send(initiator.hello);
    return promise;
  }
}

/** The side that is dialled. */
export function answer({
  door,
  socket,
  from,
  binding,
}: {
  door: SessionDoor;
  socket: SimSocket;
  from: string;
  binding: Uint8Array;
}): void {
  const { sessions, place, standing, communityId } = door;
  const begun = place.clock.monotonic();
  const responder = new Responder({
    ...sessions.handshake(),
    binding,
    via: "",
    now: () => place.clock.now(),
    admit: (node, community) => {
      const { kind } = standing(node);
      if (kind === "revoked") throw new Rejection(CLOSE.standing, { code: "revoked" });
      if (kind !== "member") throw new Rejection(CLOSE.standing, { code: "unauthorized" });
      if (community !== communityId()) throw new Rejection(CLOSE.standing, { code: "not_federated" });
    },
  });
  let hasAccepted = false;
  const timer = place.clock.setTimeout(() => socket.terminate(), HANDSHAKE_MS);
  const message = (data: Buffer): void => {
    try {
      if (!hasAccepted) {
        hasAccepted = true;
        return socket.send(responder.hello(data));
      }
      const established = responder.confirm(data);
      socket.off("message", message);
      timer.cancel();
      sessions.arrived({ established, webSocket: socket.asWebSocket, socket: socket.asTls, address: from, begun });
    } catch (error) {
      const fault = SessionFault.is(error) ? error : new SessionFault(CLOSE.internal, { cause: error });
      if (fault instanceof Rejection) socket.send(responder.reject(fault, { tellTime: true }));
      timer.cancel();
      socket.close(fault.closeCode);
    }
  };
  socket.on("message", message);
  socket.once("close", () => timer.cancel());
}

function unavailable(why: string): DialFailure {
  return new DialFailure({
    error: new HnError("partition", { reason: "provider_unreachable", cause: new Error(why) }),
    isTrusted: false,
  });
}

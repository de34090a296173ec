import { createUlidFactory, HnError } from "../../foundation/index.ts";
import { parseNodeId, type Signer } from "../../identity/index.ts";
import type {
  Clock,
  CommunityId,
  Endpoint,
  Log,
  NodeId,
  Random,
  SessionProof,
  StandingLookup,
  Ulid,
} from "../../contract/index.ts";
import { BodyBudget } from "../http/body.ts";
import type { Room } from "../http/room.ts";
import { revokedNeighbour } from "../outbound/failure.ts";
import type { KnownPeers } from "../outbound/peers.ts";
import { SUITES } from "./cipher.ts";
import { DialFailure, dialPeer, type Connected } from "./dial.ts";
import { badFrame, CLOSE } from "./fault.ts";
import type { HandshakeOptions } from "./handshake.ts";
import { Paths, type PathState } from "./paths.ts";
import { DUPLICATE, PeerSession, type SessionEnd } from "./peer-session.ts";
import type { KeptSeals } from "./kept-seals.ts";
import { SessionHost } from "./session-host.ts";
import { sessionSocket } from "./web-socket.ts";
import { chooseSession, type Pair } from "./standing.ts";

const QUEUED_BYTES_MAX = 268_435_456;
/** How long an old session has to show that it still lives when its node calls anew, and one that the peer keeps has to come about. @source network.md §1.8 */
const PROBE_MS = 2000;
const CONFLICT_MS = 600_000;
const CONFLICTS_MAX = 64;

export interface PeerSessionsOptions {
  signer: Signer;
  communityId: () => CommunityId | null;
  standing: StandingLookup["standing"];
  clock: Clock;
  random: Random;
  log: Log;
  peers: KnownPeers;
  /** Where what neighbours have signed is kept; absent: nowhere. */
  seals?: KeptSeals;
}

/** Two processes with one key. */
export interface KeyConflict {
  node: NodeId;
  /** It is this node's own key. */
  own: boolean;
}

/** Of what the peer sends. */
interface Flow {
  pause(): void;
  resume(): void;
}

interface Known {
  /** Nobody stands between. */
  isTrusted: boolean;
  /** Where it was dialled. */
  endpoint: Endpoint | undefined;
  /** From the first word of dialling to the last of the handshake, as this end saw it; monotonic milliseconds. */
  begun: number;
  joined: number;
}

/** The sessions of this node, one per neighbour, whoever has dialled. */
export class PeerSessions {
  readonly #o: PeerSessionsOptions;
  readonly #boot: Ulid;
  readonly #budget: BodyBudget = new BodyBudget(QUEUED_BYTES_MAX);
  readonly #live: Map<NodeId, PeerSession> = new Map();
  /** Draining ones too. */
  readonly #all: Map<PeerSession, Known> = new Map();
  readonly #dialling: Map<NodeId, Promise<PeerSession>> = new Map();
  /** Peers that keep a session which has not come about here yet. */
  readonly #expected: Map<NodeId, { promise: Promise<void>; resolve: () => void }> = new Map();
  readonly #conflicts: Map<NodeId, { own: boolean; until: number }> = new Map();
  readonly #paths: Paths;
  #room: Room | undefined;
  #isClosed = false;

  constructor(o: PeerSessionsOptions) {
    this.#o = o;
    this.#boot = createUlidFactory(o.clock, o.random)();
    this.#paths = new Paths(() => this.#chance());
  }

  /** The session that new calls to this neighbour go by. */
  live(node: NodeId): PeerSession | undefined {
    return this.#live.get(node);
  }

  path(node: NodeId): PathState {
    return this.#paths.state(node, this.#o.clock.monotonic());
  }

  /** Who serves the calls that come in; until then none are. */
  serveWith(room: Room): void {
    this.#room = room;
  }

  /** What this node brings to every handshake. */
  handshake(): Omit<HandshakeOptions, "binding" | "via" | "now"> {
    const { signer, random } = this.#o;
    return { signer, community: this.#community(), boot: this.#boot, random, suites: SUITES };
  }

  /**
   * The live session, or one that is opened at the first address where it works.
   * @throws DialFailure
   */
  async open(to: NodeId, endpoints: readonly Endpoint[]): Promise<PeerSession> {
    const live = this.#live.get(to);
    if (live !== undefined) return live;
    const under = this.#dialling.get(to);
    if (under !== undefined) return under;
    const opened = async (): Promise<PeerSession> => (await this.expected(to)) ?? this.#dial(to, endpoints);
    const dialling = opened().finally(() => this.#dialling.delete(to));
    this.#dialling.set(to, dialling);
    return dialling;
  }

  /** The session that this neighbour has told to keep, when it comes about in time. */
  async expected(from: NodeId): Promise<PeerSession | undefined> {
    await this.#expected.get(from)?.promise;
    return this.#live.get(from);
  }

  /** A neighbour has dialled and proven itself. */
  arrived(o: Omit<Connected, "isPinned" | "endpoint">): void {
    this.#join({ ...o, isPinned: o.established.isBound, endpoint: undefined });
  }

  /** Makes another session in the place of one whose keys are worn out; the side that has dialled does it again. */
  renew(session: PeerSession): void {
    const { peer, established } = session;
    if (established.role !== "initiator" || !session.isLive || this.#dialling.has(peer)) return;
    const endpoint = this.#all.get(session)?.endpoint;
    if (endpoint === undefined) return;
    const dialling = this.#dial(peer, [endpoint], established.sid).finally(() => this.#dialling.delete(peer));
    this.#dialling.set(peer, dialling);
    dialling.catch(() => undefined);
  }

  /** Whatever was refused for who it is may be tried again. */
  manifestSeen(node: NodeId): void {
    this.#paths.manifestSeen(node);
  }

  /** Closes what is open to nodes that are no members any more; the abort of their handlers comes before this returns. @source network.md §1.8 */
  shutRevoked(): void {
    this.#paths.standingChanged();
    for (const session of this.#all.keys()) {
      const { kind } = this.#o.standing(session.peer);
      if (kind === "member" && session.established.community === this.#community()) continue;
      const told = kind === "revoked" ? new HnError("revoked") : new HnError("unauthorized");
      session.shut({ closeCode: CLOSE.standing, told, ours: kind === "revoked" ? revokedNeighbour() : told });
    }
  }

  /** Keys that are used by two processes at once, as far as it was noticed lately. */
  conflicts(): KeyConflict[] {
    const now = this.#o.clock.monotonic();
    return [...this.#conflicts].flatMap(([node, { own, until }]) => (until > now ? [{ node, own }] : []));
  }

  /**
   * What shows others that a neighbour has said this on a session with us.
   * @param record  header and body, as they came
   * @throws not_found
   */
  proofOf(record: Uint8Array): SessionProof {
    if (this.#o.seals === undefined) throw new HnError("not_found", { message: "This node keeps no seals." });
    return this.#o.seals.proofOf(record);
  }

  get sessions(): PeerSession[] {
    return [...this.#all.keys()];
  }

  /** Takes no new calls and lets those under way end. */
  drain(): void {
    for (const session of this.sessions) session.drain("closing", CLOSE.goingAway);
  }

  close(): void {
    this.#isClosed = true;
    for (const { resolve } of this.#expected.values()) resolve();
    const told = new HnError("partition", { reason: "closing", retryAfterMs: 5000 });
    for (const session of this.sessions) session.shut({ closeCode: CLOSE.goingAway, told, ours: told });
  }

  async #dial(to: NodeId, endpoints: readonly Endpoint[], replaces?: string): Promise<PeerSession> {
    let failure: DialFailure | undefined;
    for (let left = endpoints; left.length > 0;) {
      try {
        return await this.#dialOnce({ to, endpoints: left, ...(replaces === undefined ? {} : { replaces }) });
      } catch (error) {
        if (!(error instanceof DialFailure)) throw error;
        failure = error;
        // Only where a node was reached and has no sessions may another address say something else.
        if (failure.code !== undefined || failure.endpoint === undefined) break;
        left = left.filter((endpoint) => endpoint !== error.endpoint);
      }
    }
    failure ??= new DialFailure({ error: new HnError("partition", { reason: "provider_unreachable" }), isTrusted: false });
    this.#failed(to, failure);
    throw failure;
  }

  /** Once more when the peer has told its time under its signature. @source network.md §1.2 `time` */
  async #dialOnce(o: { to: NodeId; endpoints: readonly Endpoint[]; replaces?: string }): Promise<PeerSession> {
    const { peers, clock } = this.#o;
    for (let isSecond = false; ; isSecond = true) {
      try {
        let session: PeerSession | undefined;
        await dialPeer({
          ...o,
          clock,
          handshake: { ...this.handshake(), now: () => peers.nowAt(o.to) },
          connected: (connected) => (session = this.#join(connected)),
        });
        // Another one may have come about meanwhile; what counts is which of them both sides keep.
        const kept = this.#live.get(o.to) ?? session;
        if (kept === undefined || !kept.isLive)
          throw new DialFailure({ error: new HnError("partition", { reason: "session_over" }), isTrusted: false });
        this.#paths.opened(o.to);
        return kept;
      } catch (error) {
        const time = error instanceof DialFailure ? error.error.details.server_time : undefined;
        if (isSecond || time === undefined || !peers.learnTime(o.to, time)) throw error;
      }
    }
  }

  #failed(to: NodeId, { code, error, isTrusted }: DialFailure): void {
    const now = this.#o.clock.monotonic();
    this.#o.log.debug("no peer session", { peer: to, code, error });
    if (code === undefined) this.#paths.unavailable(to, now);
    else this.#ended(to, { code, error, isTrusted });
  }

  #join({ established, webSocket, socket, address, isPinned, endpoint, begun }: Connected): PeerSession {
    const { signer, clock, log, peers } = this.#o;
    peers.learnOffset(established.peer, established.clockOffsetMs);
    const host = new SessionHost(() => this.#room, {
      node: established.peer,
      community: established.peerCommunity,
      address,
    });
    const session = new PeerSession({
      established,
      socket: sessionSocket(webSocket, socket),
      signer,
      clock,
      log,
      budget: this.#budget,
      host: () => host,
      chance: () => this.#chance(),
      onDraining: (one) => this.#leaving(one),
      onEnd: (one, end) => this.#over(one, end),
      onWorn: (one) => this.renew(one),
      onSealed: (sealed) => this.#o.seals?.keep(sealed),
    });
    this.#all.set(session, { isTrusted: isPinned, endpoint, begun, joined: clock.monotonic() });
    webSocket.on("message", (data, isBinary) =>
      isBinary ? session.receive(data as Buffer) : session.fault(badFrame("text after the handshake")),
    );
    webSocket.on("close", (code) => session.closed(code));
    this.#settle(session, webSocket);
    return session;
  }

  /** Which of two sessions with one neighbour stays. @source network.md §1.8 */
  #settle(session: PeerSession, flow: Flow): void {
    const { peer } = session;
    const old = this.#live.get(peer);
    const isOff = this.#isClosed || this.#o.standing(peer).kind !== "member";
    if (isOff) return session.shut({ closeCode: CLOSE.standing, told: new HnError("unauthorized"), ours: revokedNeighbour() });
    if (old === undefined) return this.#prefer(session);
    const choice = chooseSession(pairOf(old), pairOf(session), (a, b) =>
      Buffer.compare(parseNodeId(a).bytes, parseNodeId(b).bytes),
    );
    if (choice === "new") {
      this.#prefer(session);
      return old.drain(DUPLICATE, CLOSE.duplicate);
    }
    if (choice === "contest") return this.#contestForeign({ old, session, flow });
    // Who dials once more has lost the old one, unless the two dials were on their way at once: then neither end has to ask.
    if (this.#haveCrossed(old, session)) return session.drain(DUPLICATE, CLOSE.duplicate);
    void old.answers(PROBE_MS).then((lives) => (lives ? session.drain(DUPLICATE, CLOSE.duplicate) : this.#replace(old, session)));
  }

  /**
   * Whether the peer cannot have known of `old` when it dialled `fresh`. What it sends takes as long as what we send: so its dial was on its way
   * if it came in before as much time has passed again as ours took.
   */
  #haveCrossed(old: PeerSession, fresh: PeerSession): boolean {
    const [first, second] = [this.#all.get(old), this.#all.get(fresh)];
    if (first === undefined || second === undefined) return false;
    return second.begun <= first.joined + (first.joined - first.begun);
  }

  /** The key is used by another start of the process: this one goes on, unless it is the old one that is gone. Until that is clear, nothing of the new one is read. */
  #contestForeign({ old, session, flow }: { old: PeerSession; session: PeerSession; flow: Flow }): void {
    flow.pause();
    void old
      .answers(PROBE_MS)
      .then((lives) => {
        if (!lives) return this.#replace(old, session);
        const error = new HnError("partition", { reason: "key_conflict" });
        this.#conflict(session.peer, false);
        session.shut({ closeCode: CLOSE.keyConflict, told: error, ours: error });
      })
      .finally(() => flow.resume());
  }

  /** The old one says nothing any more. */
  #replace(old: PeerSession, session: PeerSession): void {
    if (session.isLive) this.#prefer(session);
    const gone = new HnError("partition", { reason: "session_over" });
    old.shut({ closeCode: CLOSE.goingAway, told: gone, ours: gone });
  }

  #over(session: PeerSession, end: SessionEnd): void {
    const { isTrusted = false } = this.#all.get(session) ?? {};
    this.#all.delete(session);
    this.#forget(session);
    this.#o.log.debug("a peer session is over", { peer: session.peer, code: end.code, by: end.by });
    // Whoever has dialled us decides for itself when to dial again.
    if (this.#isClosed) return;
    this.#ended(session.peer, { code: end.code, error: end.error, isTrusted: isTrusted || end.by !== "wire" });
  }

  #ended(node: NodeId, closing: { code: number; error: HnError; isTrusted: boolean }): void {
    if (closing.code === CLOSE.keyConflict && !this.#conflicts.has(node)) this.#conflict(this.#o.signer.nodeId, true);
    this.#paths.ended(node, closing, this.#o.clock.monotonic());
  }

  #conflict(node: NodeId, own: boolean): void {
    if (!this.#conflicts.has(node))
      this.#o.log.warn(own ? "another process uses this node's key" : "two processes use one neighbour's key", { node });
    const [oldest] = this.#conflicts.keys();
    if (this.#conflicts.size >= CONFLICTS_MAX && oldest !== undefined) this.#conflicts.delete(oldest);
    this.#conflicts.set(node, { own, until: this.#o.clock.monotonic() + CONFLICT_MS });
  }

  /** A peer that keeps another session has told so, maybe before the last word of that one's handshake has come: it is waited for. */
  #leaving(session: PeerSession): void {
    const { peer, hasGivenWay } = session;
    this.#forget(session);
    if (!hasGivenWay || this.#isClosed || this.#live.has(peer) || this.#expected.has(peer)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#o.clock.setTimeout(resolve, PROBE_MS);
    this.#expected.set(peer, { promise, resolve });
    void promise.then(() => {
      timer.cancel();
      this.#expected.delete(peer);
    });
  }

  #prefer(session: PeerSession): void {
    this.#live.set(session.peer, session);
    this.#expected.get(session.peer)?.resolve();
  }

  #forget(session: PeerSession): void {
    if (this.#live.get(session.peer) === session) this.#live.delete(session.peer);
  }

  #community(): CommunityId {
    return this.#o.communityId() ?? this.#o.signer.nodeId;
  }

  #chance(): number {
    return Buffer.from(this.#o.random(4)).readUInt32BE(0) / 2 ** 32;
  }
}

function pairOf({ established }: PeerSession): Pair {
  const { role, self, peer, peerBoot, sid, replaces } = established;
  return { initiator: role === "initiator" ? self : peer, peerBoot, sid, replaces };
}

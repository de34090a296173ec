import { HnError } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { Clock, Frame, JsonObject, Log, NodeId, Reply, SessionFacts, Timer, WireError } from "../../contract/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { readWireError } from "../outbound/failure.ts";
import { RAW_BYTES } from "./attached.ts";
import { costOf, ReceiveCredit, type Grant } from "./credit.ts";
import { badFrame, CLOSE, SessionFault, type CloseCode } from "./fault.ts";
import type { Established } from "./handshake.ts";
import { Liveness } from "./liveness.ts";
import { OwnCalls, Unheard, type SessionCall } from "./own-calls.ts";
import { Receiver, type Heard } from "./receiver.ts";
import { isControl, jsonOf, TYPE, type PeerRecord } from "./record.ts";
import { Sender, type Sent, type SessionSocket } from "./sender.ts";
import type { HeardSeal } from "./seal.ts";
import { ServedCalls, type CallHost } from "./served-calls.ts";

const IDLE_MS = 60_000;
const DRAIN_MS = 30_000;
/** What a closed connection has to carry its last words. @source network.md §1.8 */
const FAREWELL_MS = 500;
/** A session is replaced after half a day, give or take a tenth. @source network.md §1.3 */
const LIFE_MS = 43_200_000;

/** Codes that say what the peer thinks of this node, rather than of the connection. */
const STANDING: ReadonlySet<string> = new Set(["revoked", "unauthorized", "not_federated"]);

/** Said by whoever keeps another session with the same neighbour. */
export const DUPLICATE = "duplicate";

/** Why a session is over. */
export interface SessionEnd {
  /** Of the WebSocket; 1006 when it broke off. */
  code: number;
  error: HnError;
  /** Whether we ended it, or the peer said why over the session itself. Else somebody between us may have done it. */
  by: "us" | "peer" | "wire";
}

export interface PeerSessionOptions {
  established: Established;
  socket: SessionSocket;
  signer: Signer;
  clock: Clock;
  log: Log;
  budget: BodyBudget;
  host: () => CallHost;
  /** 0 to 1, for what should not happen everywhere at once. */
  chance: () => number;
  soon?: (flush: () => void) => void;
  /** No new calls on it any more, while those under way may end. */
  onDraining: (session: PeerSession) => void;
  onEnd: (session: PeerSession, end: SessionEnd) => void;
  /** It is time for another one in its place. */
  onWorn: (session: PeerSession) => void;
  onSealed?: (sealed: HeardSeal) => void;
}

/** An authenticated connection between two nodes on which both may call. @source network.md §1 */
export class PeerSession {
  readonly established: Established;
  readonly #o: PeerSessionOptions;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #received: ReceiveCredit;
  readonly #own: OwnCalls;
  readonly #served: ServedCalls;
  readonly #liveness: Liveness;
  readonly #worn: Timer;
  #idleTimer: Timer | undefined;
  #idleSince: number;
  #isDraining = false;
  #drains = false;
  #isEnding = false;
  #isOver = false;
  readonly #withheld: Grant[] = [];
  /** What the peer said when it closed. */
  #farewell: HnError | undefined;
  #drained: CloseCode = CLOSE.done;
  #awaited: ((answered: boolean) => void) | undefined;
  /** Home anchors, relays and federation bridges are not closed for being idle. */
  isPinned = false;
  /** The peer keeps another one. */
  hasGivenWay = false;

  constructor(o: PeerSessionOptions) {
    const { established, clock, socket, budget } = o;
    const { limits, role } = established;
    this.#o = o;
    this.established = established;
    this.#sender = new Sender({
      established,
      socket,
      signer: o.signer,
      clock,
      soon: o.soon ?? setImmediate,
      onFlushed: () => this.#endWhenEmpty(),
    });
    this.#received = new ReceiveCredit({ session: limits.session_window, stream: limits.stream_window });
    const consumed = (id: number, cost: number): void => this.#give(this.#received.consumed(id, cost));
    const closed = (id: number): void => this.#callOver(id);
    const isRaw = established.features.includes(RAW_BYTES);
    const shared = { clock, sender: this.#sender, max: limits.calls, budget, isRaw, consumed, closed };
    this.#own = new OwnCalls({ ...shared, isInitiator: role === "initiator" });
    this.#served = new ServedCalls({ ...shared, host: o.host, peerIsInitiator: role === "responder" });
    this.#receiver = new Receiver({
      established,
      clock,
      onData: (heard) => this.#data(heard),
      onControl: (record) => this.#control(record),
      onSealed: (sealed) => this.#sealed(sealed),
      onUnsealed: () => this.fault(new SessionFault(CLOSE.seal)),
    });
    this.#liveness = new Liveness({
      clock,
      bytesRead: () => socket.bytesRead,
      isRelayed: established.via !== "",
      openCalls: () => this.openCalls,
      onPing: () => this.#sender.control(TYPE.ping, 0, Buffer.alloc(8)),
      onDead: () => this.#end({ code: CLOSE.goingAway, error: over("The peer was silent for too long."), by: "us" }),
      onStall: (lateMs) => this.#receiver.stalled(lateMs),
    });
    this.#idleSince = clock.monotonic();
    this.#worn = clock.setTimeout(() => o.onWorn(this), LIFE_MS * (0.9 + 0.2 * o.chance()));
    this.#restLater();
  }

  get peer(): NodeId {
    return this.established.peer;
  }

  /** Takes new calls. */
  get isLive(): boolean {
    return !this.#isDraining && !this.#isOver;
  }

  get isSuspect(): boolean {
    return this.#liveness.isSuspect;
  }

  get openCalls(): number {
    return this.#own.open + this.#served.open;
  }

  get sent(): Sent {
    return this.#sender.sent;
  }

  /** What the operator sees of it. */
  get facts(): SessionFacts {
    return {
      state: this.isSuspect ? "suspect" : "live",
      suite: this.established.suite,
      calls: this.#own.begun + this.#served.begun,
      seals: this.#sender.sent.seals,
    };
  }

  /** Bytes that wait on either side of it in this process. */
  get heldBytes(): number {
    return this.#sender.queuedBytes + this.#received.held;
  }

  /** @throws HnError as any call does; `partition` when the session ends first */
  call(call: SessionCall): Promise<Reply> {
    this.#checkLive();
    return this.#busy(() => this.#own.call(call));
  }

  /** @throws as `call` */
  stream(call: SessionCall): AsyncGenerator<Frame, JsonObject, void> {
    this.#checkLive();
    return this.#busy(() => this.#own.stream(call));
  }

  /** A binary message has arrived. */
  receive(frame: Buffer): void {
    if (this.#isOver) return;
    this.#liveness.heard();
    try {
      this.#receiver.frame(frame);
      this.#served.begin();
      this.#awaited?.(true);
    } catch (error) {
      this.fault(SessionFault.is(error) ? error : new SessionFault(CLOSE.internal, { cause: error }));
    }
  }

  /** Ends it for what the other side did. */
  fault(fault: SessionFault): void {
    this.#o.log.warn("a peer session is closed", { peer: this.peer, code: fault.closeCode, error: fault });
    this.#end({ code: fault.closeCode, error: over(fault.message, fault), by: "us" }, fault.toWire());
  }

  /** Ends it for what the other side is: its handlers have their abort before this returns, also with a full queue. @source network.md §1.8 */
  shut(o: { closeCode: CloseCode; told: HnError; ours: HnError }): void {
    this.#served.abortAll(o.told);
    this.#end({ code: o.closeCode, error: o.ours, by: "us" }, o.told.toWire());
  }

  /** Takes no new calls, lets those under way end, and closes. */
  drain(reason: string, code: CloseCode = CLOSE.done): void {
    if (this.#isDraining || this.#isOver) return;
    this.#beginDrain();
    this.#drained = code;
    this.#drains = true;
    this.#served.close();
    this.#sender.control(TYPE.goaway, 0, JSON.stringify({ reason, last_id: this.#served.lastId, after_ms: DRAIN_MS }));
    this.#o.clock.setTimeout(() => this.#endDrained(), DRAIN_MS);
    this.#endWhenEmpty();
  }

  /** Whether the other side says anything within `ms`. */
  async answers(ms: number): Promise<boolean> {
    if (this.#isOver) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#awaited = resolve;
    this.#sender.control(TYPE.ping, 0, Buffer.alloc(8));
    const timer = this.#o.clock.setTimeout(() => resolve(false), ms);
    const answer = await promise;
    timer.cancel();
    this.#awaited = undefined;
    return answer;
  }

  /** The WebSocket is closed. @param code  1006 when it broke off */
  closed(code: number): void {
    const told = this.#farewell;
    // Its word on this node counts, whatever became of the close code behind it.
    const means = told !== undefined && STANDING.has(told.code) ? CLOSE.standing : code;
    this.#finish({ code: means, error: told ?? over("The connection broke off."), by: told === undefined ? "wire" : "peer" });
  }

  #checkLive(): void {
    if (!this.isLive) throw new Unheard();
    if (this.#sender.isWorn) this.#o.onWorn(this);
  }

  #busy<T>(begin: () => T): T {
    const begun = begin();
    this.#liveness.busy();
    return begun;
  }

  #data(heard: Heard): void {
    const { record } = heard;
    if (this.#isOver) return;
    this.#received.received(record.id, costOf(record.body.byteLength));
    const isOurs = record.id % 2 === (this.established.role === "initiator" ? 1 : 0);
    if (isOurs) this.#own.hear(heard);
    else this.#served.hear(heard);
    this.#liveness.busy();
  }

  #control(record: PeerRecord): void {
    if (!isControl(record.type)) throw badFrame("data between control");
    const { id, body } = record;
    switch (record.type) {
      case TYPE.ping:
        return this.#sender.control(TYPE.pong, 0, body.subarray(0, 8));
      case TYPE.credit:
        if (body.byteLength !== 4) throw badFrame("credit of another size");
        return this.#sender.granted(id, body.readUInt32BE(0));
      case TYPE.cancel:
        return this.#cancelled(id);
      case TYPE.goaway:
        return this.#goaway(jsonOf(body));
      case TYPE.close:
        return this.#told(readWireError(jsonOf(body)));
      default:
        return;
    }
  }

  /** Why the peer closes; its close code follows, but nobody has to wait for that. */
  #told(error: HnError): void {
    this.#farewell = STANDING.has(error.code) ? error : over("The peer has closed the session.", error);
    this.#beginDrain();
    this.#own.failAll(this.#farewell);
  }

  #cancelled(id: number): void {
    if (id % 2 === (this.established.role === "initiator" ? 1 : 0)) this.#own.cancelled(id);
    else this.#served.cancel(id);
  }

  #goaway(value: JsonObject): void {
    const { last_id: lastId, reason } = value;
    if (typeof lastId !== "number") throw badFrame("a farewell without its last id");
    this.hasGivenWay = reason === DUPLICATE;
    this.#beginDrain();
    this.#own.refuseAbove(lastId, new Unheard());
  }

  #beginDrain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#o.onDraining(this);
  }

  /** Whoever has said GOAWAY closes. */
  #endWhenEmpty(): void {
    if (this.#drains && this.openCalls === 0 && this.#sender.unsaid === 0) this.#endDrained();
  }

  #endDrained(): void {
    this.#end({ code: this.#drained, error: over("The session was closed in good order."), by: "us" });
  }

  #sealed(sealed: HeardSeal): void {
    this.#o.onSealed?.(sealed);
    this.#give(this.#withheld.splice(0));
  }

  #give(grants: readonly Grant[]): void {
    // Who owes a seal may go on with what it has, and gets no more.
    if (this.#receiver.isLate) return void this.#withheld.push(...grants);
    for (const { id, bytes } of grants) {
      const body = Buffer.alloc(4);
      body.writeUInt32BE(bytes);
      this.#sender.control(TYPE.credit, id, body);
    }
  }

  #callOver(id: number): void {
    this.#give(this.#received.close(id));
    this.#idleSince = this.#o.clock.monotonic();
    this.#liveness.busy();
    this.#restLater();
    this.#endWhenEmpty();
  }

  /** One timer, looked after when it fires, because most calls are followed by another. */
  #restLater(): void {
    if (this.#idleTimer !== undefined || this.#isOver) return;
    const left = this.#idleSince + IDLE_MS - this.#o.clock.monotonic();
    this.#idleTimer = this.#o.clock.setTimeout(() => {
      this.#idleTimer = undefined;
      if (this.isPinned || this.openCalls > 0) return;
      if (this.#o.clock.monotonic() - this.#idleSince >= IDLE_MS) this.drain("idle");
      else this.#restLater();
    }, left);
  }

  #end(end: SessionEnd, farewell?: WireError): void {
    if (this.#isOver || this.#isEnding) return;
    this.#isEnding = true;
    const { socket, clock } = this.#o;
    if (farewell !== undefined) this.#sender.control(TYPE.close, 0, JSON.stringify(farewell));
    this.#sender.flush();
    this.#finish(end);
    if (end.code === CLOSE.standing) socket.pause();
    socket.close(end.code);
    clock.setTimeout(() => socket.destroy(), FAREWELL_MS);
  }

  #finish(end: SessionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isDraining = true;
    this.#awaited?.(false);
    for (const part of [this.#sender, this.#receiver, this.#liveness]) part.stop();
    this.#idleTimer?.cancel();
    this.#worn.cancel();
    this.#served.abortAll(end.error);
    this.#own.failAll(end.error);
    this.#o.onEnd(this, end);
  }
}

/** The session ended before the answer came. */
function over(why: string, cause?: HnError): HnError {
  return new HnError("partition", { reason: "session_over", cause: cause ?? new Error(why) });
}

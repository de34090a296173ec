import { ByNumber } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import {
  CONSTANTS,
  type CallBody,
  type Clock,
  type Frame,
  type InboundRequest,
  type JsonObject,
  type Principal,
  type Reply,
  type VerifiedToken,
  type WireError,
} from "../../contract/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { toWire } from "../http/wire.ts";
import { DROP } from "../inbound/gate.ts";
import type { Work } from "../inbound/token-watch.ts";
import { readAttached } from "./attached.ts";
import { badFrame, CLOSE, SessionFault } from "./fault.ts";
import { SLOW } from "./own-calls.ts";
import { checkPiece, Pieces, StreamSum } from "./pieces.ts";
import { exportProof } from "./proof.ts";
import type { Heard } from "./receiver.ts";
import { BODY_MAX_BYTES, FOLLOWS, jsonOf, TYPE, type PeerRecord } from "./record.ts";
import { piecesOf, prepare, sayInPieces } from "./say.ts";
import type { Sender } from "./sender.ts";
import { costOf } from "./credit.ts";
import { readCallFacts, ServedCall, type CallFacts } from "./served-call.ts";

const EVENT = /^[a-z][a-z0-9_.]{0,63}$/;
/** Answers that the peer does not read. */
const QUEUE_MAX_BYTES = 8_388_608;
const SLOW_READER_MS = CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS * 1000;

/** The node behind a session: who may call what here, and who does it. */
export interface CallHost {
  /** Class of a capability by its own description: `with` calls run only under a seal. @source network.md §1.6 */
  isWith(capability: string): boolean;
  streams(capability: string): boolean;
  /** Where a call may carry bytes as they are; elsewhere they are text, as on every other lane. */
  takesBytes(capability: string, pointer: string): boolean;
  maxBodyBytes(capability: string): number;
  /**
   * Steps 5 to 9 of the pipeline that serves HTTP.
   * @param facts.once  the request id may be used on no lane again
   * @throws HnError, or `DROP`
   * @source network.md §1.7
   */
  admit(facts: CallFacts & { once: boolean; body: JsonObject }): Admitted;
  /** Writes down what was admitted, before any of it begins. @throws capacity_exceeded · partition */
  settle(): void;
  /** Ends the work when its token does. @returns says that it is done with */
  follow(token: VerifiedToken, work: Work): () => void;
  serve(request: InboundRequest): Promise<Reply>;
  serveStream(request: InboundRequest): AsyncGenerator<Frame, JsonObject, void>;
  /** @throws partition when this node stops */
  checkOpen(): void;
  /** Any failure as it travels; what has no code stays in the log. */
  wireError(thrown: unknown, requestId: string): WireError;
}

/** Who calls, and with what beside their own standing. */
export interface Admitted {
  caller: Principal;
  token?: VerifiedToken;
}

export interface ServedCallsOptions {
  clock: Clock;
  sender: Sender;
  host: () => CallHost;
  /** The peer has dialled: its ids are odd. */
  peerIsInitiator: boolean;
  /** Both sides take bytes as they are. */
  isRaw: boolean;
  max: number;
  budget: BodyBudget;
  consumed: (id: number, cost: number) => void;
  closed: (id: number) => void;
}

interface Collecting {
  call: ServedCall;
  facts: CallFacts;
  pieces: Pieces;
  sum: StreamSum;
}

/** The peer's calls on a session. */
export class ServedCalls {
  readonly #o: ServedCallsOptions;
  readonly #open = new ByNumber<ServedCall>();
  /** In the order in which they came; they begin when all that came with them is admitted. */
  #admitted: { call: ServedCall; request: InboundRequest }[] = [];
  /** Whose body is still on its way. */
  readonly #collecting = new ByNumber<Collecting>();
  /** Calls so far. */
  begun = 0;
  #lastId = 0;
  #closed = false;

  constructor(o: ServedCallsOptions) {
    this.#o = o;
  }

  get open(): number {
    return this.#open.size;
  }

  /** The newest call that was heard of. */
  get lastId(): number {
    return this.#lastId;
  }

  /** From now on every new call is refused. */
  close(): void {
    this.#closed = true;
  }

  /** @throws SessionFault 4400 for what belongs to no call */
  hear(heard: Heard): void {
    const { record } = heard;
    if (record.type === TYPE.call) return this.#call(heard);
    const collecting = this.#collecting.get(record.id);
    if (collecting === undefined) {
      // Its call was refused or cancelled while this was under way.
      if (record.id > this.#lastId || (record.type !== TYPE.bytes && record.type !== TYPE.end))
        throw badFrame("a word of no call");
      this.#o.consumed(record.id, costOf(record.body.byteLength));
      return this.#o.closed(record.id);
    }
    this.#o.consumed(record.id, costOf(record.body.byteLength));
    if (record.type === TYPE.bytes) this.#piece(collecting, record);
    else if (record.type === TYPE.end) this.#whole(collecting, heard);
    else throw badFrame("a stream within a call's body");
  }

  /** Begins what was heard in one frame: so the record of received calls is written once for all of them, and before any of them runs. */
  begin(): void {
    if (this.#admitted.length === 0) return;
    const admitted = this.#admitted;
    this.#admitted = [];
    let failure: unknown;
    try {
      this.#o.host().settle();
    } catch (error) {
      failure = error;
    }
    for (const { call, request } of admitted) {
      if (call.isOver) continue;
      if (failure !== undefined) this.#refuse(call, failure, request.requestId);
      else this.#run(call, request);
    }
  }

  cancel(id: number): void {
    const call = this.#open.get(id);
    this.#o.sender.forget(id);
    if (call === undefined) return;
    call.abort(new HnError("timeout", { message: "The call was cancelled by its caller." }));
    this.#finish(call);
  }

  /** Every handler hears of it before this returns. */
  abortAll(error: HnError): void {
    for (const call of this.#open.values()) {
      call.abort(error);
      this.#finish(call);
    }
  }

  #call(heard: Heard): void {
    const { record, leaf, sealed } = heard;
    const parity = this.#o.peerIsInitiator ? 1 : 0;
    if (record.id <= this.#lastId || record.id % 2 !== parity || leaf === undefined)
      throw badFrame("a call under a used or foreign id");
    this.begun += 1;
    this.#lastId = record.id;
    const call = new ServedCall(record.id, leaf);
    this.#o.consumed(record.id, costOf(record.body.byteLength));
    const follows = (record.flags & FOLLOWS) !== 0;
    const value = jsonOf(record.body);
    let facts: CallFacts | undefined;
    try {
      facts = readCallFacts(value);
      if (this.#closed) throw new HnError("partition", { reason: "closing", retryAfterMs: 5000 });
      this.#o.host().checkOpen();
      this.#checkRoom();
    } catch (error) {
      call.sealed = sealed || follows;
      return this.#refuse(call, error, facts?.requestId ?? "");
    }
    this.#open.set(call.id, call);
    if (!follows) return this.#dispatch(call, facts, heard);
    // Its seal comes with its end; a refusal before that is believed under one in any case.
    call.sealed = true;
    const pieces = new Pieces({
      maxBytes: this.#o.host().maxBodyBytes(facts.capability),
      budget: this.#o.budget,
      attached: readAttached(value["att"], this.#o.isRaw),
    });
    this.#collecting.set(call.id, { call, facts, pieces, sum: new StreamSum() });
  }

  /** What was answered and could not be sent yet still takes its place. */
  #checkRoom(): void {
    const { sender, max } = this.#o;
    if (this.#open.size + sender.unsaid >= max || sender.queuedBytes > QUEUE_MAX_BYTES)
      throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
  }

  #piece({ call, facts, pieces, sum }: Collecting, record: PeerRecord): void {
    checkPiece(record);
    sum.add([record.raw], record.body.byteLength);
    try {
      pieces.add(record);
    } catch (error) {
      this.#refuse(call, error, facts.requestId);
    }
  }

  #whole({ call, facts, pieces, sum }: Collecting, { record, sealed }: Heard): void {
    this.#collecting.delete(call.id);
    const body = sum.matches(jsonOf(record.body)) ? pieces.value() : undefined;
    pieces.release();
    if (body === undefined) throw badFrame("a body that is not what its end says");
    const { capability } = facts;
    const isDeclared = pieces.places.every((pointer) => this.#o.host().takesBytes(capability, pointer));
    // What proves it would have to hold all its pieces.
    this.#dispatch(call, { ...facts, body: isDeclared ? body : toWire(body) }, { sealed });
  }

  #dispatch(call: ServedCall, facts: CallFacts, heard: Partial<Heard>): void {
    const { sealed = false } = heard;
    const host = this.#o.host();
    const isWith = host.isWith(facts.capability);
    // Whoever sealed its question wants the answer sealed, whatever the description here says.
    call.sealed = isWith || sealed;
    let admitted: Admitted;
    try {
      const { body } = facts;
      if (typeof body !== "object" || body === null || Array.isArray(body))
        throw new HnError("bad_request", { reason: "call_malformed" });
      if (isWith && !sealed) throw new HnError("invalid_signature", { reason: "seal_missing" });
      admitted = host.admit({ ...facts, body, once: isWith });
    } catch (error) {
      if (error === DROP) throw new SessionFault(CLOSE.rate);
      return this.#refuse(call, error, facts.requestId);
    }
    const { caller, token } = admitted;
    const [major, minor] = facts.version.split(".").map(Number);
    const request: InboundRequest = {
      capability: facts.capability,
      version: [major ?? 0, minor ?? 0],
      // Its form is the bus's business; it is the value under the seal.
      body: facts.body as unknown as CallBody,
      caller,
      requestId: facts.requestId,
      traceId: facts.traceId,
      ...(facts.timeoutMs === undefined ? {} : { timeoutMs: facts.timeoutMs }),
      stream: facts.wantsStream && host.streams(facts.capability) && !refusesStream(facts.body),
      signal: call.signal,
      ...(token === undefined ? {} : { token }),
      ...proofIn(facts, heard),
    };
    this.#admitted.push({ call, request });
  }

  #run(call: ServedCall, request: InboundRequest): void {
    const work = request.stream ? this.#stream(call, request) : this.#answer(call, request);
    if (request.token !== undefined) void work.finally(this.#o.host().follow(request.token, call));
  }

  async #answer(call: ServedCall, request: InboundRequest): Promise<void> {
    try {
      const { output, meta } = await this.#o.host().serve(request);
      this.#reply(call, { output, meta });
    } catch (error) {
      this.#refuse(call, call.refusal ?? error, request.requestId);
    }
  }

  #reply(call: ServedCall, value: JsonObject): void {
    if (call.isOver) return;
    const { sender, isRaw } = this.#o;
    const { id, sealed } = call;
    const { json: bare, att, bytes } = prepare(value, isRaw);
    const json = JSON.stringify(sealed ? { ...bare, ...call.re } : bare);
    if (att === undefined && Buffer.byteLength(json) <= BODY_MAX_BYTES)
      sender.data({ type: TYPE.result, id, body: json, sealed, first: true, last: true });
    else {
      const body = JSON.stringify({ att });
      sender.data({ type: TYPE.result, id, flags: FOLLOWS, body, sealed: false, first: true, last: false });
      sayInPieces(sender, { id, json, bytes, sealed, end: call.re });
    }
    this.#finish(call);
  }

  async #stream(call: ServedCall, request: InboundRequest): Promise<void> {
    const sum = new StreamSum();
    const frames = this.#o.host().serveStream(request);
    try {
      let step = await frames.next();
      while (step.done !== true) {
        this.#event(call, step.value, sum);
        await this.#room(call);
        step = await frames.next();
      }
      this.#end(call, { event: "done", data: toWire(step.value) }, sum);
    } catch (thrown) {
      const error = call.refusal ?? thrown;
      // The provider's place is free before the reader hears why.
      await frames.return({}).catch(() => undefined);
      if (error === UNREAD) return this.#giveUp(call);
      if (!call.hasBegun) return this.#refuse(call, error, request.requestId);
      const data = toWire({ ...this.#o.host().wireError(error, request.requestId) });
      this.#end(call, { event: "error", data }, sum);
    }
  }

  /** What waits for a reader that takes nothing would wait for ever; that it was given up needs no credit to be said. */
  #giveUp(call: ServedCall): void {
    if (call.isOver) return;
    const reason = Buffer.alloc(2);
    reason.writeUInt16BE(SLOW);
    this.#o.sender.forget(call.id);
    this.#o.sender.control(TYPE.cancel, call.id, reason);
    this.#finish(call);
  }

  #event(call: ServedCall, frame: Frame, sum: StreamSum): void {
    if (call.isOver) return;
    if (!EVENT.test(frame.event) || frame.event === "done" || frame.event === "error")
      throw new HnError("internal_error", {
        message: "The capability sent a frame under a name that is not allowed. Report it to whoever provides it.",
      });
    call.hasBegun = true;
    const { id } = call;
    const { event } = frame;
    const { json, att, bytes } = prepare(frame.data, this.#o.isRaw);
    const data = JSON.stringify(json);
    const say = (o: { type: typeof TYPE.event | typeof TYPE.bytes; flags: number; body: string | Uint8Array }): void => {
      const item = this.#o.sender.data({ ...o, id, sealed: false, first: false, last: false });
      sum.add(item.record, Buffer.byteLength(o.body));
      // Records of one stream leave in their order.
      if (o.flags === FOLLOWS && o.type === TYPE.bytes && bytes.length === 1) item.spent = bytes;
    };
    const size = bytes.reduce((sum, { byteLength }) => sum + byteLength, Buffer.byteLength(data));
    if (size > CONSTANTS.FRAME_MAX_BYTES) throw tooLarge();
    if (att === undefined && size <= BODY_MAX_BYTES - 256)
      return say({ type: TYPE.event, flags: 0, body: `{"event":${JSON.stringify(event)},"data":${data}}` });
    say({ type: TYPE.event, flags: FOLLOWS, body: JSON.stringify({ event, att }) });
    const pieces = [...piecesOf(data, bytes)];
    for (const [place, body] of pieces.entries())
      say({ type: TYPE.bytes, flags: place === pieces.length - 1 ? FOLLOWS : 0, body });
  }

  /** Until the reader has taken enough of it. @throws `UNREAD` when it took nothing for 30 s */
  async #room(call: ServedCall): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = this.#o.clock.setTimeout(() => late.reject(UNREAD), SLOW_READER_MS);
    try {
      await Promise.race([this.#o.sender.room(call.id), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  #end(call: ServedCall, terminal: { event: string; data: JsonObject }, sum: StreamSum): void {
    if (call.isOver) return;
    const { sender } = this.#o;
    let body = JSON.stringify({ ...sum.end(), terminal, ...call.re });
    if (Buffer.byteLength(body) > sender.recordMaxBytes) {
      const data = toWire({ ...tooLarge().toWire() });
      body = JSON.stringify({ ...sum.end(), terminal: { event: "error", data }, ...call.re });
    }
    sender.data({ type: TYPE.end, id: call.id, body, sealed: call.sealed, first: false, last: true });
    this.#finish(call);
  }

  #refuse(call: ServedCall, error: unknown, requestId: string): void {
    if (call.isOver) return;
    const body = JSON.stringify({ ...this.#o.host().wireError(error, requestId), ...call.re });
    this.#o.sender.data({ type: TYPE.error, id: call.id, body, sealed: call.sealed, first: !call.hasBegun, last: true });
    this.#finish(call);
  }

  #finish(call: ServedCall): void {
    call.isOver = true;
    this.#collecting.get(call.id)?.pieces.release();
    this.#collecting.delete(call.id);
    this.#open.delete(call.id);
    this.#o.closed(call.id);
  }
}

/** The reader of a stream took nothing for too long. */
const UNREAD = new HnError("timeout", { message: "The answer was not read in time. Read faster, or ask for less." });

/**
 * The record as it stands, for its frame does not stay. One that carries a token proves nothing to others: it would hand them the token.
 * @source network.md §1.6 "Export"
 */
function proofIn({ token }: CallFacts, { record, seal }: Partial<Heard>): Pick<InboundRequest, "proof"> {
  if (record === undefined || seal === undefined || token !== undefined) return {};
  const raw = Buffer.from(record.raw);
  return { proof: () => exportProof(seal, raw) };
}

function refusesStream(body: unknown): boolean {
  const input = (body as JsonObject | undefined)?.["input"];
  return typeof input === "object" && input !== null && !Array.isArray(input) && input["stream"] === false;
}

function tooLarge(): HnError {
  return new HnError("bad_request", {
    reason: "too_large",
    message: "A frame of this answer is larger than 1 MiB. Ask for smaller pieces.",
  });
}

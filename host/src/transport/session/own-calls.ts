import { ByNumber } from "../../format/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Clock, Frame, JsonObject, Reply } from "../../contract/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { Patience } from "../outbound/patience.ts";
import { REPLY_MAX_BYTES } from "../outbound/verify-reply.ts";
import { badFrame } from "./fault.ts";
import { CANCELLED, OwnCall } from "./own-call.ts";
import { prepare, sayInPieces } from "./say.ts";
import type { Heard } from "./receiver.ts";
import { BODY_MAX_BYTES, FOLLOWS, TYPE } from "./record.ts";
import type { Sender } from "./sender.ts";

/** Further reasons of CANCEL: time is up; the reader took nothing. */
const DEADLINE = 2;
export const SLOW = 3;
/** How long an answer to a cancelled call may still come. @source network.md §1.5 "Cancel" */
const LATE_MS = 60_000;
const LATE_MAX = 4096;

/** The other side has not begun with the call, and never will: it may be made anew without being done twice. */
export class Unheard extends HnError {
  constructor() {
    super("partition", { reason: "session_over" });
  }
}

/** One call as it is asked for. */
export interface SessionCall {
  capability: string;
  version: string;
  body: JsonObject;
  requestId: string;
  traceId: string;
  /** Milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal;
  token?: string;
  /** Told when the other side says anything to it, a refusal included. */
  onAnswer?: () => void;
  /** Class `with`. @source network.md §1.6 */
  sealed: boolean;
}

export interface OwnCallsOptions {
  clock: Clock;
  sender: Sender;
  isInitiator: boolean;
  /** Both sides take bytes as they are. */
  isRaw: boolean;
  /** Open at the same time. */
  max: number;
  budget: BodyBudget;
  consumed: (id: number, cost: number) => void;
  /** The call is over: what it held is free. */
  closed: (id: number) => void;
}

/** Our calls on a session. */
export class OwnCalls {
  readonly #o: OwnCallsOptions;
  readonly #open = new ByNumber<OwnCall>();
  /** Cancelled, and until when an answer may still arrive. */
  readonly #late: Map<number, number> = new Map();
  /** Who wants to know that an answer has begun. */
  readonly #answered = new ByNumber<() => void>();
  #nextId: number;
  /** Records that came for calls that were over. */
  late = 0;
  /** Calls so far. */
  begun = 0;

  constructor(o: OwnCallsOptions) {
    this.#o = o;
    this.#nextId = o.isInitiator ? 1 : 2;
  }

  get open(): number {
    return this.#open.size;
  }

  /** @throws HnError as any call does; capacity_exceeded when too many are open */
  async call(call: SessionCall): Promise<Reply> {
    const { own, time } = this.#begin(call, false);
    try {
      const step = await own.next();
      if ("reply" in step) return step.reply;
      throw badFrame("a stream where an answer was asked for");
    } finally {
      this.#leave(own, time);
    }
  }

  /** @throws as `call` */
  async *stream(call: SessionCall): AsyncGenerator<Frame, JsonObject, void> {
    const { own, time } = this.#begin(call, true);
    try {
      for (;;) {
        const step = await own.next();
        if ("reply" in step) return step.reply.output;
        // From the first frame on the session's own signs of life say whether the provider is there.
        time.pause();
        if (step.cost > 0 && !own.isOver) this.#o.consumed(own.id, step.cost);
        yield step.frame;
      }
    } finally {
      this.#leave(own, time);
    }
  }

  /** @throws SessionFault 4400 */
  hear(heard: Heard): void {
    const { id } = heard.record;
    const own = this.#open.get(id);
    if (own !== undefined) {
      this.#answered.get(id)?.();
      return own.hear(heard);
    }
    if ((this.#late.get(id) ?? 0) < this.#o.clock.monotonic()) throw badFrame("an answer to nothing");
    this.late += 1;
  }

  /** The other side will not do those above. */
  refuseAbove(lastId: number, error: HnError): void {
    for (const own of this.#open.values()) if (own.id > lastId) own.fail(error);
  }

  failAll(error: HnError): void {
    for (const own of this.#open.values()) own.fail(error);
  }

  #begin(call: SessionCall, st: boolean): { own: OwnCall; time: Patience } {
    if (this.#open.size >= this.#o.max) throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
    this.begun += 1;
    const id = this.#nextId;
    this.#nextId += 2;
    const own = new OwnCall({
      id,
      sealed: call.sealed,
      budget: this.#o.budget,
      isRaw: this.#o.isRaw,
      replyMaxBytes: REPLY_MAX_BYTES,
      consumed: this.#o.consumed,
      over: () => this.#over(own),
    });
    const time = new Patience(this.#o.clock, call);
    this.#open.set(id, own);
    if (call.onAnswer !== undefined) this.#answered.set(id, call.onAnswer);
    this.#say(own, call, st);
    time.interruptWith((error) => {
      own.reason = time.isCancelled ? CANCELLED : DEADLINE;
      own.fail(error);
    });
    return { own, time };
  }

  #say(own: OwnCall, call: SessionCall, st: boolean): void {
    const { sender, isRaw } = this.#o;
    const { capability: cap, version: ver, requestId: rid, sealed, token, traceId } = call;
    const { json: body, att, bytes } = prepare(call.body, isRaw);
    const head = {
      cap,
      ver,
      rid,
      dl: Math.max(1, Math.floor(call.timeoutMs)),
      ...(token === undefined ? {} : { tok: token }),
      ...(traceId === rid ? {} : { tr: traceId }),
      ...(st ? { st } : {}),
    };
    const { id } = own;
    const whole = att === undefined ? JSON.stringify({ ...head, body }) : undefined;
    if (whole !== undefined && Buffer.byteLength(whole) <= BODY_MAX_BYTES) {
      own.said = sender.data({ type: TYPE.call, id, body: whole, sealed, first: true, last: true });
      return;
    }
    const said = JSON.stringify({ ...head, att });
    own.said = sender.data({ type: TYPE.call, id, flags: FOLLOWS, body: said, sealed: false, first: true, last: false });
    sayInPieces(sender, { id, json: JSON.stringify(body), bytes, sealed, end: {} });
  }

  /** Whatever the other side still has to say, nobody wants to hear. */
  #over(own: OwnCall): void {
    const { sender, clock, closed } = this.#o;
    this.#open.delete(own.id);
    this.#answered.delete(own.id);
    closed(own.id);
    // What never left needs no taking back.
    if (own.heardLast || sender.forget(own.id)) return;
    const reason = Buffer.alloc(2);
    reason.writeUInt16BE(own.reason);
    sender.control(TYPE.cancel, own.id, reason);
    this.#remember(own.id, clock.monotonic());
  }

  /** The other side has given it up. */
  cancelled(id: number): void {
    this.#open
      .get(id)
      ?.fail(new HnError("timeout", { message: "The answer was not read in time. Read faster, or ask for less." }));
  }

  /** Bounded by the number of calls that can be open and by time; the oldest goes first. */
  #remember(id: number, now: number): void {
    for (const [other, until] of this.#late) {
      if (until > now && this.#late.size < LATE_MAX) break;
      this.#late.delete(other);
    }
    this.#late.set(id, now + LATE_MS);
  }

  #leave(own: OwnCall, time: Patience): void {
    time.stop();
    // Most calls are over by then, and an error is dear.
    if (!own.isOver) own.fail(new HnError("timeout", { message: "The call was cancelled by its caller." }));
  }
}

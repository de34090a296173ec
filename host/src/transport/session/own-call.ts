import { encodeBase64url, HnError } from "../../foundation/index.ts";
import type { Frame, JsonObject, Reply } from "../../contract/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { readReply } from "../outbound/read-reply.ts";
import { readWireError } from "../outbound/failure.ts";
import { readAttached } from "./attached.ts";
import { costOf } from "./credit.ts";
import { badFrame } from "./fault.ts";
import { checkPiece, Pieces, StreamSum } from "./pieces.ts";
import type { Heard } from "./receiver.ts";
import { FOLLOWS, jsonOf, TYPE, type PeerRecord } from "./record.ts";
import type { Outgoing } from "./schedule.ts";

/** Reason of CANCEL: the caller went away. */
export const CANCELLED = 1;

/** What ends a call, or the next frame of its stream. */
export type Step = { frame: Frame; cost: number } | { reply: Reply };

export interface OwnCallOptions {
  id: number;
  /** Class `with`: only what is sealed is believed. */
  sealed: boolean;
  budget: BodyBudget;
  /** Bytes may come as they are. */
  isRaw: boolean;
  replyMaxBytes: number;
  /** A record was taken by whoever it is for. */
  consumed: (id: number, cost: number) => void;
  /** The call is over, in whatever way. */
  over: (call: OwnCall) => void;
}

/** One call of ours on a session, from its first word to the last of the answer. */
export class OwnCall {
  readonly id: number;
  /** As it was written; its leaf is what the answer has to name. */
  said: Outgoing | undefined;
  /** Told to the other side when nobody wants the answer any more. */
  reason: number = CANCELLED;
  readonly #o: OwnCallOptions;
  readonly #sum: StreamSum = new StreamSum();
  readonly #steps: Step[] = [];
  #failure: HnError | undefined;
  #isOver = false;
  #heardLast = false;
  #wake: (() => void) | undefined;
  #body: { kind: "reply" | "frame"; event: string; pieces: Pieces } | undefined;
  /** Cost of what came of a frame while there was still an earlier one to be read. */
  #held = 0;

  constructor(o: OwnCallOptions) {
    this.id = o.id;
    this.#o = o;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The other side has nothing more to say in it. */
  get heardLast(): boolean {
    return this.#heardLast;
  }

  /** @throws what the call failed with */
  async next(): Promise<Step> {
    for (;;) {
      const step = this.#steps.shift();
      if (step !== undefined) {
        // Who has read everything waits for the rest of what is under way.
        if (this.#steps.length === 0) this.#give();
        return step;
      }
      if (this.#failure !== undefined) throw this.#failure;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  /** Ends it without an answer. */
  fail(error: HnError): void {
    if (this.#isOver) return;
    this.#failure = error;
    this.#end();
  }

  /** @throws SessionFault 4400 for what no answer looks like */
  hear(heard: Heard): void {
    const { record } = heard;
    this.#heardLast =
      record.type === TYPE.error || record.type === TYPE.end || (record.type === TYPE.result && record.flags === 0);
    switch (record.type) {
      case TYPE.result:
        return this.#result(heard);
      case TYPE.error:
        this.#taken(record);
        return this.#isBelievable(heard, jsonOf(record.body)) ? this.fail(readWireError(jsonOf(record.body))) : undefined;
      case TYPE.event:
        return this.#event(record);
      case TYPE.bytes:
        return this.#bytes(record);
      default:
        return this.#endOf(heard);
    }
  }

  #result(heard: Heard): void {
    const { record } = heard;
    this.#taken(record);
    if (this.#sum.frames > 0 || this.#body !== undefined) throw badFrame("an answer in one piece after a stream began");
    const value = jsonOf(record.body);
    if ((record.flags & FOLLOWS) !== 0) {
      this.#body = { kind: "reply", event: "", pieces: this.#pieces(value) };
      return;
    }
    if (this.#isBelievable(heard, value)) this.#answer(value);
  }

  #event(record: PeerRecord): void {
    this.#sum.add([record.raw], record.body.byteLength);
    const value = jsonOf(record.body);
    const event = value["event"];
    if (typeof event !== "string" || this.#body !== undefined) throw badFrame("an event without a name or within another");
    if ((record.flags & FOLLOWS) !== 0) {
      this.#later(record);
      this.#body = { kind: "frame", event, pieces: this.#pieces(value) };
      return;
    }
    const { data } = value;
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw badFrame("an event without data");
    this.#push({ frame: { event, data }, cost: costOf(record.body.byteLength) });
  }

  #bytes(record: PeerRecord): void {
    checkPiece(record);
    this.#sum.add([record.raw], record.body.byteLength);
    if (this.#body === undefined) throw badFrame("bytes of nothing");
    if (this.#body.kind === "frame") this.#later(record);
    else this.#taken(record);
    try {
      this.#body.pieces.add(record);
    } catch (error) {
      return this.fail(HnError.from(error));
    }
    if (this.#body.kind !== "frame" || (record.flags & FOLLOWS) === 0) return;
    const { event, pieces } = this.#body;
    this.#body = undefined;
    const data = pieces.value();
    pieces.release();
    this.#push({ frame: { event, data }, cost: this.#held });
    this.#held = 0;
  }

  #endOf(heard: Heard): void {
    this.#taken(heard.record);
    const value = jsonOf(heard.record.body);
    if (!this.#isBelievable(heard, value)) return;
    if (!this.#sum.matches(value)) return this.fail(unsigned());
    if (this.#body?.kind === "reply") return this.#answer(this.#body.pieces.value());
    const { terminal } = value;
    if (this.#body !== undefined || typeof terminal !== "object" || terminal === null || Array.isArray(terminal))
      throw badFrame("an end of nothing");
    const { event, data } = terminal;
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw badFrame("an end without its last frame");
    if (event === "error") return this.fail(readWireError(data));
    this.#push({ reply: { output: data, meta: {} } });
    this.#end();
  }

  #answer(value: JsonObject): void {
    try {
      this.#push({ reply: readReply(value) });
      this.#end();
    } catch (error) {
      this.fail(HnError.from(error));
    }
  }

  /** An answer of class `with` stands under a seal and names the call that it answers. @source network.md §1.6 */
  #isBelievable({ sealed }: Heard, value: JsonObject): boolean {
    const leaf = this.said?.leaf;
    if (!this.#o.sealed || (sealed && leaf !== undefined && value["re"] === encodeBase64url(leaf))) return true;
    this.fail(unsigned());
    return false;
  }

  #taken(record: PeerRecord): void {
    this.#o.consumed(this.id, costOf(record.body.byteLength));
  }

  /**
   * A part of a frame: taken at once where its reader waits for it, since a frame may be larger than the window; else when the reader has come as
   * far. So a slow reader holds up its own stream, and what waits for it stays below a window and a frame.
   */
  #later(record: PeerRecord): void {
    if (this.#steps.length === 0) this.#taken(record);
    else this.#held += costOf(record.body.byteLength);
  }

  #give(): void {
    const held = this.#held;
    this.#held = 0;
    if (held > 0 && !this.#isOver) this.#o.consumed(this.id, held);
  }

  #pieces(head: JsonObject): Pieces {
    const { replyMaxBytes: maxBytes, budget, isRaw } = this.#o;
    return new Pieces({ maxBytes, budget, attached: readAttached(head["att"], isRaw) });
  }

  #push(step: Step): void {
    this.#steps.push(step);
    this.#rouse();
  }

  #end(): void {
    this.#isOver = true;
    this.#body?.pieces.release();
    this.#o.over(this);
    this.#rouse();
  }

  #rouse(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

function unsigned(): HnError {
  return new HnError("invalid_signature", { reason: "response_unsigned" });
}

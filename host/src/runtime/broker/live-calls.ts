/** Calls from the bus that a plugin process works on. @source plugin-platform §5.2, §5.3 */
import type { Cancellation, Clock, DispatchedCall, Frame, JsonObject, Reply } from "../../contract/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { Deadlines, HnError, type Expiring } from "../../foundation/index.ts";
import { ByNumber, FrameOutlet, placeBytes, protocolError, SENT, takeBytes, type Attachments } from "../../format/index.ts";
import { fromPlugin, type ConfinedProcess, type Incoming } from "../process/index.ts";
import type { Authority, HandedCall, Question } from "./question.ts";

/** A call that an op may name as its parent: the op then runs under this caller and within this time. */
export interface LiveCall {
  readonly id: number;
  readonly call: DispatchedCall;
  /** Under whose rights ops that name it run. */
  readonly authority: Authority;
  readonly via: "" | "panel";
  /** Aborted when the call ends, however it ends. */
  readonly signal: AbortSignal;
}

export interface LiveCallsOptions {
  process: ConfinedProcess;
  clock: Clock;
  /** A cancelled call that the plugin did not end in time. */
  onStrike: (why: string) => void;
  /** A call's time is up; it is being cancelled. */
  onDeadline?: () => void;
  onEnd: (end: CallEnd) => void;
}

/** How one call went. */
export interface CallEnd {
  /** `name@X.Y` as registered. */
  ref: string;
  ms: number;
  /** How long it lasted was its caller's choice. */
  lasting: boolean;
  /** Undefined: it went well. */
  error: unknown;
}

type Terminal = { ok: true; value: JsonObject } | { ok: false; error: unknown };
const WINDOW = CONSTANTS.STREAM_WINDOW_FRAMES;
const ACK = CONSTANTS.STREAM_ACK_INTERVAL_FRAMES;
const OPEN_MAX = 1024;
const REVOKED_DEADLINE_MS = 50;

class Entry implements LiveCall, Expiring {
  readonly id: number;
  readonly ref: string;
  deadline: number;
  place = -1;
  readonly call: HandedCall;
  readonly authority: Authority;
  readonly via: "" | "panel";
  readonly lasting: boolean;
  /** Where frames follow the call. */
  readonly outlet: FrameOutlet | undefined;
  readonly startedAt: number;
  /** Made when the first op asks for it: most calls have none, and an abort that nobody hears still costs. */
  #controller: AbortController | undefined;
  readonly frames: Frame[] = [];
  /** Frames the plugin may still send. */
  credit: number = WINDOW;
  consumed = 0;
  /** The plugin has the call, and what is sent under its id now only follows it. */
  sent = false;
  terminal: Terminal | undefined;
  /** Set by a cancel: its reason is the answer, whatever the plugin still says. */
  cancelled: { error: unknown } | undefined;
  /** What to do when the deadline has come. */
  readonly #onDeadline: (entry: Entry) => void;
  #wake: (() => void) | undefined;

  constructor(o: { id: number; question: Question; startedAt: number; onDeadline: (entry: Entry) => void }) {
    this.id = o.id;
    this.ref = o.question.ref;
    this.call = o.question.call;
    this.outlet = this.call.frames === undefined ? undefined : new FrameOutlet();
    this.authority = o.question.authority;
    this.via = o.question.via;
    this.lasting = o.question.lasting === true;
    this.deadline = o.question.call.deadline;
    this.startedAt = o.startedAt;
    this.#onDeadline = o.onDeadline;
  }

  expire(): void {
    this.#onDeadline(this);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.terminal !== undefined) this.#controller.abort(callEnded());
    return this.#controller.signal;
  }

  push(frame: Frame): void {
    this.frames.push(frame);
    this.#wake?.();
  }

  /** Whoever reads it looks again. */
  look(): void {
    this.#wake?.();
  }

  end(terminal: Terminal): void {
    this.terminal ??= terminal;
    this.#controller?.abort(callEnded());
    this.outlet?.close();
    this.#wake?.();
  }

  /** Calls `wake` at the next frame and at the end. */
  onChange(wake: () => void): void {
    this.#wake = wake;
  }

  /** Resolves when there is a frame or the end. */
  async change(): Promise<void> {
    if (this.frames.length > 0 || this.terminal !== undefined || (this.lasting && this.cancelled !== undefined)) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}

const callEnded = (): DOMException => new DOMException("The call has ended.", "AbortError");

export class LiveCalls {
  readonly #options: LiveCallsOptions;
  readonly #live = new ByNumber<Entry>();
  /** Given up; their terminal is still allowed to come, once. */
  readonly #detached = new Set<number>();
  readonly #deadlines: Deadlines;
  readonly #onDeadline = (entry: Entry): void => this.#overdue(entry);

  constructor(options: LiveCallsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
  }

  get size(): number {
    return this.#live.size;
  }

  /** The call under whose caller an op may run; `detached` when the host has given it up, undefined when it is none of this process. */
  find(id: number): LiveCall | "detached" | undefined {
    return this.#live.get(id) ?? (this.#detached.has(id) ? "detached" : undefined);
  }

  /**
   * Whatever has one answer.
   * @param now  monotonic milliseconds, where the clock was read just now
   * @throws what the plugin reports · timeout · plugin_gone · the cancellation's reason
   */
  ask(question: Question, cancellation: Cancellation, now?: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const entry = this.#open(question, cancellation, now);
      const settle = (): void => {
        const { terminal } = entry;
        if (terminal?.ok === true) resolve(terminal.value as unknown as Reply);
        else reject(terminal?.error);
      };
      if (entry.terminal === undefined) entry.onChange(settle);
      else settle();
    });
  }

  /** Frames in order, of whatever is answered with them; leaving the loop cancels the call. The return value is the `done` summary. */
  async *follow(question: Question, cancellation: Cancellation): AsyncGenerator<Frame, JsonObject, void> {
    const entry = this.#open(question, cancellation);
    try {
      for (;;) {
        await entry.change();
        // Its reader does not wait for the plugin to let go.
        if (entry.lasting && entry.cancelled !== undefined) throw entry.cancelled.error;
        const frame = entry.frames.shift();
        if (frame === undefined) return this.#result(entry);
        entry.consumed += 1;
        if (entry.consumed % ACK === 0 && entry.terminal === undefined) {
          entry.credit += ACK;
          this.#send({ t: "credit", id: entry.id, frames: ACK });
        }
        yield frame;
      }
    } finally {
      if (entry.terminal === undefined)
        this.#cancel(entry, "caller left", { error: new DOMException("The caller left.", "AbortError") });
    }
  }

  /** Takes a message that belongs to a call. @throws plugin_gone reason protocol_error */
  receive(message: Extract<Incoming, { t: "result" | "frame" | "done" | "error" }>, attachments: Attachments): void {
    const entry = this.#live.get(message.id);
    if (entry === undefined) {
      if (!this.#detached.has(message.id)) throw protocolError(`A ${message.t} came for a call that is not open.`);
      if (message.t !== "frame") this.#detached.delete(message.id);
      return;
    }
    const { stream } = entry.call;
    if ((message.t === "result") === stream && message.t !== "error") {
      throw protocolError(`A ${message.t} does not fit this kind of call.`);
    }
    if (message.t === "frame") return this.#frame(entry, message, attachments);
    if (message.t === "error") return this.#end(entry, { ok: false, error: fromPlugin(message) });
    const value: JsonObject = message.t === "done" ? message.data : { output: message.output, meta: message.meta };
    if (!isObject(value) || (message.t === "result" && !(isObject(message.output) && isObject(message.meta))))
      throw protocolError("An answer is not an object.");
    placeBytes(value, attachments);
    this.#end(entry, { ok: true, value });
  }

  /** Room for more frames of those that follow a call. @throws plugin_gone reason protocol_error */
  credit(id: number, frames: number): void {
    // Credit may cross with the end of the call.
    this.#live.get(id)?.outlet?.credit(frames);
  }

  /** The process is gone. */
  failAll(error: HnError): void {
    for (const entry of this.#live.values()) this.#end(entry, { ok: false, error });
    this.#detached.clear();
    this.#deadlines.close();
  }

  /**
   * Ends the calls to what the plugin may not offer any more: their callers get the refusal, the plugin less time than usual, so that a stream is
   * over 200 ms after the right was taken.
   * @source plugin-platform §3.4.3
   */
  cancelUnless(mayOffer: (ref: string) => HnError | undefined): void {
    for (const entry of this.#live.values()) {
      const error = mayOffer(entry.ref);
      if (error === undefined) continue;
      // What waits to be read was produced under a right that is gone.
      entry.frames.length = 0;
      this.#cancel(entry, "permission taken", { error, withinMs: REVOKED_DEADLINE_MS });
    }
  }

  /** Ends all calls as a shutdown does. */
  cancelAll(why: string): void {
    for (const entry of this.#live.values())
      this.#cancel(entry, why, { error: new HnError("plugin_gone", { message: "The plugin is being stopped." }) });
  }

  #open(question: Question, cancellation: Cancellation, now: number = this.#options.clock.monotonic()): Entry {
    const { call } = question;
    if (cancellation.aborted) throw cancellation.reason;
    if (this.#live.size >= OPEN_MAX) throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
    const { process } = this.#options;
    const deadlineMs = Math.max(0, Math.round(call.deadline - now));
    const entry = new Entry({ id: process.channel.nextId(), question, startedAt: now, onDeadline: this.#onDeadline });
    this.#live.set(entry.id, entry);
    cancellation.onAbort(() => this.#cancel(entry, "caller left", { error: cancellation.reason }));
    this.#deadlines.watch(entry);
    const { json, attachments } = takeBytes(call.body as unknown as JsonObject);
    let sent = process.channel.send(question.message({ id: entry.id, body: json, deadlineMs }), attachments);
    if (sent !== SENT)
      sent = sent.catch((error: unknown) =>
        this.#end(entry, { ok: false, error: HnError.isHnError(error) ? error : new HnError("plugin_gone", { cause: error }) }),
      );
    if (call.frames !== undefined) void this.#follow(entry, { sent, frames: call.frames });
    return entry;
  }

  /** Sends what follows a call; when it breaks off, so does the call. */
  async #follow(entry: Entry, { sent, frames }: { sent: Promise<void>; frames: AsyncIterable<Frame> }): Promise<void> {
    const { id } = entry;
    const { channel } = this.#options.process;
    try {
      await sent;
      entry.sent = true;
      await entry.outlet?.pump(frames, (frame) => {
        if (frame === null) return channel.send({ t: "frame.end", id });
        const { json, attachments } = takeBytes({ [frame.event]: frame.data });
        return channel.send({ t: "frame", id, event: frame.event, data: (json[frame.event] ?? {}) as JsonObject }, attachments);
      });
    } catch (error) {
      this.#cancel(entry, "what should follow the call has broken off", { error });
    }
  }

  #frame(entry: Entry, message: Extract<Incoming, { t: "frame" }>, attachments: Attachments): void {
    entry.credit -= 1;
    if (entry.credit < 0) throw protocolError("More frames came than credit was given.");
    if (typeof message.event !== "string" || typeof message.data !== "object" || message.data === null) {
      throw protocolError("A frame is malformed.");
    }
    placeBytes({ [message.event]: message.data }, attachments);
    if (entry.cancelled !== undefined) return;
    entry.push({ event: message.event, data: message.data });
  }

  /** @param o.withinMs  how long the plugin may take to end it */
  #cancel(
    entry: Entry,
    why: string,
    { error, withinMs = CONSTANTS.CANCEL_DEADLINE_MS }: { error: unknown; withinMs?: number },
  ): void {
    if (entry.cancelled !== undefined || entry.terminal !== undefined) return;
    entry.cancelled = { error };
    const { channel } = this.#options.process;
    // What was withdrawn before its last byte left is never seen by the plugin, so there is nothing to cancel.
    // Of frames that follow a call this says nothing: the call itself is there.
    if (channel.abort(entry.id) && !entry.sent) return this.#end(entry, { ok: false, error });
    this.#send({ t: "cancel", id: entry.id, why });
    if (entry.lasting) entry.look();
    this.#deadlines.forget(entry);
    entry.deadline = this.#options.clock.monotonic() + withinMs;
    this.#deadlines.watch(entry);
  }

  /** Out of time: first the plugin is asked to end the call, then it goes on without an answer. */
  #overdue(entry: Entry): void {
    const { cancelled } = entry;
    if (cancelled === undefined) {
      this.#cancel(entry, "deadline", { error: new HnError("timeout") });
      return this.#options.onDeadline?.();
    }
    this.#detached.add(entry.id);
    this.#end(entry, { ok: false, error: cancelled.error });
    this.#options.onStrike("It did not end a cancelled call within 200 ms.");
  }

  #end(entry: Entry, terminal: Terminal): void {
    if (!this.#live.delete(entry.id)) return;
    this.#deadlines.forget(entry);
    const end = entry.cancelled === undefined ? terminal : { ok: false as const, error: entry.cancelled.error };
    entry.end(end);
    const ms = this.#options.clock.monotonic() - entry.startedAt;
    this.#options.onEnd({ ref: entry.ref, ms, lasting: entry.lasting, error: end.ok ? undefined : end.error });
  }

  #result(entry: Entry): JsonObject {
    const { terminal } = entry;
    if (terminal?.ok === true) return terminal.value;
    throw terminal === undefined ? new HnError("plugin_gone") : terminal.error;
  }

  #send(message: Parameters<ConfinedProcess["channel"]["send"]>[0]): void {
    this.#options.process.channel.send(message).catch(() => {});
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

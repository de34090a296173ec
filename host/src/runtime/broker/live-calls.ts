/** Calls from the bus that a plugin process works on. @source plugin-platform §5.2, §5.3 */
import type { Clock, DispatchedCall, Frame, JsonObject, Reply, Timer } from "../../contract/index.ts";
import { CONSTANTS } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import { placeBytes, protocolError, takeBytes, type Attachments } from "../../format/index.ts";
import { fromPlugin, type ConfinedProcess, type Incoming } from "../process/index.ts";

/** A call that an op may name as its parent: the op then runs under this caller and within this time. */
export interface LiveCall {
  readonly id: number;
  readonly call: DispatchedCall;
  /** Aborted when the call ends, however it ends. */
  readonly signal: AbortSignal;
}

export interface LiveCallsOptions {
  process: ConfinedProcess;
  clock: Clock;
  /** A cancelled call that the plugin did not end in time. */
  onStrike: (why: string) => void;
  onEnd: (ms: number) => void;
}

type Terminal = { ok: true; value: JsonObject } | { ok: false; error: unknown };
const WINDOW = CONSTANTS.STREAM_WINDOW_FRAMES;
const ACK = CONSTANTS.STREAM_ACK_INTERVAL_FRAMES;
const OPEN_MAX = 1024;

class Entry implements LiveCall {
  readonly id: number;
  readonly call: DispatchedCall;
  readonly startedAt: number;
  /** Made when the first op asks for it: most calls have none, and an abort that nobody hears still costs. */
  #controller: AbortController | undefined;
  readonly frames: Frame[] = [];
  /** Frames the plugin may still send. */
  credit: number = WINDOW;
  consumed = 0;
  terminal: Terminal | undefined;
  /** Set by a cancel: its reason is the answer, whatever the plugin still says. */
  cancelled: { error: unknown } | undefined;
  timers: Timer[] = [];
  detach: () => void = () => {};
  #wake: (() => void) | undefined;

  constructor(id: number, call: DispatchedCall, startedAt: number) {
    this.id = id;
    this.call = call;
    this.startedAt = startedAt;
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

  end(terminal: Terminal): void {
    this.terminal ??= terminal;
    for (const timer of this.timers) timer.cancel();
    this.detach();
    this.#controller?.abort(callEnded());
    this.#wake?.();
  }

  /** Resolves when there is a frame or the end. */
  async change(): Promise<void> {
    if (this.frames.length > 0 || this.terminal !== undefined) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}

const callEnded = (): DOMException => new DOMException("The call has ended.", "AbortError");

export class LiveCalls {
  readonly #options: LiveCallsOptions;
  readonly #live = new Map<number, Entry>();
  /** Given up; their terminal is still allowed to come, once. */
  readonly #detached = new Set<number>();

  constructor(options: LiveCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  /** The call under whose caller an op may run; `detached` when the host has given it up, undefined when it is none of this process. */
  find(id: number): LiveCall | "detached" | undefined {
    return this.#live.get(id) ?? (this.#detached.has(id) ? "detached" : undefined);
  }

  /**
   * @param ref  `name@X.Y` as registered
   * @throws what the plugin reports · timeout · plugin_gone · the signal's reason
   */
  async invoke(ref: string, call: DispatchedCall, signal: AbortSignal): Promise<Reply> {
    const entry = this.#open(ref, call, signal);
    await entry.change();
    const value = this.#result(entry);
    return value as unknown as Reply;
  }

  /** Frames in order; leaving the loop cancels the call. The return value is the `done` summary. */
  async *stream(ref: string, call: DispatchedCall, signal: AbortSignal): AsyncGenerator<Frame, JsonObject, void> {
    const entry = this.#open(ref, call, signal);
    try {
      for (;;) {
        await entry.change();
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
      if (entry.terminal === undefined) this.#cancel(entry, "caller left", new DOMException("The caller left.", "AbortError"));
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
    for (const part of message.t === "done" ? [value] : [value["output"], value["meta"]]) {
      if (typeof part !== "object" || part === null || Array.isArray(part)) throw protocolError("An answer is not an object.");
    }
    placeBytes(value, attachments);
    this.#end(entry, { ok: true, value });
  }

  /** The process is gone. */
  failAll(error: HnError): void {
    for (const entry of this.#live.values()) this.#end(entry, { ok: false, error });
    this.#detached.clear();
  }

  /** Ends all calls as a shutdown does. */
  cancelAll(why: string): void {
    for (const entry of this.#live.values())
      this.#cancel(entry, why, new HnError("plugin_gone", { message: "The plugin is being stopped." }));
  }

  #open(ref: string, call: DispatchedCall, signal: AbortSignal): Entry {
    if (signal.aborted) throw signal.reason;
    if (this.#live.size >= OPEN_MAX) throw new HnError("capacity_exceeded", { reason: "slots_full", retryAfterMs: 1000 });
    const { clock, process } = this.#options;
    const now = clock.monotonic();
    const deadlineMs = Math.max(0, Math.round(call.deadline - now));
    const entry = new Entry(process.channel.nextId(), call, now);
    this.#live.set(entry.id, entry);
    const onAbort = (): void => this.#cancel(entry, "caller left", signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    entry.detach = () => signal.removeEventListener("abort", onAbort);
    entry.timers.push(clock.setTimeout(() => this.#cancel(entry, "deadline", new HnError("timeout")), deadlineMs));
    const { json, attachments } = takeBytes(call.body as unknown as JsonObject);
    process.channel
      .send(
        {
          t: "call",
          id: entry.id,
          cap: ref,
          body: json,
          caller: call.caller,
          trace: call.traceId,
          requestId: call.requestId,
          deadlineMs,
          stream: call.stream,
        },
        attachments,
      )
      .catch((error: unknown) =>
        this.#end(entry, { ok: false, error: HnError.isHnError(error) ? error : new HnError("plugin_gone", { cause: error }) }),
      );
    return entry;
  }

  #frame(entry: Entry, message: Extract<Incoming, { t: "frame" }>, attachments: Attachments): void {
    entry.credit -= 1;
    if (entry.credit < 0) throw protocolError("More frames came than credit was given.");
    if (typeof message.event !== "string" || typeof message.data !== "object" || message.data === null) {
      throw protocolError("A frame is malformed.");
    }
    placeBytes({ [message.event]: message.data }, attachments);
    entry.push({ event: message.event, data: message.data });
  }

  #cancel(entry: Entry, why: string, error: unknown): void {
    if (entry.cancelled !== undefined || entry.terminal !== undefined) return;
    entry.cancelled = { error };
    const { channel } = this.#options.process;
    // What was withdrawn before its last byte left is never seen by the plugin, so there is nothing to cancel.
    if (channel.abort(entry.id)) return this.#end(entry, { ok: false, error });
    this.#send({ t: "cancel", id: entry.id, why });
    entry.timers.push(
      this.#options.clock.setTimeout(() => {
        if (entry.terminal !== undefined) return;
        this.#detached.add(entry.id);
        this.#end(entry, { ok: false, error });
        this.#options.onStrike("It did not end a cancelled call within 200 ms.");
      }, CONSTANTS.CANCEL_DEADLINE_MS),
    );
  }

  #end(entry: Entry, terminal: Terminal): void {
    if (!this.#live.delete(entry.id)) return;
    entry.end(entry.cancelled === undefined ? terminal : { ok: false, error: entry.cancelled.error });
    this.#options.onEnd(this.#options.clock.monotonic() - entry.startedAt);
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

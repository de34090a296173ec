import { HnError, LateSignal, type Deadlines, type Expiring } from "../../foundation/index.ts";
import {
  CONSTANTS,
  type CallBody,
  type Clock,
  type DispatchedCall,
  type Handler,
  type JsonObject,
  type NodeId,
} from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { estimateBytes } from "../trace/size.ts";
import { framesIn } from "./client-frames.ts";
import type { Spans } from "../trace/span.ts";
import type { Recorder } from "./outcome.ts";
import type { LocalRequest } from "./request.ts";
import { releaseSlot, slotOwner, takeSlot, type Share } from "./slots.ts";

/** What a running call needs of the bus. */
export interface Engine {
  nodeId: NodeId;
  clock: Clock;
  deadlines: Deadlines;
  recorder: Recorder;
  spans: Spans;
  /** A handler did not yield within 200 ms of its cancellation and was left behind. @source 02 T-19 */
  onDetached: (provider: Provider) => void;
  /** A neighbour gave no answer several times in a row and is left alone for a while. */
  onSilent: (provider: Provider) => void;
}

export function cancelled(): HnError {
  return new HnError("timeout", {
    message: "The call was cancelled by its caller.",
    action: "Nothing; start it again if you still want it.",
  });
}

export function deadlinePassed(provider: Provider): HnError {
  return new HnError("timeout", {
    message: `${provider.descriptor.name} did not answer in time. Try again, with more time if the work is large.`,
  });
}

/**
 * A handler at work: holds its slot, its deadline and its abort signal, and lets go of each exactly once. A handler that goes on after its
 * cancellation loses its slot after 200 ms and its result is thrown away.
 * @source 03 §9, 02 §10
 */
export class Run implements Expiring {
  /** Until the answer or the first frame, then until the end. */
  deadline: number;
  place = -1;
  readonly provider: Provider;
  /** The outcome is known and recorded. */
  over = false;
  succeeded = false;
  readonly #engine: Engine;
  readonly #request: LocalRequest;
  readonly #share: Share;
  readonly #probe: boolean;
  readonly #span: number;
  readonly #cancellation = new LateSignal();
  #firstFrameAt: number | undefined;
  #stoppedBy: HnError | undefined;
  /** Tells whoever waits at this moment. */
  #interrupt: ((error: HnError) => void) | undefined;
  #slotHeld = true;

  /** @throws capacity_exceeded */
  constructor(engine: Engine, provider: Provider, request: LocalRequest) {
    this.#engine = engine;
    this.provider = provider;
    this.#request = request;
    if (request.signal?.aborted === true) throw cancelled();
    this.#share = takeSlot(provider, slotOwner(request.caller));
    this.#probe = provider.health.begin(request.startedAt);
    this.#span = engine.spans.next();
    if (request.stream) provider.load.streams += 1;
    const patience = request.timeoutMs === undefined ? provider.timeoutMs : Math.min(request.timeoutMs, provider.timeoutMs);
    this.deadline = request.startedAt + Math.max(0, patience);
    engine.deadlines.watch(this);
    request.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Starts the handler. */
  begin(body: CallBody): ReturnType<Handler> {
    const request = this.#request;
    const local = this.provider.local;
    if (!local) throw new HnError("internal_error");
    const call: DispatchedCall = {
      capability: request.capability,
      version: this.provider.descriptor.version,
      body,
      caller: request.caller,
      traceId: request.traceId,
      requestId: request.requestId,
      deadline: request.stream ? request.startedAt + this.provider.timeoutMs : this.deadline,
      stream: request.stream,
      hops: request.hops,
      span: this.#span,
      proof: request.proof,
    };
    const { frames } = request;
    const asked = frames === undefined ? call : { ...call, frames: framesIn(this.provider, frames) };
    return local.handler(asked, this.#cancellation);
  }

  /** Calls `reject` when the caller's patience ends before the handler does. */
  interruptWith(reject: (error: HnError) => void): void {
    if (this.#stoppedBy) reject(this.#stoppedBy);
    else this.#interrupt = reject;
  }

  /** The first frame is there, whoever waits for the whole: what counts as the provider's speed. @returns whether this is news */
  noteFrame(): boolean {
    if (this.#firstFrameAt !== undefined) return false;
    this.#firstFrameAt = this.#engine.clock.monotonic();
    return true;
  }

  /** As `noteFrame`, for a reader of frames: from now on only the total time counts. */
  frameSeen(): void {
    if (!this.noteFrame()) return;
    const total = this.#request.startedAt + this.provider.timeoutMs;
    if (total <= this.deadline || this.over) return;
    this.#engine.deadlines.forget(this);
    this.deadline = total;
    this.#engine.deadlines.watch(this);
  }

  expire(): void {
    this.stop(deadlinePassed(this.provider), false);
  }

  readonly #onAbort = (): void => this.stop(cancelled(), true);

  /** Ends the call for its caller and tells the handler to yield within 200 ms. */
  stop(error: HnError, byCaller: boolean): void {
    if (!this.over) this.#settle({ error, cancelled: byCaller, bytesOut: 0 });
    if (this.#stoppedBy) return;
    this.#stoppedBy = error;
    this.#cancellation.abort(error);
    this.#interrupt?.(error);
    if (!this.#slotHeld) return;
    this.#engine.clock.setTimeout(() => {
      if (!this.#slotHeld) return;
      this.yielded();
      this.#engine.onDetached(this.provider);
    }, CONSTANTS.CANCEL_DEADLINE_MS);
  }

  /**
   * @param o.said     of a model: how many tokens it took
   * @param o.endedAt  monotonic milliseconds, where the clock was read just now
   */
  succeed(o: { bytesOut: number; said: JsonObject; endedAt?: number }): void {
    if (this.over) return;
    this.succeeded = true;
    this.#settle(o);
  }

  fail(error: HnError): void {
    if (!this.over) this.#settle({ error, bytesOut: 0 });
  }

  /** The handler has come to its end, in time or not: its slot is free. */
  yielded(): void {
    if (!this.#slotHeld) return;
    this.#slotHeld = false;
    releaseSlot(this.provider, this.#share);
  }

  #settle(o: { error?: HnError; cancelled?: boolean; bytesOut: number; said?: JsonObject; endedAt?: number }): void {
    this.over = true;
    const request = this.#request;
    if (request.stream) this.provider.load.streams -= 1;
    this.#engine.deadlines.forget(this);
    request.signal?.removeEventListener("abort", this.#onAbort);
    this.#engine.recorder.record({
      provider: this.provider,
      from: request.caller.node_id,
      traceId: request.traceId,
      span: this.#span,
      parent: request.parent,
      startedAt: request.startedAt,
      endedAt: o.endedAt ?? this.#engine.clock.monotonic(),
      probe: this.#probe,
      bytesIn: estimateBytes(request.body),
      bytesOut: o.bytesOut,
      said: o.said,
      error: o.error,
      cancelled: o.cancelled === true,
      latencyMs: this.#firstFrameAt === undefined ? undefined : this.#firstFrameAt - request.startedAt,
    });
  }
}

import { HnError } from "../../foundation/index.ts";
import type { CallBody, Frame, JsonObject, OutboundCall, PeerLink, Principal, Reply } from "../../contract/index.ts";
import type { Provider } from "../registry/provider.ts";
import { formatVersion, type VersionPair } from "../route/version.ts";
import { estimateBytes } from "../trace/size.ts";
import { releaseSlot, slotOwner, takeSlot } from "./slots.ts";
import { cancelled, type Engine } from "./run.ts";

/** A call on its way to a neighbour. Times are monotonic milliseconds. */
export interface RemoteRequest {
  version: VersionPair;
  body: CallBody;
  caller: Principal;
  traceId: string;
  parent: number | string | undefined;
  startedAt: number;
  timeoutMs: number | undefined;
  signal: AbortSignal | undefined;
  token: string | undefined;
  frames: AsyncIterable<Frame> | undefined;
  framesOptional: boolean;
}

interface Attempt {
  call: OutboundCall;
  /** Records the outcome and gives the place back; only the first call counts. */
  end(o: { error?: HnError; left?: boolean; bytesOut?: number; said?: JsonObject; firstFrameMs?: number }): void;
}

/** @throws HnError; no answer is `partition`, none in time `timeout` */
export async function callRemote(
  engine: Engine,
  link: PeerLink,
  o: { provider: Provider; request: RemoteRequest },
): Promise<Reply> {
  const attempt = begin(engine, o.provider, { ...o.request, stream: false });
  try {
    const reply = await link.call(attempt.call);
    attempt.end({ bytesOut: estimateBytes(reply.output), said: reply.meta });
    return reply;
  } catch (cause) {
    const error = HnError.from(cause);
    attempt.end({ error });
    throw error;
  }
}

/** @throws HnError; a stream that ends without its terminal frame is `partition` */
export async function* streamRemote(
  engine: Engine,
  link: PeerLink,
  o: { provider: Provider; request: RemoteRequest },
): AsyncGenerator<Frame, JsonObject, void> {
  const away = new AbortController();
  const signal = o.request.signal ? AbortSignal.any([o.request.signal, away.signal]) : away.signal;
  const attempt = begin(engine, o.provider, { ...o.request, signal, stream: true });
  let bytes = 0;
  let firstFrameMs: number | undefined;
  try {
    const frames = link.stream(attempt.call);
    for (;;) {
      const step = await frames.next();
      firstFrameMs ??= engine.clock.monotonic() - o.request.startedAt;
      bytes += estimateBytes(step.done === true ? step.value : step.value.data);
      if (step.done === true) {
        attempt.end({ bytesOut: bytes, said: step.value, firstFrameMs });
        return step.value;
      }
      yield step.value;
    }
  } catch (cause) {
    const error = HnError.from(cause);
    attempt.end({ error });
    throw error;
  } finally {
    attempt.end({ left: true });
    away.abort(cancelled());
  }
}

function begin(engine: Engine, provider: Provider, request: RemoteRequest & { stream: boolean }): Attempt {
  if (request.signal?.aborted === true) throw cancelled();
  const share = takeSlot(provider, slotOwner(request.caller));
  const now = engine.clock.monotonic();
  const probe = provider.health.begin(now);
  const { breaker } = provider;
  const decides = breaker?.begin(now) === true;
  let answered = false;
  let waits = breaker !== undefined;
  const heard = (): void => {
    if (waits) breaker?.heard(engine.clock.monotonic());
    waits = false;
  };
  const span = engine.spans.next();
  if (request.stream) provider.load.streams += 1;
  const patience = request.timeoutMs === undefined ? provider.timeoutMs : Math.min(request.timeoutMs, provider.timeoutMs);
  let over = false;
  return {
    call: {
      to: provider.node_id,
      endpoints: provider.endpoints,
      capability: provider.descriptor.name,
      version: formatVersion(request.version),
      body: request.body,
      traceId: request.traceId,
      timeoutMs: Math.max(1, patience - (now - request.startedAt)),
      stream: request.stream,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      idempotent: provider.descriptor.idempotent,
      spanId: engine.spans.text(span),
      onAnswer: () => {
        answered = true;
        heard();
      },
      ...(request.token === undefined ? {} : { token: request.token }),
      ...(request.frames === undefined ? {} : { frames: request.frames }),
      ...(request.framesOptional ? { framesOptional: true as const } : {}),
    },
    end: (o) => {
      if (over) return;
      over = true;
      releaseSlot(provider, share);
      if (request.stream) provider.load.streams -= 1;
      const endedAt = engine.clock.monotonic();
      // Whatever the link says after the caller left, it says nothing about the provider.
      const left = o.left === true || (o.error !== undefined && request.signal?.aborted === true);
      if (breaker !== undefined) {
        if (answered || (!left && !isSilence(o.error))) heard();
        else if (waits) breaker.gaveUp();
        if (answered || (!left && !isSilence(o.error))) breaker.answered();
        else if (left) breaker.neutral(decides);
        else if (breaker.silent({ now: endedAt, probe: decides })) engine.onSilent(provider);
      }
      engine.recorder.record({
        provider,
        from: engine.nodeId,
        traceId: request.traceId,
        span,
        parent: request.parent,
        startedAt: now,
        endedAt,
        error: o.error,
        silenced: !answered && isSilence(o.error) && breaker?.isShut(endedAt) === true,
        cancelled: left,
        probe,
        latencyMs: o.firstFrameMs,
        bytesIn: estimateBytes(request.body),
        bytesOut: o.bytesOut ?? 0,
        said: o.said,
      });
    },
  };
}

/** No answer at all, as opposed to a bad one. */
function isSilence(error: HnError | undefined): boolean {
  return error?.code === "timeout" || error?.code === "partition";
}

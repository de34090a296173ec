import type { HnError } from "../../foundation/index.ts";
import type { Clock, JsonObject, Log, NodeId } from "../../contract/index.ts";
import { isProviderFault } from "../health/fault.ts";
import type { Provider } from "../registry/provider.ts";
import type { TraceRing } from "../trace/ring.ts";

/** How one attempt at one provider went. */
export interface Outcome {
  provider: Provider;
  /** Who asked, for the trace. */
  from: NodeId;
  traceId: string;
  span: number;
  parent: number | string | undefined;
  startedAt: number;
  /** `undefined`: it went well. */
  error: HnError | undefined;
  cancelled: boolean;
  probe: boolean;
  /** What counts as the provider's speed: time to the first frame for streams. @source 03 B-6 */
  latencyMs: number | undefined;
  bytesIn: number;
  bytesOut: number;
  /** What came with the answer, or ends the stream: of `llm.*` it says how many tokens went in and out. */
  said: JsonObject | undefined;
}

/** Writes outcomes into health and trace. Bodies never come here. */
export class Recorder {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #traces: TraceRing;
  readonly #onQuarantine: (provider: Provider) => void;

  constructor(o: { clock: Clock; log: Log; traces: TraceRing; onQuarantine: (provider: Provider) => void }) {
    this.#clock = o.clock;
    this.#log = o.log;
    this.#traces = o.traces;
    this.#onQuarantine = o.onQuarantine;
  }

  record(outcome: Outcome): void {
    const now = this.#clock.monotonic();
    const ms = now - outcome.startedAt;
    this.#judge(outcome, now, ms);
    this.#tell(outcome);
    const tokens = outcome.said !== undefined && outcome.provider.countsTokens ? outcome.said : undefined;
    this.#traces.add({
      endedAt: now,
      traceId: outcome.traceId,
      span: outcome.span,
      parent: outcome.parent,
      provider: outcome.provider,
      from: outcome.from,
      result: outcome.cancelled ? "cancelled" : outcome.error === undefined ? "ok" : outcome.error.code,
      ms,
      bytesIn: outcome.bytesIn,
      bytesOut: outcome.bytesOut,
      tokensIn: countOf(tokens?.["tokens_in"]),
      tokensOut: countOf(tokens?.["tokens_out"]),
    });
  }

  #judge(outcome: Outcome, now: number, ms: number): void {
    const { provider, error, probe } = outcome;
    const { health } = provider;
    if (outcome.cancelled || (error !== undefined && !isProviderFault(error))) {
      health.neutral(probe);
      return;
    }
    const ok = error === undefined;
    if (health.record({ ok, latencyMs: outcome.latencyMs ?? ms, now, probe })) {
      this.#onQuarantine(provider);
      this.#log.warn("capability rests for 60 s after failures", {
        capability: provider.descriptor.name,
        node: provider.node_id,
        code: error?.code,
        trace_id: outcome.traceId,
      });
    }
  }

  /** What nobody coded is a bug of the provider: its cause stays here, under the trace id. */
  #tell(outcome: Outcome): void {
    if (outcome.error?.code !== "internal_error" || outcome.error.cause === undefined || !outcome.provider.is_local) return;
    this.#log.error("a capability failed", {
      capability: outcome.provider.descriptor.name,
      trace_id: outcome.traceId,
      error: outcome.error,
    });
  }
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

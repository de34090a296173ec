import type { HnError } from "../../foundation/index.ts";
import type { JsonObject, Log, NodeId } from "../../contract/index.ts";
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
  endedAt: number;
  /** `undefined`: it went well. */
  error: HnError | undefined;
  /** The neighbour as a whole gives no answer: that is its breaker's matter and says nothing about this entry. */
  silenced?: boolean;
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
  readonly #log: Log;
  readonly #traces: TraceRing;
  readonly #onQuarantine: (provider: Provider) => void;

  constructor(o: { log: Log; traces: TraceRing; onQuarantine: (provider: Provider) => void }) {
    this.#log = o.log;
    this.#traces = o.traces;
    this.#onQuarantine = o.onQuarantine;
  }

  record(outcome: Outcome): void {
    const { endedAt, provider, error } = outcome;
    const ms = endedAt - outcome.startedAt;
    this.#judge(outcome, ms);
    if (error !== undefined) this.#tell(outcome);
    const said = provider.countsTokens ? outcome.said : undefined;
    const row = this.#traces.take();
    row.traceId = outcome.traceId;
    row.span = outcome.span;
    row.parent = outcome.parent;
    row.capability = provider.descriptor.name;
    row.version = provider.descriptor.version;
    row.from = outcome.from;
    row.to = provider.node_id;
    row.result = outcome.cancelled ? "cancelled" : error === undefined ? "ok" : error.code;
    row.endedAt = endedAt;
    row.ms = ms;
    row.bytesIn = outcome.bytesIn;
    row.bytesOut = outcome.bytesOut;
    row.tokensIn = said === undefined ? undefined : countOf(said["tokens_in"]);
    row.tokensOut = said === undefined ? undefined : countOf(said["tokens_out"]);
    this.#traces.tell(row);
  }

  #judge(outcome: Outcome, ms: number): void {
    const { provider, error, probe, endedAt: now } = outcome;
    const { health } = provider;
    if (outcome.cancelled || outcome.silenced === true || (error !== undefined && !isProviderFault(error))) {
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

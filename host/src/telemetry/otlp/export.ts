import { HnError } from "../../foundation/index.ts";
import type { Bus, Clock, EndedCall, Log, NodeId, Timer } from "../../contract/index.ts";
import { ShortIds } from "../labels.ts";
import { isNearby } from "./nearby.ts";
import { resourceOf, spanOf, type Span, type SpanOrigin } from "./span.ts";

const QUEUE_MAX = 2048;
const BATCH_MAX = 256;
const WAIT_MS = 5000;
const EXPORT_MS = 5000;
/** What `close` gives the last batch. */
const FAREWELL_MS = 1000;

export interface TraceExportOptions {
  /** Of the collector, as `http://127.0.0.1:4318`; spans go to `/v1/traces` below it. */
  endpoint: string;
  bus: Pick<Bus, "onEnded" | "spanId">;
  nodeId: NodeId;
  /** Of this life of the process. */
  instance: string;
  version: string;
  clock: Clock;
  log: Log;
}

export interface TraceExport {
  /** Spans that no collector took, since the start. */
  dropped(): number;
  /** Sends what waits, but does not wait for it longer than a second. */
  close(): Promise<void>;
}

/**
 * Hands every call that ends to a collector, as a span, in batches over OTLP/HTTP. No call ever waits for it: the queue is bounded, what does
 * not fit, and what the collector does not take within 5 s, is dropped and counted.
 * @throws bad_request when the endpoint is not nearby
 * @source 33 §5.5
 */
export async function openTraceExport(o: TraceExportOptions): Promise<TraceExport> {
  if (!isNearby(o.endpoint))
    throw new HnError("bad_request", {
      message: "Traces go to a collector on this machine or in this house only: an address such as http://127.0.0.1:4318.",
      action: "Correct telemetry.tracesTo, or delete it.",
    });
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const exporter = new OTLPTraceExporter({
    url: `${o.endpoint.replace(/\/+$/, "")}/v1/traces`,
    timeoutMillis: EXPORT_MS,
    concurrencyLimit: 1,
  });
  const origin: SpanOrigin = {
    nodeId: o.nodeId,
    shortIds: new ShortIds(),
    spanId: (span) => o.bus.spanId(span),
    resource: resourceOf({
      "service.name": "hearthnet",
      "service.version": o.version,
      // Of this life of the process: the collector need not learn the node's id to tell two of them apart.
      "service.instance.id": o.instance,
    }),
  };
  return new Exporter(o, origin, (spans, done) => exporter.export(spans, ({ code }) => done(code === 0)));
}

type Send = (spans: Span[], done: (taken: boolean) => void) => void;

class Exporter implements TraceExport {
  readonly #o: TraceExportOptions;
  readonly #origin: SpanOrigin;
  readonly #send: Send;
  readonly #unsubscribe: () => void;
  #queue: Span[] = [];
  #timer: Timer | null = null;
  #sending: Promise<void> | null = null;
  #dropped = 0;
  #failing = false;

  constructor(o: TraceExportOptions, origin: SpanOrigin, send: Send) {
    this.#o = o;
    this.#origin = origin;
    this.#send = send;
    this.#unsubscribe = o.bus.onEnded((call) => this.#take(call));
  }

  dropped(): number {
    return this.#dropped;
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#timer?.cancel();
    const farewell = Promise.withResolvers<void>();
    const timer = this.#o.clock.setTimeout(farewell.resolve, FAREWELL_MS);
    await Promise.race([this.#flush(), farewell.promise]);
    timer.cancel();
    this.#dropped += this.#queue.length;
    this.#queue = [];
  }

  #take(call: EndedCall): void {
    if (this.#queue.length >= QUEUE_MAX) {
      this.#dropped += 1;
      return;
    }
    const { clock } = this.#o;
    this.#queue.push(spanOf(call, { origin: this.#origin, endedAt: clock.now() - (clock.monotonic() - call.endedAt) }));
    if (this.#queue.length >= BATCH_MAX) void this.#flush();
    else this.#timer ??= clock.setTimeout(() => void this.#flush(), WAIT_MS);
  }

  /** One batch after the other until nothing waits; never two at a time. */
  #flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_MAX);
      const taken = await new Promise<boolean>((resolve) => this.#send(batch, resolve));
      if (!taken) this.#dropped += batch.length;
      if (taken === this.#failing)
        this.#o.log.warn(taken ? "the collector takes traces again" : "the collector takes no traces; they are dropped", {
          endpoint: this.#o.endpoint,
          dropped: this.#dropped,
        });
      this.#failing = !taken;
    }
  }
}

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { CONSTANTS, type CallTrace } from "../contract/index.ts";
import type { Counted, MetricsOptions } from "./metrics.ts";
import type { Tally } from "./tally.ts";

/** Milliseconds. @source 33 §2 */
const BUCKETS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/** The figures and how each is read; names and labels are fixed. @source 03 §10, 33 §2 */
export class MetricsPage {
  readonly #registry: Registry = new Registry();
  readonly #o: MetricsOptions;
  readonly #counted: Counted;

  constructor(o: MetricsOptions, counted: Counted) {
    this.#o = o;
    this.#counted = counted;
    this.#countCalls();
    this.#readBus();
    this.#readCommunity();
    this.#tally("rate_limited_total", {
      help: "Requests turned away because there were too many.",
      labelNames: ["capability", "reason"],
      from: counted.rateLimited,
    });
    this.#tally("signature_failures_total", {
      help: "Requests turned away because of their signature.",
      labelNames: ["reason"],
      from: counted.signatureFailures,
    });
    this.#tally("quarantines_total", {
      help: "Times that a provider was left alone for a minute because its calls failed.",
      labelNames: ["capability", "node"],
      from: counted.quarantines,
    });
    new Counter({
      ...this.#named("token_calls_total", "Calls that came with a token."),
      labelNames: ["issuer", "scope_match"],
      collect() {
        this.reset();
        for (const { issuer, scopeMatch, calls } of counted.tokenCalls())
          this.inc({ issuer, scope_match: String(scopeMatch) }, calls);
      },
    });
    new Counter({
      ...this.#named("spans_dropped_total", "Spans that no collector took."),
      collect() {
        this.reset();
        this.inc(counted.spansDropped());
      },
    });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #named(name: string, help: string): { name: string; help: string; registers: Registry[] } {
    return { name: `hearthnet_${name}`, help, registers: [this.#registry] };
  }

  /** From the calls that are still remembered on. */
  #countCalls(): void {
    const { bus } = this.#o;
    const { labels } = this.#counted;
    const requests = new Counter({ ...this.#named("requests_total", "Calls that ended."), labelNames: ["capability", "result"] });
    const durations = new Histogram({
      ...this.#named("request_duration_ms", "How long calls took."),
      labelNames: ["capability"],
      buckets: BUCKETS,
    });
    const count = (call: Pick<CallTrace, "capability" | "result" | "ms">): void => {
      const capability = labels.capability(call.capability);
      requests.inc({ capability, result: call.result });
      durations.observe({ capability }, call.ms);
    };
    for (const call of bus.recentCalls(CONSTANTS.TRACE_RING_BUFFER)) count(call);
    bus.onEnded(count);
  }

  #readBus(): void {
    const { bus } = this.#o;
    const { labels } = this.#counted;
    new Gauge({
      ...this.#named("active_streams", "Streams that run."),
      labelNames: ["capability"],
      collect() {
        this.reset();
        for (const { descriptor, streams, is_local } of bus.entries())
          if (is_local) this.inc({ capability: labels.capability(descriptor.name) }, streams);
      },
    });
    new Gauge({
      ...this.#named("capability_health_success_rate", "Share of the last 100 calls that went well, of the worst of its kind."),
      labelNames: ["capability", "node"],
      collect() {
        this.reset();
        const worst = new Map<string, { capability: string; node: string; rate: number }>();
        for (const { descriptor, node_id, success_rate: rate } of bus.entries()) {
          const [capability, node] = [labels.capability(descriptor.name), labels.node(node_id)];
          const key = `${capability} ${node}`;
          if (rate < (worst.get(key)?.rate ?? Infinity)) worst.set(key, { capability, node, rate });
        }
        for (const { rate, ...of } of worst.values()) this.set(of, rate);
      },
    });
    new Gauge({
      ...this.#named("emergency_mode", "1 beside what holds."),
      labelNames: ["state"],
      collect() {
        this.set({ state: "online" }, bus.hasInternet() ? 1 : 0);
        this.set({ state: "offline" }, bus.hasInternet() ? 0 : 1);
      },
    });
  }

  #readCommunity(): void {
    const { community, peers } = this.#o;
    const { labels } = this.#counted;
    const gauge = (name: string, o: { help: string; read: () => number }): void => {
      new Gauge({
        ...this.#named(name, o.help),
        labelNames: ["community"],
        collect() {
          this.reset();
          const id = community.communityId();
          if (id !== null) this.set({ community: labels.node(id) }, o.read());
        },
      });
    };
    gauge("event_log_size", { help: "Events in the log.", read: () => community.size() });
    gauge("event_log_lamport_head", { help: "Highest logical time in the log.", read: () => community.head() });
    gauge("nodes_online", {
      help: "Nodes heard of lately, this one among them.",
      read: () => 1 + peers.list().filter(({ online, level }) => online && level !== "unknown").length,
    });
  }

  #tally(name: string, o: { help: string; labelNames: [string] | [string, string]; from: Tally }): void {
    const [first, second] = o.labelNames;
    new Counter({
      ...this.#named(name, o.help),
      labelNames: o.labelNames,
      collect() {
        this.reset();
        for (const { labels, count } of o.from)
          this.inc(second === undefined ? { [first]: labels[0] } : { [first]: labels[0], [second]: labels[1] }, count);
      },
    });
  }
}

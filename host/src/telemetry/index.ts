/**
 * Room `telemetry`, floor 4: figures and traces for the operator's own collectors. Names, counts and times only; never what was said.
 *
 * @example
 * const metrics = new Metrics({ bus, community, peers });
 * await metrics.text(); // Prometheus text 0.0.4
 */
export { Metrics } from "./metrics.ts";
export { openTraceExport, type TraceExport } from "./otlp/export.ts";
export { isNearby } from "./otlp/nearby.ts";

import type { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { hexOfTrace } from "../../foundation/index.ts";
import type { EndedCall, NodeId } from "../../contract/index.ts";
import type { ShortIds } from "../labels.ts";

export type Span = Parameters<OTLPTraceExporter["export"]>[0][number];
type Resource = Span["resource"];

/** Of OpenTelemetry's fixed numbers. */
const KIND_SERVER = 1;
const KIND_CLIENT = 2;
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;
const SAMPLED = 1;

/** What all spans of this node have in common. */
export interface SpanOrigin {
  nodeId: NodeId;
  resource: Resource;
  shortIds: ShortIds;
  /** A span of this node as 16 hex digits. */
  spanId: (span: number) => string;
}

/** @param attributes  of the process, for the collector */
export function resourceOf(attributes: Record<string, string>): Resource {
  const resource: Resource = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}

/**
 * A call as OpenTelemetry sees it: names, sizes and times; what was said is not known here.
 * @param endedAt  Unix milliseconds
 * @source 33 §5.5
 */
export function spanOf(call: EndedCall, o: { origin: SpanOrigin; endedAt: number }): Span {
  const { nodeId, resource, shortIds, spanId } = o.origin;
  const traceId = hexOfTrace(call.traceId);
  const context = (id: string): { traceId: string; spanId: string; traceFlags: number } => ({
    traceId,
    spanId: id,
    traceFlags: SAMPLED,
  });
  const own = context(spanId(call.span));
  const isLocal = call.to === nodeId;
  const failed = call.result !== "ok" && call.result !== "cancelled";
  return {
    name: call.capability,
    kind: isLocal ? KIND_SERVER : KIND_CLIENT,
    spanContext: () => own,
    ...(call.parent === undefined
      ? {}
      : {
          parentSpanContext: {
            ...context(typeof call.parent === "number" ? spanId(call.parent) : call.parent),
            isRemote: typeof call.parent !== "number",
          },
        }),
    startTime: hrTime(o.endedAt - call.ms),
    endTime: hrTime(o.endedAt),
    duration: hrTime(call.ms),
    status: failed ? { code: STATUS_ERROR, message: call.result } : { code: STATUS_UNSET },
    attributes: {
      "hearthnet.trace_id": call.traceId,
      "hearthnet.version": call.version.join("."),
      "hearthnet.result": call.result,
      "hearthnet.from": shortIds.of(call.from),
      "hearthnet.to": shortIds.of(call.to),
      "hearthnet.bytes_in": call.bytesIn,
      "hearthnet.bytes_out": call.bytesOut,
      ...(call.tokensIn === undefined ? {} : { "hearthnet.tokens_in": call.tokensIn }),
      ...(call.tokensOut === undefined ? {} : { "hearthnet.tokens_out": call.tokensOut }),
    },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: "hearthnet.bus" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

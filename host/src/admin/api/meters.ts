import type { PluginResources, PluginStatus, TokenCalls } from "../../contract/index.ts";
import { ApiReply, type ApiRequest, type ApiRoute } from "../context.ts";
import { known } from "./plugins.ts";

/** Series of one scrape stay few, whatever is installed. */
const PLUGINS_MAX = 256;
const MEGABYTE = 1_048_576;

/** What plugins use, to look at and to collect. @source plugin-platform §7 */
export const meterRoutes: readonly ApiRoute[] = [
  {
    method: "GET",
    path: "/plugins/:ns/:name/meters",
    role: "viewer",
    handle: (request: ApiRequest, context) => ({ items: context.services.runtime.meters(known(request, context)) }),
  },
  {
    method: "GET",
    path: "/metrics",
    alias: "/metrics",
    role: "viewer",
    handle: (_request: ApiRequest, { services }) =>
      new ApiReply(metricsText(services.runtime.list(), services.tokens.calls()), {
        type: "text/plain; version=0.0.4; charset=utf-8",
      }),
  },
];

interface Series {
  name: string;
  kind: "gauge" | "counter";
  help: string;
  /** Null: not measured, so not told. */
  value: (use: PluginResources) => number | null;
}

const megabytes = (value: number | null): number | null => (value === null ? null : Math.round(value * MEGABYTE));
const SERIES: readonly Series[] = [
  { name: "memory_bytes", kind: "gauge", help: "Resident memory of its processes.", value: (use) => megabytes(use.rssMb) },
  { name: "cpu_ratio", kind: "gauge", help: "Processors in use.", value: (use) => use.cpuPercent / 100 },
  { name: "processes", kind: "gauge", help: "Processes.", value: (use) => use.pids },
  { name: "disk_bytes", kind: "gauge", help: "Size of its own folder.", value: (use) => megabytes(use.diskMb) },
  { name: "egress_hour_bytes", kind: "gauge", help: "Sent within the last hour.", value: (use) => megabytes(use.egressMb) },
  { name: "calls_total", kind: "counter", help: "Calls since its process started.", value: (use) => use.calls },
  { name: "calls_per_minute", kind: "gauge", help: "Calls of the last minute.", value: (use) => use.callsPerMinute },
  { name: "queue", kind: "gauge", help: "Calls that it works on.", value: (use) => use.queue },
  { name: "call_p50_seconds", kind: "gauge", help: "Half of the last calls took no longer.", value: (use) => use.p50Ms / 1000 },
  {
    name: "call_p99_seconds",
    kind: "gauge",
    help: "Of a hundred of the last calls, 99 took no longer.",
    value: (use) => use.p99Ms / 1000,
  },
  { name: "strikes", kind: "gauge", help: "Faults of the last minute that count against it.", value: (use) => use.strikes },
];

/** The text format of Prometheus: a dozen gauges read from what the runtime knows anyway need no library. */
export function metricsText(plugins: readonly PluginStatus[], tokens: readonly TokenCalls[] = []): string {
  const shown = plugins.slice(0, PLUGINS_MAX);
  const up = block({
    name: "up",
    kind: "gauge",
    help: "1 while it runs.",
    of: shown.map((one) => [one.id, one.resources === null ? 0 : 1]),
  });
  const blocks = SERIES.map(({ value, ...series }) =>
    block({ ...series, of: shown.flatMap(({ id, resources }) => (resources === null ? [] : [[id, value(resources)] as const])) }),
  );
  return [up, ...blocks, tokenCalls(tokens)].join("");
}

/** @source 05 §8 */
function tokenCalls(rows: readonly TokenCalls[]): string {
  const name = "hearthnet_token_calls_total";
  const lines = rows.map(({ issuer, scopeMatch, calls }) => `${name}{issuer="${issuer}",scope_match="${scopeMatch}"} ${calls}\n`);
  return lines.length === 0 ? "" : `# HELP ${name} Calls that came with a token.\n# TYPE ${name} counter\n${lines.join("")}`;
}

function block(o: Omit<Series, "value"> & { of: readonly (readonly [id: string, value: number | null])[] }): string {
  const name = `hearthnet_plugin_${o.name}`;
  const lines = o.of.flatMap(([id, value]) =>
    value === null ? [] : [`${name}{plugin="${id.replaceAll(/[\\"\n]/g, "")}"} ${value}\n`],
  );
  return lines.length === 0 ? "" : `# HELP ${name} ${o.help}\n# TYPE ${name} ${o.kind}\n${lines.join("")}`;
}

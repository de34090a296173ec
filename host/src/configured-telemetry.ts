import { configMistake } from "./config-mistake.ts";
import type { TelemetrySettings } from "./define-config.ts";
import { isNearby } from "./telemetry/index.ts";

/** The settings as their owner wrote them. @throws bad_request naming the field @source 33 §5.5, X6 */
export function readTelemetry(value: unknown): TelemetrySettings {
  if (typeof value !== "object" || value === null) throw configMistake("telemetry", "{ tracesTo } is expected");
  for (const field of Object.keys(value))
    if (field !== "tracesTo") throw configMistake(`telemetry/${field}`, "there is no such setting; known is tracesTo");
  const { tracesTo } = value as { tracesTo?: unknown };
  if (tracesTo === undefined) return {};
  if (typeof tracesTo !== "string" || !isNearby(tracesTo))
    throw configMistake(
      "telemetry/tracesTo",
      "the address of a collector on this machine or in this house is expected, such as http://127.0.0.1:4318; a name may be localhost only",
    );
  return { tracesTo };
}

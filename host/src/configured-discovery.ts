import { configMistake } from "./config-mistake.ts";
import type { DiscoverySettings } from "./define-config.ts";

const FIELDS = ["enabled", "mdns", "udp", "emergency"] as const;

/** The settings as their owner wrote them. @throws bad_request naming the field */
export function readDiscovery(value: unknown): DiscoverySettings {
  if (typeof value !== "object" || value === null) throw configMistake("discovery", `{ ${FIELDS.join(", ")} } is expected`);
  for (const [field, given] of Object.entries(value)) {
    if (!(FIELDS as readonly string[]).includes(field))
      throw configMistake(`discovery/${field}`, `there is no such setting; known are ${FIELDS.join(", ")}`);
    if (given !== undefined && typeof given !== "boolean") throw configMistake(`discovery/${field}`, "true or false is expected");
  }
  return value;
}

import { configMistake } from "./config-mistake.ts";
import type { DhtSettings } from "./define-config.ts";
import type { DhtEndpoint } from "./contract/index.ts";

const FLAGS = ["enabled", "advertiseCommunity", "advertiseCids", "privateMode"] as const;
const FIELDS: readonly string[] = [...FLAGS, "bootstrap", "publicEndpoint"];
const BOOTSTRAP_MAX = 32;
const PLACE = /^(?:\[([0-9a-f:]+)\]|([a-z0-9.-]{1,253})):(\d{1,5})$/i;

/** The settings as their owner wrote them. @throws bad_request naming the field @source 06 §8 */
export function readDht(value: unknown): DhtSettings {
  if (typeof value !== "object" || value === null) throw configMistake("dht", `{ ${FIELDS.join(", ")} } is expected`);
  const given = value as Record<string, unknown>;
  for (const field of Object.keys(given))
    if (!FIELDS.includes(field)) throw configMistake(`dht/${field}`, `there is no such setting; known are ${FIELDS.join(", ")}`);
  for (const flag of FLAGS)
    if (given[flag] !== undefined && typeof given[flag] !== "boolean")
      throw configMistake(`dht/${flag}`, "true or false is expected");
  const { bootstrap = [], publicEndpoint } = given;
  if (!Array.isArray(bootstrap) || bootstrap.length > BOOTSTRAP_MAX)
    throw configMistake(
      "dht/bootstrap",
      `a list of at most ${BOOTSTRAP_MAX} places is expected, such as "hearth.example.org:7080"`,
    );
  for (const [index, place] of bootstrap.entries()) readPlace(place, `dht/bootstrap/${index}`);
  if (publicEndpoint !== undefined) readPlace(publicEndpoint, "dht/publicEndpoint");
  return given;
}

/** `host:port`, an IPv6 address in brackets. @throws bad_request naming the field */
export function readPlace(value: unknown, field: string): DhtEndpoint {
  const match = typeof value === "string" ? PLACE.exec(value) : null;
  const port = Number(match?.[3]);
  if (match === null || (port !== 443 && (port < 1024 || port > 65_535)))
    throw configMistake(field, "HOST:PORT is expected, with port 443 or one above 1023");
  return { host: match[1] ?? match[2] ?? "", port };
}

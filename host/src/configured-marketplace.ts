import { configMistake } from "./config-mistake.ts";
import type { MarketplaceSettings } from "./define-config.ts";

const FLAGS = ["askPeers", "servePackages"] as const;

/** The settings as their owner wrote them. @throws bad_request naming the field @source marketplace §7 */
export function readMarketplace(value: unknown): MarketplaceSettings {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw configMistake("marketplace", `{ ${FLAGS.join(", ")} } is expected`);
  const settings: MarketplaceSettings = {};
  for (const [field, given] of Object.entries(value) as [string, unknown][]) {
    const flag = FLAGS.find((one) => one === field);
    if (flag === undefined)
      throw configMistake(`marketplace/${field}`, `there is no such setting; known are ${FLAGS.join(", ")}`);
    if (given === undefined) continue;
    if (typeof given !== "boolean") throw configMistake(`marketplace/${flag}`, "true or false is expected");
    settings[flag] = given;
  }
  return settings;
}

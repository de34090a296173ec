import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { configMistake } from "./config-mistake.ts";
import { readAuth } from "./configured-auth.ts";
import type { NodeConfig, PolicyConfig, RatesConfig } from "./define-config.ts";
import { CONSTANTS } from "./contract/index.ts";
import { readDht } from "./configured-dht.ts";
import { readDiscovery } from "./configured-discovery.ts";
import { HnError } from "./foundation/index.ts";
import { readMarketplace } from "./configured-marketplace.ts";
import { readTelemetry } from "./configured-telemetry.ts";
import { readRegistries } from "./configured-registries.ts";

const FIELDS: { [K in keyof Required<NodeConfig>]: (value: unknown) => boolean } = {
  name: (v) => typeof v === "string" && v.length >= 1 && [...v].length <= 64,
  profile: (v) => v === "anchor" || v === "hearth" || v === "spark",
  listen: (v) => typeof v === "string" && v.length >= 1,
  port: isPort,
  adminPort: isPort,
  // Read below, where their places can be named.
  registries: () => true,
  dht: () => true,
  discovery: () => true,
  dev: (v) => typeof v === "boolean",
  policy: () => true,
  marketplace: () => true,
  auth: () => true,
  telemetry: () => true,
  rates: () => true,
  logLevel: (v) => typeof v === "string" && ["debug", "info", "warn", "error", "silent"].includes(v),
};

/**
 * Reads the file when it is there, or when it must be. A mistake in it stops the start: a node that quietly ignores its owner's words is worse than one that does not run.
 * @throws bad_request naming the field
 */
export async function loadConfig(path: string, o: { required?: boolean } = {}): Promise<NodeConfig> {
  if (!existsSync(path)) {
    if (o.required !== true) return {};
    throw new HnError("not_found", { message: `There is no file ${path}.`, action: "Check what follows --config." });
  }
  let value: unknown;
  try {
    value = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (cause) {
    throw new HnError("bad_request", {
      message: `hearthnet.config.ts cannot be read: ${(cause as Error).message.split("\n")[0] ?? ""}`,
      action: "Correct the file, or delete it to start with the defaults.",
      cause,
    });
  }
  if (typeof value !== "object" || value === null) throw configMistake("default", "export the result of defineConfig({…})");
  for (const [name, item] of Object.entries(value)) {
    if (!Object.hasOwn(FIELDS, name))
      throw configMistake(name, `there is no such setting; known are ${Object.keys(FIELDS).join(", ")}`);
    if (item !== undefined && !FIELDS[name as keyof NodeConfig](item)) throw configMistake(name, "the value is not allowed");
  }
  const { registries, dht, discovery, policy, marketplace, auth, telemetry, rates, ...config }: NodeConfig = value;
  return {
    ...config,
    ...(registries === undefined ? {} : { registries: readRegistries(registries, dirname(path)) }),
    ...(dht === undefined ? {} : { dht: readDht(dht) }),
    ...(telemetry === undefined ? {} : { telemetry: readTelemetry(telemetry) }),
    ...(discovery === undefined ? {} : { discovery: readDiscovery(discovery) }),
    ...(policy === undefined ? {} : { policy: readPolicy(policy) }),
    ...(marketplace === undefined ? {} : { marketplace: readMarketplace(marketplace) }),
    ...(auth === undefined ? {} : { auth: readAuth(auth) }),
    ...(rates === undefined ? {} : { rates: readRates(rates) }),
  };
}

/** @throws bad_request naming the field */
function readPolicy(policy: unknown): PolicyConfig {
  if (typeof policy !== "object" || policy === null) throw configMistake("policy", "{ nativePublishers } is expected");
  for (const name of Object.keys(policy))
    if (name !== "nativePublishers") throw configMistake(`policy/${name}`, "there is no such setting; known is nativePublishers");
  const { nativePublishers = [] } = policy as { nativePublishers?: unknown };
  const isKey = (key: unknown): key is string => typeof key === "string" && /^([0-9a-f]{64}|dev)$/.test(key);
  if (!Array.isArray(nativePublishers) || !nativePublishers.every(isKey))
    throw configMistake(
      "policy/nativePublishers",
      'a list of key ids is expected, 64 digits 0-9, a-f each, or "dev" for what authors try out',
    );
  return { nativePublishers };
}

const RATE_NAMES = ["softPerCapability", "hardPerCapability", "softTotal", "hardTotal", "perAddress"] as const;
const RATE_MAX = 1_000_000;

/** @throws bad_request naming the field */
function readRates(rates: unknown): RatesConfig {
  if (typeof rates !== "object" || rates === null) throw configMistake("rates", `{ ${RATE_NAMES.join(", ")} } is expected`);
  const known: RatesConfig = {};
  for (const [name, value] of Object.entries(rates) as [string, unknown][]) {
    const rate = RATE_NAMES.find((one) => one === name);
    if (rate === undefined) throw configMistake(`rates/${name}`, `there is no such rate; known are ${RATE_NAMES.join(", ")}`);
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > RATE_MAX)
      throw configMistake(`rates/${name}`, `whole calls per second are expected, 1 to ${RATE_MAX}`);
    known[rate] = value;
  }
  checkOrder(known, ["softPerCapability", "hardPerCapability"], {
    soft: CONSTANTS.RATE_SOFT_RPS_PER_CAPABILITY,
    hard: CONSTANTS.RATE_HARD_RPS_PER_CAPABILITY,
  });
  checkOrder(known, ["softTotal", "hardTotal"], { soft: CONSTANTS.RATE_SOFT_RPS_TOTAL, hard: CONSTANTS.RATE_HARD_RPS_TOTAL });
  return known;
}

/** Who is cut off before they were told to wait never learns why. */
function checkOrder(
  rates: RatesConfig,
  [soft, hard]: [keyof RatesConfig, keyof RatesConfig],
  otherwise: { soft: number; hard: number },
): void {
  if ((rates[soft] ?? otherwise.soft) > (rates[hard] ?? otherwise.hard))
    throw configMistake(`rates/${soft}`, `it must not be higher than ${hard}`);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}

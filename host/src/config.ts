import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { NodeConfig } from "./define-config.ts";
import { HnError } from "./foundation/index.ts";

const FIELDS: { [K in keyof Required<NodeConfig>]: (value: unknown) => boolean } = {
  name: (v) => typeof v === "string" && v.length >= 1 && [...v].length <= 64,
  profile: (v) => v === "anchor" || v === "hearth" || v === "spark",
  listen: (v) => typeof v === "string" && v.length >= 1,
  port: isPort,
  adminPort: isPort,
  logLevel: (v) => typeof v === "string" && ["debug", "info", "warn", "error", "silent"].includes(v),
};

/**
 * Reads the file when it is there. A mistake in it stops the start: a node that quietly ignores its owner's words is worse than one that does not run.
 * @throws bad_request naming the field
 */
export async function loadConfig(path: string): Promise<NodeConfig> {
  if (!existsSync(path)) return {};
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
  if (typeof value !== "object" || value === null) throw wrong("default", "export the result of defineConfig({…})");
  for (const [name, item] of Object.entries(value)) {
    if (!Object.hasOwn(FIELDS, name)) throw wrong(name, `there is no such setting; known are ${Object.keys(FIELDS).join(", ")}`);
    if (item !== undefined && !FIELDS[name as keyof NodeConfig](item)) throw wrong(name, "the value is not allowed");
  }
  return value;
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}

function wrong(field: string, what: string): HnError {
  return new HnError("bad_request", {
    message: `hearthnet.config.ts, "${field}": ${what}.`,
    action: "Correct the line, or delete it to take the default.",
    paths: [`/${field}`],
  });
}

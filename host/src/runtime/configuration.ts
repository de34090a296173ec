/** A plugin's settings: checked against its schema, defaults filled in, secrets kept apart. @source plugin-platform §4.5 */
import { createHash } from "node:crypto";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { JsonObject, JsonValue, PluginConfig, StoredRelease } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import type { Secrets } from "./secrets.ts";

/** What a plugin finds in the place of a secret that is set. */
const PLACEHOLDER: JsonObject = { secret: true };
const HINTS = ["x-secret", "x-endpoint"];

/** Value as the plugin gets it. @throws schema_mismatch with the fields at fault */
export function checkConfig(release: StoredRelease, value: JsonObject, secrets: Secrets): JsonObject {
  const filled = structuredClone(value);
  const validate = compile(release);
  if (validate === null) return filled;
  for (const [pointer, secret] of Object.entries(secrets)) setAt(filled, pointer, secret);
  if (!validate(filled)) {
    const faults = validate.errors ?? [];
    throw new HnError("schema_mismatch", {
      message: `The settings are not valid: ${faults[0]?.instancePath || "/"} ${faults[0]?.message ?? ""}.`,
      action: "Correct the named fields.",
      paths: faults.map(({ instancePath }) => instancePath || "/"),
    });
  }
  for (const pointer of Object.keys(secrets)) setAt(filled, pointer, PLACEHOLDER);
  return filled;
}

/** True when the plugin cannot start because something it needs is not set. */
export function needsConfig(release: StoredRelease, value: JsonObject, secrets: Secrets): boolean {
  try {
    checkConfig(release, value, secrets);
    return false;
  } catch {
    return true;
  }
}

export function describeConfig(
  release: StoredRelease,
  stored: { value: JsonObject; version: number },
  secrets: Secrets,
): PluginConfig {
  const { config } = release.manifest;
  return {
    schema: config?.schema ?? null,
    order: config?.order ?? [],
    value: stored.value,
    secretsSet: Object.keys(secrets).toSorted(),
    etag: createHash("sha256").update(`${release.sha256}:${stored.version}`).digest("hex").slice(0, 32),
  };
}

/** Secrets of the new value: what is given replaces, an empty text removes, what is not named stays. Only declared places. */
export function mergeSecrets(release: StoredRelease, before: Secrets, given: Secrets): Secrets {
  const patterns = (release.manifest.config?.secrets ?? []).map(
    (pattern) => new RegExp(`^${pattern.split("/").map(escapeStep).join("/")}$`),
  );
  const merged = { ...before };
  for (const [pointer, secret] of Object.entries(given)) {
    if (!patterns.some((pattern) => pattern.test(pointer))) {
      throw new HnError("bad_request", { message: `${pointer} is not a secret of this plugin.`, paths: [pointer] });
    }
    if (secret === "") delete merged[pointer];
    else merged[pointer] = secret;
  }
  return merged;
}

const escapeStep = (step: string): string => (step === "*" ? "[^/]+" : step.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));

function compile(release: StoredRelease): ValidateFunction | null {
  const schema = release.manifest.config?.schema;
  if (schema === undefined) return null;
  const ajv = new Ajv2020({ strict: false, useDefaults: true, allErrors: false, validateFormats: false });
  for (const hint of HINTS) ajv.addKeyword({ keyword: hint });
  return ajv.compile(schema);
}

function setAt(root: JsonObject, pointer: string, value: JsonValue): void {
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = steps.pop();
  let at: JsonValue | undefined = root;
  for (const step of steps)
    at = typeof at === "object" && at !== null && Object.hasOwn(at, step) ? (at as JsonObject)[step] : undefined;
  if (last === undefined || last === "__proto__" || typeof at !== "object" || at === null) {
    throw new HnError("bad_request", { message: `There is no place ${pointer} in the settings.`, paths: [pointer] });
  }
  (at as JsonObject)[last] = structuredClone(value);
}

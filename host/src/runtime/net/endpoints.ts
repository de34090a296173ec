/** Addresses that the operator typed into a plugin's settings, and what belongs to them. @source plugin-platform §3.1 `fromConfig`, §2.4 Secrets */
import type { JsonObject, JsonValue } from "../../contract/index.ts";
import type { Target } from "../permission/index.ts";
import { endpointOf } from "./target.ts";

export interface Settings {
  /** As the operator saved it: a default of the author is not what the operator typed. */
  value: JsonObject;
  /** Of the release that runs; null when it has no settings. */
  schema: JsonObject | null;
  /** By JSON pointer. */
  secrets: Readonly<Record<string, string>>;
}

const POINTER_DEPTH = 12;
/** More places than this with one and the same address are of no use to anybody. */
const PLACES_MAX = 256;

/**
 * Where the operator has typed exactly this endpoint: JSON pointers of fields that the schema marks `x-endpoint`. Anything else in the settings is
 * a text, not a right.
 */
export function typedAt(target: Target, { value, schema }: Settings): string[] {
  if (schema === null) return [];
  const found: string[] = [];
  const look = (at: string, here: { value: JsonValue; schema: JsonValue | undefined; depth: number }): void => {
    if (found.length >= PLACES_MAX) return;
    if (typeof here.value === "string") {
      if (isEndpoint(here.schema) && isSame(endpointOf(here.value), target)) found.push(at);
    } else if (typeof here.value === "object" && here.value !== null && here.depth < POINTER_DEPTH) {
      for (const [name, below] of Object.entries(here.value))
        look(`${at}/${escaped(name)}`, { value: below, schema: schemaBelow(here.schema, name), depth: here.depth + 1 });
    }
  };
  look("", { value, schema, depth: 0 });
  return found;
}

export function isSame(one: Target | undefined, other: Target): boolean {
  return one !== undefined && one.host === other.host && one.port === other.port;
}

/**
 * Where a secret may be sent: the endpoints that stand beside it in the settings, or in the nearest object around it that has any.
 * @returns undefined when no settings around it name an endpoint
 */
export function endpointsBeside(pointer: string, { value, schema }: Settings): Target[] | undefined {
  const steps = stepsOf(pointer);
  for (let depth = steps.length - 1; depth >= 0; depth -= 1) {
    const around = steps.slice(0, depth);
    const properties = propertiesOf(around.reduce<JsonValue | undefined>(schemaBelow, schema ?? undefined));
    const fields = Object.keys(properties).filter((name) => isEndpoint(properties[name]));
    if (fields.length === 0) continue;
    return fields.flatMap((name) => find([...around, name], value, schema ?? {}).flatMap((text) => endpointOf(text) ?? []));
  }
  return undefined;
}

function find(steps: readonly string[], value: JsonValue | undefined, schema: JsonValue | undefined): string[] {
  const [step, ...rest] = steps;
  if (step === undefined) return typeof value === "string" && isEndpoint(schema) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  const names = step === "*" ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
  return names.flatMap((name) => find(rest, (value as JsonObject)[name], schemaBelow(schema, name)));
}

function schemaBelow(schema: JsonValue | undefined, name: string): JsonValue | undefined {
  const properties = propertiesOf(schema);
  if (Object.hasOwn(properties, name)) return properties[name];
  return asObject(schema)["items"];
}

function propertiesOf(schema: JsonValue | undefined): JsonObject {
  return asObject(asObject(schema)["properties"]);
}

function isEndpoint(schema: JsonValue | undefined): boolean {
  return asObject(schema)["x-endpoint"] === true;
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function escaped(step: string): string {
  return step.replaceAll("~", "~0").replaceAll("/", "~1");
}

function stepsOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

import type { JsonObject, JsonSchema, JsonValue } from "@hearthnet/host/contract";

const REFS_MAX = 8;

/** Follows `#/…` references; a reference that leads nowhere is shown as JSON. */
export function follow(schema: JsonSchema, root: JsonSchema): JsonSchema {
  let now = schema;
  for (let i = 0; i < REFS_MAX && typeof now["$ref"] === "string"; i++) {
    let target: JsonValue | undefined = root;
    for (const part of now["$ref"].replace(/^#\/?/, "").split("/").filter(Boolean))
      target = isObject(target) ? target[part.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
    if (!isObject(target)) return {};
    const { $ref: _gone, ...beside } = now;
    now = { ...target, ...beside };
  }
  return now;
}

export function propertiesOf(schema: JsonSchema, order: readonly string[] = []): [string, JsonSchema][] {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const names = Object.keys(properties);
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length + names.indexOf(name));
  return names.toSorted((a, b) => place(a) - place(b)).map((name) => [name, asSchema(properties[name])]);
}

export function requiredOf(schema: JsonSchema): readonly string[] {
  return Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function asSchema(value: JsonValue | undefined): JsonSchema {
  return isObject(value) ? value : {};
}

/** `low_quality_threshold` → `Low quality threshold`. */
export function labelOf(name: string, schema: JsonSchema): string {
  if (typeof schema["title"] === "string") return schema["title"];
  const words = name.replaceAll(/[_-]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

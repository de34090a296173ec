import type { JsonObject, JsonSchema, JsonValue } from "@hearthnet/host/contract";

/** A schema with its references followed, and what kind of control shows it. */
export interface Shape {
  kind: "text" | "enum" | "number" | "integer" | "boolean" | "array" | "object" | "json";
  schema: JsonSchema;
}

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

export function shapeOf(raw: JsonSchema, root: JsonSchema): Shape {
  const schema = follow(raw, root);
  const types = Array.isArray(schema["type"]) ? schema["type"].filter((type) => type !== "null") : [schema["type"]];
  const type = types.length === 1 ? types[0] : undefined;
  if (Array.isArray(schema["enum"]) && schema["enum"].every((v) => typeof v === "string" || typeof v === "number"))
    return { kind: "enum", schema };
  if (schema["oneOf"] !== undefined && schema["properties"] === undefined) return { kind: "json", schema };
  if (type === "string") return { kind: "text", schema };
  if (type === "number" || type === "integer" || type === "boolean") return { kind: type, schema };
  if (type === "array" && isObject(schema["items"])) return { kind: "array", schema };
  if ((type === "object" || type === undefined) && isObject(schema["properties"])) return { kind: "object", schema };
  return { kind: "json", schema };
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

/** What a new field starts with. */
export function startValue(raw: JsonSchema, root: JsonSchema): JsonValue | undefined {
  const { kind, schema } = shapeOf(raw, root);
  if (schema["default"] !== undefined) return structuredClone(schema["default"]);
  if (schema["const"] !== undefined) return schema["const"];
  if (kind === "array") return [];
  if (kind !== "object") return undefined;
  const out: JsonObject = {};
  for (const [name, part] of propertiesOf(schema)) {
    const value = startValue(part, root);
    if (value !== undefined) out[name] = value;
  }
  return out;
}

/** Drops what was left empty, so that the provider's own defaults count. */
export function withoutEmpty(value: JsonValue | undefined, raw: JsonSchema, root: JsonSchema): JsonValue | undefined {
  const { kind, schema } = shapeOf(raw, root);
  if (value === undefined || value === "" || (value === null && kind !== "json")) return undefined;
  if (kind === "array" && Array.isArray(value)) {
    return value.map((item) => withoutEmpty(item, asSchema(schema["items"]), root)).filter((item) => item !== undefined);
  }
  if (kind !== "object" || !isObject(value)) return value;
  const out: JsonObject = {};
  const parts = new Map(propertiesOf(schema));
  for (const [name, part] of Object.entries(value)) {
    const kept = withoutEmpty(part, parts.get(name) ?? {}, root);
    if (kept === undefined) continue;
    // An optional list or group without content says nothing.
    const hollow = (Array.isArray(kept) && kept.length === 0) || (isObject(kept) && Object.keys(kept).length === 0);
    if (!hollow || requiredOf(schema).includes(name)) out[name] = kept;
  }
  return out;
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

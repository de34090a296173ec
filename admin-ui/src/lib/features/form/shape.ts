import type { JsonObject, JsonSchema, JsonValue } from "@hearthnet/host/contract";
import { asSchema, follow, isObject, propertiesOf, requiredOf } from "./schema.ts";
import { branchOf, isScalar, variantOf } from "./variant.ts";

/** A schema with its references followed, and what kind of control shows it. */
export interface Shape {
  kind: "text" | "enum" | "number" | "integer" | "boolean" | "array" | "object" | "variant" | "json";
  schema: JsonSchema;
}

export function shapeOf(raw: JsonSchema, root: JsonSchema): Shape {
  const schema = follow(raw, root);
  const types = Array.isArray(schema["type"]) ? schema["type"].filter((type) => type !== "null") : [schema["type"]];
  const type = types.length === 1 ? types[0] : undefined;
  if (choicesOf(schema).length > 0) return { kind: "enum", schema };
  if (variantOf(schema, root) !== null) return { kind: "variant", schema };
  // Combinations with nothing that tells them apart are written, not clicked; what they lack is told by `check`.
  if (["oneOf", "anyOf", "allOf"].some((key) => schema[key] !== undefined) && schema["properties"] === undefined)
    return { kind: "json", schema };
  if (type === "string") return { kind: "text", schema };
  if (type === "number" || type === "integer" || type === "boolean") return { kind: type, schema };
  if (type === "array" && isObject(schema["items"])) return { kind: "array", schema };
  if ((type === "object" || type === undefined) && isObject(schema["properties"])) return { kind: "object", schema };
  return { kind: "json", schema };
}

export interface Choice {
  value: JsonValue;
  /** A title of the schema; else the value speaks for itself. */
  title: string | null;
}

/** The values of an `enum`, or of a `oneOf` of nothing but constants; empty when the schema is no such choice. */
export function choicesOf(schema: JsonSchema): Choice[] {
  const { enum: values, oneOf: branches } = schema;
  if (Array.isArray(values)) return values.every(isScalar) ? values.map((value) => ({ value, title: null })) : [];
  if (!Array.isArray(branches) || !branches.every((b) => isScalar(asSchema(b)["const"]))) return [];
  return branches.map((branch) => {
    const { const: value = null, title } = asSchema(branch);
    return { value, title: typeof title === "string" ? title : null };
  });
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

/** Drops what was left empty, so that the provider's own defaults count; what was written as JSON stays as it is. */
export function withoutEmpty(value: JsonValue | undefined, raw: JsonSchema, root: JsonSchema): JsonValue | undefined {
  const { kind, schema } = shapeOf(raw, root);
  if (value === undefined || kind === "json") return value;
  if (value === "" || value === null) return undefined;
  if (kind === "array" && Array.isArray(value)) {
    return value.map((item) => withoutEmpty(item, asSchema(schema["items"]), root)).filter((item) => item !== undefined);
  }
  if (!isObject(value)) return value;
  const whole = objectIn(schema, { value, root });
  const out: JsonObject = {};
  const parts = new Map(propertiesOf(whole));
  for (const [name, part] of Object.entries(value)) {
    const own = parts.get(name) ?? {};
    const kept = withoutEmpty(part, own, root);
    if (kept === undefined) continue;
    // An optional list or group without content says nothing.
    const shape = shapeOf(own, root);
    const hollow = shape.kind !== "json" && (isHollow(kept) || isPreset(kept, shape, root));
    if (!hollow || requiredOf(whole).includes(name)) out[name] = kept;
  }
  return out;
}

/** The object's schema in the branch that its value is in. */
function objectIn(schema: JsonSchema, o: { value: JsonObject; root: JsonSchema }): JsonSchema {
  const variant = variantOf(schema, o.root);
  return variant === null ? schema : (branchOf(variant, o.value)?.schema ?? {});
}

/** A group of which nothing is filled in but what cannot be otherwise. */
function isPreset(value: JsonValue, { kind, schema }: Shape, root: JsonSchema): boolean {
  if (kind !== "object" || !isObject(value)) return false;
  const parts = new Map(propertiesOf(schema));
  return Object.entries(value).every(([name, part]) => {
    const own = shapeOf(parts.get(name) ?? {}, root);
    return own.schema["const"] !== undefined || isHollow(part) || isPreset(part, own, root);
  });
}

function isHollow(value: JsonValue): boolean {
  return (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0);
}

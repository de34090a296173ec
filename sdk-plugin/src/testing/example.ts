import type { JsonObject, JsonValue } from "@hearthnet/host/contract";

const DEPTH_MAX = 12;

/**
 * The smallest value that a schema of the plugin's own (the subset of 03 B-1) takes, as far as it can be made from the schema alone: what must be
 * there, at its lower limits. A `pattern` is met only by a default, an enumeration or an example.
 */
export function exampleOf(schema: JsonObject): JsonValue {
  return make(schema, schema, 0);
}

function make(schema: JsonObject, root: JsonObject, depth: number): JsonValue {
  if (depth > DEPTH_MAX) return null;
  const next = (inner: JsonValue | undefined): JsonValue => (isObject(inner) ? make(inner, root, depth + 1) : {});
  const { $ref: ref, const: only, default: usual, enum: list, examples, anyOf, oneOf, allOf } = schema;
  if (typeof ref === "string") return next(resolve(ref, root));
  if (only !== undefined) return only;
  if (usual !== undefined) return usual;
  if (Array.isArray(examples) && examples[0] !== undefined) return examples[0];
  if (Array.isArray(list)) return list[0] ?? null;
  for (const choice of [anyOf, oneOf, allOf]) if (Array.isArray(choice)) return next(choice[0]);
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  switch (type) {
    case "string":
      return "a".repeat(Number(schema["minLength"] ?? 1));
    case "integer":
    case "number":
      return lowest(schema);
    case "boolean":
      return false;
    case "null":
      return null;
    case "array":
      return Array.from({ length: Number(schema["minItems"] ?? 0) }, () => next(schema["items"]));
    default:
      return members(schema, next);
  }
}

function members(schema: JsonObject, next: (inner: JsonValue | undefined) => JsonValue): JsonObject {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  return Object.fromEntries(required.map((name) => [name, next(properties[name])]));
}

function lowest(schema: JsonObject): number {
  const { minimum, exclusiveMinimum, maximum } = schema;
  if (typeof minimum === "number") return minimum;
  if (typeof exclusiveMinimum === "number") return exclusiveMinimum + 1;
  return typeof maximum === "number" ? Math.min(0, maximum) : 0;
}

function resolve(ref: string, root: JsonObject): JsonValue | undefined {
  let at: JsonValue | undefined = root;
  for (const part of ref.replace(/^#\/?/, "").split("/")) at = part === "" ? at : isObject(at) ? at[part] : undefined;
  return at;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { JsonSchema, JsonValue } from "@hearthnet/host/contract";
import { asSchema, follow, isObject, propertiesOf, requiredOf } from "./schema.ts";

export interface Branch {
  /** What the telling member holds in this branch. */
  value: JsonValue;
  /** A title of the schema; else the value speaks for itself. */
  title: string | null;
  /** The whole object in this branch, without the telling member. */
  schema: JsonSchema;
}

/** An object of one of several kinds; one member tells which. */
export interface Variant {
  tag: string;
  /** What the schema says of the telling member beside its branches, for its title. */
  telling: JsonSchema;
  branches: Branch[];
}

/** Null when no member tells the branches apart. */
export function variantOf(schema: JsonSchema, root: JsonSchema): Variant | null {
  if (!Array.isArray(schema["oneOf"]) || schema["oneOf"].length === 0) return null;
  const parts = schema["oneOf"].map((branch) => follow(asSchema(branch), root));
  const constant = (part: JsonSchema, name: string): JsonValue | undefined =>
    follow(asSchema(asSchema(part["properties"])[name]), root)["const"];
  const tag = Object.keys(asSchema(parts[0]?.["properties"])).find((name) => {
    const values = parts.map((part) => constant(part, name));
    return values.every(isScalar) && new Set(values).size === values.length;
  });
  if (tag === undefined) return null;
  const { oneOf: _branches, ...shared } = schema;
  return {
    tag,
    telling: asSchema(asSchema(shared["properties"])[tag]),
    branches: parts.map((part) => {
      const properties = Object.fromEntries([...propertiesOf(shared), ...propertiesOf(part)].filter(([name]) => name !== tag));
      const required = [...requiredOf(shared), ...requiredOf(part)].filter((name) => name !== tag);
      const own = asSchema(asSchema(part["properties"])[tag])["title"] ?? part["title"];
      return {
        value: constant(part, tag) ?? null,
        title: typeof own === "string" ? own : null,
        schema: { ...shared, ...part, type: "object", properties, required },
      };
    }),
  };
}

/** The branch that a value is in; null when it is in none. */
export function branchOf(variant: Variant, value: JsonValue | undefined): Branch | null {
  const told = isObject(value) ? value[variant.tag] : undefined;
  return variant.branches.find((branch) => branch.value === told) ?? null;
}

export function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

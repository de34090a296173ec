import type { JsonSchema, JsonValue } from "@hearthnet/host/contract";
import { t } from "#lib/i18n/locale.svelte.ts";
import { asSchema, isObject, propertiesOf, requiredOf, shapeOf } from "./schema.ts";

/** Errors by JSON pointer. A first check beside the field; the node checks again. */
export function check(
  value: JsonValue | undefined,
  raw: JsonSchema,
  o: { root: JsonSchema; at?: string },
): Record<string, string> {
  const at = o.at ?? "";
  const { kind, schema } = shapeOf(raw, o.root);
  const words = t().config.wrong;
  const wrong = (text: string): Record<string, string> => ({ [at]: text });
  if (value === undefined || value === null) return {};
  switch (kind) {
    case "text":
      return typeof value === "string" ? text(value, schema, wrong) : wrong(words.required);
    case "enum":
      return (schema["enum"] as JsonValue[]).includes(value) ? {} : wrong(words.enum);
    case "number":
    case "integer": {
      if (typeof value !== "number" || !Number.isFinite(value)) return wrong(words.number);
      if (kind === "integer" && !Number.isInteger(value)) return wrong(words.integer);
      const [min, max] = [schema["minimum"], schema["maximum"]];
      if (typeof min === "number" && value < min) return wrong(words.min({ min }));
      if (typeof max === "number" && value > max) return wrong(words.max({ max }));
      return {};
    }
    case "array": {
      if (!Array.isArray(value)) return wrong(words.required);
      const [min, max] = [schema["minItems"], schema["maxItems"]];
      const own =
        typeof min === "number" && value.length < min
          ? wrong(words.minItems({ min }))
          : typeof max === "number" && value.length > max
            ? wrong(words.maxItems({ max }))
            : {};
      return Object.assign(
        own,
        ...value.map((item, i) => check(item, asSchema(schema["items"]), { root: o.root, at: `${at}/${i}` })),
      ) as Record<string, string>;
    }
    case "object": {
      if (!isObject(value)) return wrong(words.required);
      const found: Record<string, string> = {};
      for (const name of requiredOf(schema)) if (value[name] === undefined) found[`${at}/${name}`] = words.required;
      for (const [name, part] of propertiesOf(schema))
        Object.assign(found, check(value[name], part, { root: o.root, at: `${at}/${name}` }));
      return found;
    }
    default:
      return {};
  }
}

function text(value: string, schema: JsonSchema, wrong: (text: string) => Record<string, string>): Record<string, string> {
  const words = t().config.wrong;
  const { minLength: min, maxLength: max, pattern } = schema;
  const length = [...value].length;
  if (typeof min === "number" && length < min) return wrong(words.minLength({ min }));
  if (typeof max === "number" && length > max) return wrong(words.maxLength({ max }));
  if (typeof pattern === "string" && !fits(pattern, value)) return wrong(words.pattern);
  return {};
}

/** A pattern the browser does not understand is left to the node. */
function fits(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

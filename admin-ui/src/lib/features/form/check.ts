import type { JsonObject, JsonSchema, JsonValue } from "@hearthnet/host/contract";
import { t } from "#lib/i18n/locale.svelte.ts";
import { isFormat, reads } from "./formats.ts";
import { asSchema, isObject, propertiesOf, requiredOf } from "./schema.ts";
import { choicesOf, shapeOf } from "./shape.ts";
import { branchOf, variantOf } from "./variant.ts";

interface Place {
  root: JsonSchema;
  /** JSON pointer of the value. */
  at: string;
}
type Mistakes = Record<string, string>;

/**
 * Mistakes by JSON pointer, each with its own sentence. A first check beside the field: the node checks again, and rules without words here
 * (`not`, `if`, `contains` …) are left to it.
 */
export function check(value: JsonValue | undefined, raw: JsonSchema, o: { root: JsonSchema; at?: string }): Mistakes {
  const place = { root: o.root, at: o.at ?? "" };
  const { kind, schema } = shapeOf(raw, o.root);
  const words = t().config.wrong;
  const wrong = (text: string): Mistakes => ({ [place.at]: text });
  if (value === undefined || (value === "" && (kind === "text" || kind === "enum"))) return {};
  if (value === null && Array.isArray(schema["type"]) && schema["type"].includes("null")) return {};
  switch (kind) {
    case "text":
      return typeof value === "string" ? tell(text(value, schema), place) : wrong(words.required);
    case "enum":
      return choicesOf(schema).some((choice) => choice.value === value) ? {} : wrong(words.enum);
    case "boolean":
      return typeof value === "boolean" ? {} : wrong(words.type);
    case "number":
    case "integer":
      return typeof value === "number" ? tell(number(value, schema), place) : wrong(words.number);
    case "array":
      return Array.isArray(value) ? list(value, schema, place) : wrong(words.required);
    case "object":
      return isObject(value) ? object(value, schema, place) : wrong(words.required);
    case "variant": {
      const variant = variantOf(schema, o.root);
      const branch = variant === null ? null : branchOf(variant, value);
      if (variant === null || branch === null || !isObject(value)) return wrong(words.enum);
      const { [variant.tag]: _told, ...rest } = value;
      return object(rest, branch.schema, place);
    }
    default:
      return anything(value, schema, place);
  }
}

const tell = (mistake: string | null, { at }: Place): Mistakes => (mistake === null ? {} : { [at]: mistake });

function text(value: string, schema: JsonSchema): string | null {
  const words = t().config.wrong;
  const { minLength: min, maxLength: max, pattern, format } = schema;
  const length = [...value].length;
  if (typeof min === "number" && length < min) return words.minLength({ min });
  if (typeof max === "number" && length > max) return words.maxLength({ max });
  if (typeof pattern === "string" && !fits(pattern, value)) return words.pattern;
  if (isFormat(format) && !reads(format, value)) return words.formats[format];
  if (schema["x-endpoint"] === true && !URL.canParse(value)) return words.formats.uri;
  return null;
}

function number(value: number, schema: JsonSchema): string | null {
  const words = t().config.wrong;
  const { minimum: min, maximum: max, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf: step } = schema;
  if (!Number.isFinite(value)) return words.number;
  if (schema["type"] === "integer" && !Number.isInteger(value)) return words.integer;
  if (typeof min === "number" && value < min) return words.min({ min });
  if (typeof max === "number" && value > max) return words.max({ max });
  if (typeof above === "number" && value <= above) return words.above({ min: above });
  if (typeof below === "number" && value >= below) return words.below({ max: below });
  // 0.3 is three times 0.1 to a person, though not to the processor.
  if (typeof step === "number" && Math.abs(value / step - Math.round(value / step)) > 1e-9) return words.multipleOf({ step });
  return null;
}

function list(value: JsonValue[], schema: JsonSchema, { root, at }: Place): Mistakes {
  const words = t().config.wrong;
  const { minItems: min, maxItems: max } = schema;
  const found: Mistakes = {};
  if (typeof min === "number" && value.length < min) found[at] = words.minItems({ min });
  if (typeof max === "number" && value.length > max) found[at] = words.maxItems({ max });
  const seen = value.map((item) => canonical(item));
  if (schema["uniqueItems"] === true)
    for (const [i, item] of seen.entries()) {
      const first = seen.indexOf(item);
      if (first < i && value[i] !== "") found[`${at}/${i}`] = words.twice({ at: first + 1 });
    }
  return Object.assign(found, ...value.map((item, i) => check(item, asSchema(schema["items"]), { root, at: `${at}/${i}` })));
}

function object(value: JsonObject, schema: JsonSchema, { root, at }: Place): Mistakes {
  const words = t().config.wrong;
  const found: Mistakes = {};
  for (const name of requiredOf(schema)) if (value[name] === undefined) found[`${at}/${name}`] = words.required;
  const parts = new Map(propertiesOf(schema));
  for (const [name, part] of parts) Object.assign(found, check(value[name], part, { root, at: `${at}/${name}` }));
  const others = schema["additionalProperties"];
  for (const [name, part] of Object.entries(value).filter(([key]) => !parts.has(key)))
    if (others === false && schema["patternProperties"] === undefined) found[at] = words.unknown({ name });
    else if (isObject(others)) Object.assign(found, check(part, others, { root, at: `${at}/${name}` }));
  return found;
}

/** What is written as JSON obeys the same rules; its only field is at `at`, so every mistake is told there. */
function anything(value: JsonValue, schema: JsonSchema, place: Place): Mistakes {
  const words = t().config.wrong;
  const told = rules(value, schema, place);
  const [first] = Object.entries(told);
  if (first === undefined) return {};
  const [at, mistake] = first;
  return { [place.at]: at === place.at ? mistake : words.inside({ at: at.slice(place.at.length), mistake }) };
}

function rules(value: JsonValue, schema: JsonSchema, place: Place): Mistakes {
  const words = t().config.wrong;
  const { root, at } = place;
  const { type, const: constant, enum: values, oneOf, anyOf, allOf } = schema;
  const types = [type ?? []].flat();
  if (types.length > 0 && !types.some((each) => isOf(value, each))) return { [at]: words.type };
  if (constant !== undefined && canonical(constant) !== canonical(value)) return { [at]: words.enum };
  if (Array.isArray(values) && !values.some((each) => canonical(each) === canonical(value))) return { [at]: words.enum };
  const fitting = (branches: JsonValue[]): number =>
    branches.filter((branch) => Object.keys(check(value, asSchema(branch), place)).length === 0).length;
  if (Array.isArray(oneOf) && fitting(oneOf) !== 1) return { [at]: words.noForm };
  if (Array.isArray(anyOf) && fitting(anyOf) === 0) return { [at]: words.noForm };
  const own =
    typeof value === "string"
      ? tell(text(value, schema), place)
      : typeof value === "number"
        ? tell(number(value, schema), place)
        : Array.isArray(value)
          ? list(value, schema, place)
          : isObject(value)
            ? object(value, schema, place)
            : {};
  const all = Array.isArray(allOf) ? allOf : [];
  return Object.assign(own, ...all.map((part) => check(value, asSchema(part), { root, at })));
}

function isOf(value: JsonValue, type: JsonValue): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  return type === "object" ? isObject(value) : typeof value === type;
}

/** Two values are one where their members are, in whatever order. */
function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_key, part: JsonValue) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}

/** A pattern the browser does not understand is left to the node. */
function fits(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

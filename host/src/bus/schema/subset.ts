import { CONSTANTS, type JsonSchema, type JsonValue } from "../../contract/index.ts";
import { schemaInvalid } from "./fault.ts";

const NUMBERS = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"];
const ANNOTATIONS = ["title", "description", "default", "examples", "$comment"];
const KEYWORDS = new Set([
  "type",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "enum",
  "const",
  "pattern",
  "oneOf",
  "anyOf",
  "$defs",
  "$ref",
  ...NUMBERS,
  ...ANNOTATIONS,
]);
const DIALECT = "https://json-schema.org/draft/2020-12/schema";
/** How many subschemas one check may walk after every `$ref` is followed; keeps the work of a check proportional to the data. */
const MAX_EXPANSIONS = 20_000;

interface Walk {
  root: JsonSchema;
  what: string;
  /** Shared by the whole walk. */
  budget: { left: number };
  /** Definitions being expanded: whether data was descended into, or a choice passed, since each was entered. */
  open: Map<string, { descended: boolean; choice: boolean }>;
}

/**
 * Refuses a schema outside the subset: unknown keywords, remote or endless `$ref`, recursion through a choice (its cost would grow
 * exponentially with the data's depth), too large, too deep.
 * @param what  which schema, for the message: `request_schema`
 * @throws bad_request reason schema_invalid
 * @source 03 B-1
 */
export function checkSubset(schema: JsonSchema, what: string): void {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > CONSTANTS.SCHEMA_MAX_BYTES) throw schemaInvalid(what, "it is larger than 64 KiB");
  checkDepth(schema, 0, what);
  visit(schema, { root: schema, what, budget: { left: MAX_EXPANSIONS }, open: new Map() }, "#");
}

function checkDepth(value: JsonValue, depth: number, what: string): void {
  if (depth > CONSTANTS.SCHEMA_MAX_DEPTH) throw schemaInvalid(what, "it is nested deeper than 32 levels");
  if (typeof value !== "object" || value === null) return;
  for (const child of Array.isArray(value) ? value : Object.values(value)) checkDepth(child, depth + 1, what);
}

function visit(schema: JsonValue | undefined, walk: Walk, at: string): void {
  if (typeof schema === "boolean") return;
  if (!isObject(schema)) throw schemaInvalid(walk.what, `${at} is not a schema`);
  walk.budget.left -= 1;
  if (walk.budget.left < 0) throw schemaInvalid(walk.what, "its references and choices multiply too much");
  for (const key of Object.keys(schema)) {
    if (KEYWORDS.has(key) || (key === "$schema" && at === "#" && schema[key] === DIALECT)) continue;
    throw schemaInvalid(walk.what, `${at} uses the keyword "${key.slice(0, 40)}", which is not in the allowed subset`);
  }
  for (const [name, definition] of entriesOf(schema["$defs"], walk, `${at}/$defs`)) {
    if (at !== "#") throw schemaInvalid(walk.what, `${at} has $defs; they belong at the top`);
    visit(
      definition,
      { ...walk, open: new Map([[`#/$defs/${escapeToken(name)}`, { descended: false, choice: false }]]) },
      `#/$defs/${name}`,
    );
  }
  for (const [name, child] of entriesOf(schema["properties"], walk, `${at}/properties`))
    descend(child, walk, `${at}/properties/${name}`);
  if ("additionalProperties" in schema) descend(schema["additionalProperties"], walk, `${at}/additionalProperties`);
  if ("items" in schema) descend(schema["items"], walk, `${at}/items`);
  for (const key of ["oneOf", "anyOf"]) {
    const branches = schema[key];
    if (branches === undefined) continue;
    if (!Array.isArray(branches) || branches.length === 0)
      throw schemaInvalid(walk.what, `${at}/${key} is not a list of schemas`);
    branches.forEach((branch, i) => within(walk, "choice", () => visit(branch, walk, `${at}/${key}/${i}`)));
  }
  if ("$ref" in schema) follow(schema["$ref"], walk, at);
}

function descend(schema: JsonValue | undefined, walk: Walk, at: string): void {
  within(walk, "descended", () => visit(schema, walk, at));
}

/** Marks every open definition for the length of `inner`. */
function within(walk: Walk, mark: "descended" | "choice", inner: () => void): void {
  const before = [...walk.open.entries()].map(([ref, state]) => [ref, { ...state }] as const);
  for (const state of walk.open.values()) state[mark] = true;
  inner();
  for (const [ref, state] of before) walk.open.set(ref, state);
}

function follow(ref: JsonValue | undefined, walk: Walk, at: string): void {
  const target = typeof ref === "string" ? resolveRef(walk.root, ref) : undefined;
  if (typeof ref !== "string" || target === undefined) {
    throw schemaInvalid(walk.what, `${at}/$ref does not name a definition under #/$defs of the same schema`);
  }
  const state = walk.open.get(ref);
  if (state) {
    if (!state.descended) throw schemaInvalid(walk.what, `${at}/$ref refers to itself without an end`);
    if (state.choice) throw schemaInvalid(walk.what, `${at}/$ref recurses through oneOf or anyOf`);
    return;
  }
  walk.open.set(ref, { descended: false, choice: false });
  visit(target, walk, ref);
  walk.open.delete(ref);
}

/** The definition a local reference names; `undefined` for anything else. */
export function resolveRef(root: JsonSchema, ref: string): JsonValue | undefined {
  if (ref === "#") return root;
  const match = /^#\/\$defs\/([^/]+)$/.exec(ref);
  const defs = root["$defs"];
  if (!match || !isObject(defs)) return undefined;
  const name = (match[1] ?? "").replaceAll("~1", "/").replaceAll("~0", "~");
  return Object.hasOwn(defs, name) ? defs[name] : undefined;
}

function entriesOf(value: JsonValue | undefined, walk: Walk, at: string): [string, JsonValue][] {
  if (value === undefined) return [];
  if (!isObject(value)) throw schemaInvalid(walk.what, `${at} is not an object`);
  return Object.entries(value);
}

function escapeToken(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

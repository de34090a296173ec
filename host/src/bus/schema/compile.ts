import { _, Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import type { JsonSchema, JsonValue } from "../../contract/index.ts";
import { checkSubset, resolveRef } from "./subset.ts";
import { shadow } from "./binary.ts";
import { schemaInvalid } from "./fault.ts";
import { linearPattern } from "./pattern.ts";
import type { Path } from "./pointer.ts";

/** Says what is wrong with a value, or nothing. */
export type Check = (value: unknown) => SchemaFault | null;

export interface SchemaFault {
  /** JSON pointer of the field at fault. */
  path: string;
  message: string;
}

export interface SchemaSource {
  schema: JsonSchema;
  /** For messages: `request_schema`. */
  what: string;
  /** Fields that hold bytes inside the node; checked by their would-be encoded length, `pattern` is ignored there. */
  binary: Path[];
}

/** ajv keeps all that it has ever compiled, removed or not; after so many it is left to be forgotten with the last of them that is in use. */
const COMPILED_MAX = 32;

/**
 * Compiles the schemas of one capability at registration. The next version of a plugin mostly comes with the same ones: they are compiled once.
 * @throws bad_request reason schema_invalid
 * @source 03 B-1, plugin-platform §4 "Binary path"
 */
export function createCompiler(): (source: SchemaSource) => Check {
  let ajv = createAjv();
  let compiled = 0;
  let known: Map<string, Check> = new Map();
  return ({ schema, what, binary }) => {
    const text = JSON.stringify([schema, binary]);
    const before = known.get(text);
    if (before !== undefined) return before;
    checkSubset(schema, what);
    const usable = binary.reduce(withoutPattern, structuredClone(schema));
    if (compiled === COMPILED_MAX) {
      [ajv, compiled] = [createAjv(), 0];
      known = new Map();
    }
    compiled += 1;
    const validate = compileOne(ajv, usable, what);
    const inBytes = new Set(binary.map((path) => `/${path.join("/")}`));
    const plain = (value: unknown): SchemaFault | null => (validate(value) ? null : faultOf(validate.errors, inBytes));
    const check: Check = binary.length === 0 ? plain : (value) => plain(shadow(value, binary));
    known.set(text, check);
    return check;
  };
}

function createAjv(): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    strictSchema: true,
    addUsedSchema: false,
    validateFormats: false,
    code: { regExp: Object.assign(linearPattern, { code: "linearPattern" }) },
  });
  // ajv counts code points by walking the whole text; these look at the text only when its length in units leaves room for doubt.
  for (const keyword of ["minLength", "maxLength"]) {
    ajv.removeKeyword(keyword);
    ajv.addKeyword({
      keyword,
      type: "string",
      schemaType: "number",
      compile: (limit: number) =>
        keyword === "minLength" ? (text: string) => atLeast(text, limit) : (text: string) => !atLeast(text, limit + 1),
      error: {
        message: ({ schema }) => `must have ${keyword === "minLength" ? "at least" : "at most"} ${String(schema)} characters`,
        params: ({ schema }) => _`{ limit: ${Number(schema)} }`,
      },
    });
  }
  return ajv;
}

function compileOne(ajv: Ajv2020, schema: JsonSchema, what: string): ReturnType<Ajv2020["compile"]> {
  try {
    return ajv.compile(schema);
  } catch (cause) {
    throw schemaInvalid(what, cause instanceof Error ? cause.message.slice(0, 200) : "it does not compile");
  } finally {
    ajv.removeSchema(schema);
  }
}

function atLeast(text: string, points: number): boolean {
  if (text.length < points) return false;
  if (text.length >= points * 2) return true;
  let pairs = 0;
  for (let i = 0; i < text.length - 1; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) pairs += 1;
  }
  return text.length - pairs >= points;
}

function faultOf(errors: ErrorObject[] | null | undefined, inBytes: ReadonlySet<string>): SchemaFault {
  const first = errors?.[0];
  if (!first) return { path: "", message: "does not fit" };
  // Nobody who sends a file has counted the letters that it would be written with.
  if (first.keyword === "maxLength" && inBytes.has(first.instancePath))
    return {
      path: first.instancePath,
      message: `must have at most ${Math.floor((Number(first.params["limit"]) * 3) / 4)} bytes`,
    };
  const extra = first.keyword === "additionalProperties" ? ` ("${String(first.params["additionalProperty"]).slice(0, 40)}")` : "";
  return { path: first.instancePath, message: `${first.message ?? "does not fit"}${extra}` };
}

/** Removes `pattern` where the path leads, through choices and references. */
function withoutPattern(root: JsonSchema, path: Path): JsonSchema {
  const strip = (node: JsonValue | undefined, rest: Path, depth: number): JsonValue | undefined => {
    if (typeof node !== "object" || node === null || Array.isArray(node) || depth > 64) return node;
    const out: JsonSchema = { ...node };
    if (typeof out["$ref"] === "string") {
      const target = strip(resolveRef(root, out["$ref"]), rest, depth + 1);
      // A copy of the definition, for this place only; next to `$ref` other keywords hold as well, so both stay choices of one.
      if (typeof target === "object" && target !== null && !Array.isArray(target)) {
        delete out["$ref"];
        out["anyOf"] = "anyOf" in out ? [{ anyOf: out["anyOf"] ?? [], oneOf: [target] }] : [target];
      }
    }
    for (const key of ["oneOf", "anyOf"]) {
      const branches = out[key];
      if (Array.isArray(branches)) out[key] = branches.map((branch) => strip(branch, rest, depth + 1) ?? true);
    }
    const [head, ...tail] = rest;
    if (head === undefined) {
      delete out["pattern"];
      return out;
    }
    const properties = out["properties"];
    if (typeof properties === "object" && properties !== null && !Array.isArray(properties) && Object.hasOwn(properties, head)) {
      out["properties"] = { ...properties, [head]: strip(properties[head], tail, depth + 1) ?? true };
    } else if (/^\d+$/.test(head) && "items" in out) out["items"] = strip(out["items"], tail, depth + 1) ?? true;
    else if ("additionalProperties" in out)
      out["additionalProperties"] = strip(out["additionalProperties"], tail, depth + 1) ?? true;
    return out;
  };
  return (strip(root, path, 0) ?? root) as JsonSchema;
}

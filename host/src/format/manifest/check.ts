import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import {
  CONSTANTS,
  type JsonObject,
  type PermissionName,
  type PermissionRequest,
  type PluginManifest,
} from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { checkMeaning } from "./meaning.ts";
import { MANIFEST_SCHEMA } from "./schema.ts";
import { GRANTED, SCOPES } from "./scopes.ts";

export interface ManifestProblem {
  /** JSON pointer. */
  path: string;
  message: string;
}

export type ManifestVerdict = { ok: true; manifest: PluginManifest } | { ok: false; errors: ManifestProblem[] };

const NESTING_MAX = 12;
// Union types and `required` beside `properties` in another branch are used on purpose.
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
let manifestShape: ValidateFunction | undefined;
const scopeShapes: Map<string, ValidateFunction> = new Map();

/**
 * Judges a manifest; the same function for the command line, the registry and the host, so that all three say the same.
 * @param source  the file's bytes, or a value that was parsed strictly
 * @source plugin-platform §2.2
 */
export function checkManifest(source: Uint8Array | object): ManifestVerdict {
  let value: unknown = source;
  if (source instanceof Uint8Array) {
    try {
      value = parseStrictJson(source, { maxBytes: CONSTANTS.MANIFEST_FILE_MAX_BYTES, maxDepth: NESTING_MAX });
    } catch (error) {
      return { ok: false, errors: [{ path: "", message: HnError.from(error).message }] };
    }
  }
  manifestShape ??= ajv.compile(MANIFEST_SCHEMA);
  if (!manifestShape(value)) return { ok: false, errors: problems(manifestShape, "") };
  const manifest = value as PluginManifest;
  const misshapen = [
    ...checkScopes("/permissions", manifest.permissions),
    ...checkScopes("/optionalPermissions", manifest.optionalPermissions ?? []),
  ];
  // What a scope means can be asked only of one that has its shape.
  const errors = misshapen.length > 0 ? misshapen : checkMeaning(manifest);
  return errors.length === 0 ? { ok: true, manifest } : { ok: false, errors };
}

/** @throws bad_request manifest_invalid, naming the first fields at fault */
export function requireManifest(source: Uint8Array | object): PluginManifest {
  const verdict = checkManifest(source);
  if (verdict.ok) return verdict.manifest;
  const shown = verdict.errors.slice(0, 3).map((e) => `${e.path || "/"} ${e.message}`);
  throw new HnError("bad_request", {
    reason: "manifest_invalid",
    message: `The plugin's manifest is not valid: ${shown.join("; ")}.`,
    paths: verdict.errors.map((e) => e.path),
  });
}

/**
 * Judges the scope of one permission: a manifest's wish, or what the operator grants of it.
 * @param o.at       JSON pointer of the scope, for what is said of it
 * @param o.granted  with what only the operator adds, such as the folder for `fs.mount`
 * @source plugin-platform §3.1
 */
export function checkScope(name: PermissionName, scope: JsonObject, o: { at: string; granted?: boolean }): ManifestProblem[] {
  const shape = scopeShape(name, o.granted === true);
  if (!shape(scope)) return problems(shape, o.at);
  // Under its own authority a plugin names whom it calls.
  const { capabilities, own } = scope;
  if (name === "bus.call" && own === true && Array.isArray(capabilities) && capabilities.includes("*"))
    return [{ path: `${o.at}/own`, message: 'does not go together with "*"' }];
  return [];
}

function scopeShape(name: PermissionName, granted: boolean): ValidateFunction {
  const schema = (granted ? GRANTED[name] : undefined) ?? SCOPES[name];
  const key = `${name} ${schema === SCOPES[name] ? "asked" : "granted"}`;
  const known = scopeShapes.get(key);
  if (known !== undefined) return known;
  const shape = ajv.compile(schema);
  scopeShapes.set(key, shape);
  return shape;
}

function checkScopes(at: string, requests: PermissionRequest[]): ManifestProblem[] {
  return requests.flatMap(({ name, scope }, i) => checkScope(name, scope ?? {}, { at: `${at}/${i}/scope` }));
}

function problems(validate: ValidateFunction, at: string): ManifestProblem[] {
  const seen = new Map<string, ManifestProblem>();
  for (const error of validate.errors ?? []) {
    const extra =
      error.keyword === "additionalProperties"
        ? `/${String(error.params["additionalProperty"])}`
        : error.keyword === "required"
          ? `/${String(error.params["missingProperty"])}`
          : "";
    const path = `${at}${error.instancePath}${extra}`;
    if (!seen.has(path))
      seen.set(path, {
        path,
        message:
          error.keyword === "additionalProperties"
            ? "is not a known field"
            : error.keyword === "required"
              ? "is missing"
              : (error.message ?? "is malformed"),
      });
  }
  return [...seen.values()].slice(0, 50);
}

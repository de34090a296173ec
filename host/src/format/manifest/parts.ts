/** Reusable pieces of the manifest schema. Closed objects everywhere. @source plugin-platform §2.1, §2.2 */
export type Schema = Record<string, unknown>;

export const TEXT = (max: number): Schema => ({ type: "string", minLength: 1, maxLength: max });
export const COUNT = (min: number, max: number): Schema => ({ type: "integer", minimum: min, maximum: max });
export const LIST = (items: Schema, max: number): Schema => ({ type: "array", items, maxItems: max });
export const FLAG: Schema = { type: "boolean" };

/** A closed object; a name that ends in `?` is optional. */
export function closed(fields: Record<string, Schema>): Schema {
  const names = Object.keys(fields);
  return {
    type: "object",
    additionalProperties: false,
    required: names.filter((name) => !name.endsWith("?")),
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ""), fields[name] ?? {}])),
  };
}

/** Texts per language; English is always there. */
export function i18n(max: number): Schema {
  return {
    type: "object",
    required: ["en"],
    propertyNames: { pattern: "^[a-z]{2,3}(-[A-Z]{2})?$" },
    additionalProperties: TEXT(max),
    maxProperties: 40,
  };
}

export const SEGMENT = "[a-z][a-z0-9-]{1,38}";
export const PLUGIN_ID: Schema = { type: "string", pattern: `^${SEGMENT}/${SEGMENT}$` };
export const SEMVER: Schema = {
  type: "string",
  pattern: "^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)\\.(0|[1-9]\\d*)(-[0-9A-Za-z.-]{1,64})?$",
  maxLength: 96,
};
export const VERSION: Schema = { type: "string", pattern: "^(0|[1-9]\\d{0,4})\\.(0|[1-9]\\d{0,4})$" };
export const RANGE: Schema = { type: "string", pattern: "^[0-9A-Za-z.<>=~^|* -]{1,128}$" };
export const CAPABILITY: Schema = { type: "string", pattern: "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$", maxLength: 64 };
export const SLUG: Schema = { type: "string", pattern: "^[a-z][a-z0-9_-]{0,38}$" };
/** Relative path inside the package; the archive rules judge it again. */
export const PATH: Schema = {
  type: "string",
  pattern: "^[A-Za-z0-9_@-][A-Za-z0-9_@. -]*(/[A-Za-z0-9_@-][A-Za-z0-9_@. -]*){0,11}$",
  maxLength: 200,
};
export const POINTER: Schema = { type: "string", pattern: "^(/([^/~]|~[01])+)+$", maxLength: 200 };
export const HEX64: Schema = { type: "string", pattern: "^[0-9a-f]{64}$" };
export const HTTPS: Schema = { type: "string", pattern: "^https://[^\\s]+$", maxLength: 500 };

/** Small JSON Schemas that several routes share. */
export const TEXT = (maxLength: number): Record<string, unknown> => ({ type: "string", minLength: 1, maxLength });
export const EMPTY: Record<string, unknown> = { type: "object", additionalProperties: false, properties: {} };

/** A closed object: everything named is required unless its name ends in `?`. */
export function shape(fields: Record<string, Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(fields);
  return {
    type: "object",
    additionalProperties: false,
    required: names.filter((name) => !name.endsWith("?")),
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ""), fields[name] ?? {}])),
  };
}

export const GRANTS: Record<string, unknown> = {
  type: "array",
  maxItems: 64,
  items: shape({
    permission: TEXT(64),
    "scope?": { type: "object" },
    mode: { enum: ["allow", "ask", "deny"] },
    "expires?": { type: "integer", minimum: 0 },
  }),
};

import { schemaInvalid } from "./fault.ts";

/** Keys from the root of a body down to a field. */
export type Path = string[];

/**
 * Reads a JSON pointer (RFC 6901).
 * @throws bad_request reason schema_invalid
 */
export function parsePointer(pointer: string): Path {
  if (!/^(?:\/(?:[^~/]|~[01])+)+$/u.test(pointer) || pointer.length > 256) {
    throw schemaInvalid("list of binary fields", `"${pointer.slice(0, 60)}" is not a JSON pointer to a field`);
  }
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

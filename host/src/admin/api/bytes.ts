import { encodeBase64url } from "../../foundation/index.ts";

/** Bytes inside the node become base64url where they leave it as JSON. */
export function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return encodeBase64url(value);
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBytes(item)]));
}

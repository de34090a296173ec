import { encodeBase64url } from "../../foundation/index.ts";
import type { JsonObject } from "../../contract/index.ts";

/** The value as it travels: bytes become base64url text. Shares whatever holds no bytes. @source 00 §3 */
export function toWire(value: JsonObject): JsonObject {
  return encode(value) as JsonObject;
}

function encode(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return encodeBase64url(value);
  if (Array.isArray(value)) {
    const items = value.map(encode);
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    const coded = encode(item);
    if (coded === item) continue;
    copy ??= { ...(value as Record<string, unknown>) };
    copy[key] = coded;
  }
  return copy ?? value;
}

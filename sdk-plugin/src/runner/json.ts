/** What authors hand over, as what may travel. */
import type { JsonObject } from "@hearthnet/host/contract";
import { takeBytes } from "@hearthnet/host/format";
import { rawBytes } from "../bytes.ts";

/**
 * A value without its bytes, and the bytes by JSON pointer.
 * @throws TypeError when `value` is no plain object
 */
export function split(value: object): { json: JsonObject; attachments: Record<string, Uint8Array> } {
  if (!mayHoldBytes(value, 0)) return { json: value as JsonObject, attachments: NONE };
  return takeBytes(unwrap(value, 0) as JsonObject);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Kind of a value, for messages to authors. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return value === undefined ? "nothing" : value instanceof Uint8Array ? "bytes" : `a value of type ${typeof value}`;
}

const DEPTH_MAX = 64;
const NONE: Record<string, Uint8Array> = Object.freeze({});

/** Most answers hold no bytes: looking is cheaper than copying. */
function mayHoldBytes(value: object, depth: number): boolean {
  if (depth > DEPTH_MAX) throw new TypeError("The value is nested more than 64 levels deep, or contains itself.");
  if (rawBytes(value) !== undefined) return true;
  for (const key in value) {
    const inner = (value as Record<string, unknown>)[key];
    if (typeof inner === "object" && inner !== null && mayHoldBytes(inner, depth + 1)) return true;
  }
  return false;
}

/** Puts `Uint8Array` in the place of every `HnBytes`; copies only what holds one. */
function unwrap(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (depth > DEPTH_MAX) throw new TypeError("The value is nested more than 64 levels deep, or contains itself.");
  const raw = rawBytes(value);
  if (raw !== undefined) return raw;
  let copy: unknown[] | Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(value)) {
    const plain = unwrap(inner, depth + 1);
    if (plain === inner) continue;
    copy ??= Array.isArray(value) ? [...(value as unknown[])] : { ...(value as Record<string, unknown>) };
    (copy as Record<string, unknown>)[key] = plain;
  }
  return copy ?? value;
}

/** Reads the arguments of an op. They come from a plugin: every field is checked before use. */
import type { JsonObject, JsonValue } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";

function wrong(field: string, expected: string): HnError {
  return new HnError("bad_request", { message: `The argument ${field} must be ${expected}.`, paths: [`/${field}`] });
}

export function text(args: JsonObject, field: string, maxLength: number = 1024): string {
  const value = args[field];
  if (typeof value !== "string" || value.length > maxLength) throw wrong(field, `a text of at most ${maxLength} characters`);
  return value;
}

export function optionalText(args: JsonObject, field: string, maxLength: number = 1024): string | undefined {
  return args[field] === undefined ? undefined : text(args, field, maxLength);
}

export function whole(args: JsonObject, field: string): number {
  const value = args[field];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong(field, "a whole number");
  return value;
}

export function optionalWhole(args: JsonObject, field: string): number | undefined {
  return args[field] === undefined ? undefined : whole(args, field);
}

/** Absent counts as false. */
export function flag(args: JsonObject, field: string): boolean {
  const value = args[field] ?? false;
  if (typeof value !== "boolean") throw wrong(field, "true or false");
  return value;
}

export function object(args: JsonObject, field: string): JsonObject {
  const value = args[field];
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    throw wrong(field, "an object");
  return value;
}

export function optionalObject(args: JsonObject, field: string): JsonObject {
  return args[field] === undefined ? {} : object(args, field);
}

export function required(args: JsonObject, field: string): JsonValue {
  const value = args[field];
  if (value === undefined) throw wrong(field, "given");
  return value;
}

/** Byte arrays that were placed at the list's nulls. */
export function byteList(args: JsonObject, field: string): Uint8Array[] {
  const value: unknown = args[field] ?? [];
  if (!Array.isArray(value) || !value.every((entry) => entry instanceof Uint8Array)) throw wrong(field, "a list of bytes");
  return value;
}

import { HnError } from "../../foundation/index.ts";

const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;
/** No receiver's strict parser would take these, so nothing with them is signed (I-4). */
const FORBIDDEN: ReadonlySet<string> = new Set(["__proto__", "constructor"]);
const MAX_DEPTH = 64;

/** @returns UTF-8 of the canonical text @source 01 §3 */
export function canonicalBytes(value: unknown): Uint8Array {
  // All text in it is well-formed, so this is the same UTF-8 as any encoder's, and the quickest.
  return Buffer.from(canonicalText(value), "utf8");
}

/**
 * The one form of a JSON value that is hashed and signed: keys by code point, no white space, shortest numbers.
 * Members that are `undefined` are left out, as JSON does.
 * @throws bad_request for what has no such form: NaN, unsafe integers, lone surrogates, functions, dates, bytes, nesting beyond 64
 * @source 01 §3, I-4
 */
export function canonicalText(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return text(value);
    case "number":
      return number(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      if (depth >= MAX_DEPTH) throw wrong("The value is nested too deeply to be signed.");
      return Array.isArray(value) ? array(value, depth) : object(value as Record<string, unknown>, depth);
    default:
      throw wrong("Only JSON values can be signed.");
  }
}

function array(list: unknown[], depth: number): string {
  let out = "[";
  for (let i = 0; i < list.length; i++) out += (i === 0 ? "" : ",") + write(list[i], depth + 1);
  return `${out}]`;
}

function object(value: Record<string, unknown>, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A date, map or byte array would silently be written as something that it is not: what they inherit from inherits in turn.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw wrong("Only plain JSON objects can be signed.");
  const keys = Object.keys(value);
  sortByCodePoint(keys);
  let out = "{";
  for (const key of keys) {
    const item = value[key];
    if (item === undefined) continue;
    if (FORBIDDEN.has(key)) throw wrong(`The key ${key} cannot be signed.`);
    out += `${out.length === 1 ? "" : ","}${text(key)}:${write(item, depth + 1)}`;
  }
  return `${out}}`;
}

function text(value: string): string {
  if (!value.isWellFormed()) throw wrong("Text with half a character cannot be signed.");
  return NEEDS_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`;
}

function number(value: number): string {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
    throw wrong("This number cannot be signed exactly.");
  // `String(-0)` is "0" already; for all others ECMAScript's form is the canonical one.
  return String(value);
}

/** JavaScript sorts by UTF-16 unit, which puts characters beyond U+FFFF before U+E000; the protocol sorts by code point. */
function sortByCodePoint(keys: string[]): void {
  for (let i = 1; i < keys.length; i++) {
    // What we make ourselves mostly stands in order already.
    if (compareText(keys[i - 1] ?? "", keys[i] ?? "") > 0) return void keys.sort(compareText);
  }
}

function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return weight(x) - weight(y);
  }
  return a.length - b.length;
}

/** Moves surrogates above the rest of the basic plane. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function wrong(message: string): HnError {
  return new HnError("bad_request", { message });
}

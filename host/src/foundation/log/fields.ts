import type { LogFields } from "../../contract/index.ts";
import { HnError } from "../errors.ts";

/** Parts of names under which a secret stands. Numbers pass: `tokens_out: 12` is no secret. */
const SECRET = /password|passphrase|secret|token|seed|private_?key|signature|cookie|authorization/i;
/** Names under which somebody's words or pictures stand. */
const WORDS: ReadonlySet<string> = new Set(["body", "input", "output", "params", "text", "data", "invite", "content"]);
const HIDDEN = "[hidden]";
const TEXT_MAX = 2000;
const STACK_MAX = 8000;
const ITEMS_MAX = 50;
const DEPTH_MAX = 4;

/**
 * What may stand in a log line: no secrets, no bodies, no bytes, and bounded in every direction, at every depth.
 * Errors appear as code, reason and the stack of the innermost cause: this log stays on the machine.
 */
export function safeFields(fields: LogFields): LogFields {
  const { error, ...rest } = fields;
  const safe = members(rest, 0);
  return error === undefined ? safe : { ...safe, error: readableError(error) };
}

function members(object: object, depth: number): LogFields {
  const entries = Object.entries(object);
  const out: LogFields = {};
  for (const [name, value] of entries.slice(0, ITEMS_MAX)) out[name] = isPrivate(name, value) ? HIDDEN : safeValue(value, depth);
  if (entries.length > ITEMS_MAX) out["…"] = `${entries.length - ITEMS_MAX} more`;
  return out;
}

function isPrivate(name: string, value: unknown): boolean {
  if (typeof value === "number" || typeof value === "boolean" || value === null || value === undefined) return false;
  return SECRET.test(name) || WORDS.has(name.toLowerCase());
}

function safeValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return clip(value, TEXT_MAX);
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return readableError(value);
  if (depth >= DEPTH_MAX) return "[…]";
  if (!Array.isArray(value)) return members(value, depth + 1);
  const list = value.slice(0, ITEMS_MAX).map((item) => safeValue(item, depth + 1));
  return value.length > ITEMS_MAX ? [...list, `… ${value.length - ITEMS_MAX} more`] : list;
}

function readableError(error: unknown): LogFields {
  let cause: unknown = error;
  for (let i = 0; i < 8 && HnError.isHnError(cause) && cause.cause !== undefined; i++) cause = cause.cause;
  const stack = clip(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause), STACK_MAX);
  return HnError.isHnError(error) ? { code: error.code, reason: error.reason, stack } : { stack };
}

function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length - max} more characters)`;
}

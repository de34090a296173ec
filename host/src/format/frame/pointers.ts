/** Moves bytes between JSON values and attachments. @source plugin-platform §4 "Binary path", §5.1 */
import type { JsonObject } from "../../contract/index.ts";
import { protocolError } from "./codec.ts";

const NONE: Record<string, Uint8Array> = Object.freeze({});

/**
 * Takes every `Uint8Array` out of a value: a copy with `null` at their places, and the bytes by JSON pointer.
 * Parts without bytes are shared with the original, not copied.
 */
export function takeBytes(value: JsonObject): { json: JsonObject; attachments: Record<string, Uint8Array> } {
  if (!holdsBytes(value)) return { json: value, attachments: NONE };
  const attachments: Record<string, Uint8Array> = {};
  const json = strip(value, "", attachments) as JsonObject;
  return { json, attachments };
}

/** Most values hold none: looking is cheaper than building pointers. */
function holdsBytes(value: object): boolean {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner !== "object" || inner === null) continue;
    if (inner instanceof Uint8Array || holdsBytes(inner)) return true;
  }
  return false;
}

function strip(value: unknown, pointer: string, found: Record<string, Uint8Array>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    found[pointer] = value;
    return null;
  }
  let copy: unknown[] | Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== "object" || inner === null) continue;
    const stripped = strip(inner, `${pointer}/${escape(key)}`, found);
    if (stripped === inner) continue;
    copy ??= Array.isArray(value) ? [...(value as unknown[])] : { ...(value as Record<string, unknown>) };
    (copy as Record<string, unknown>)[key] = stripped;
  }
  return copy ?? value;
}

/**
 * Puts attachments into the value that holds `null` at their pointers; changes `value` in place.
 * @throws plugin_gone reason protocol_error when a pointer leads nowhere or to something else than null
 */
export function placeBytes(value: JsonObject, attachments: ReadonlyMap<string, Uint8Array>): void {
  for (const [pointer, bytes] of attachments) {
    const steps = pointer.split("/").slice(1).map(unescape);
    const last = steps.pop();
    let at: unknown = value;
    for (const step of steps) at = own(at, step);
    if (last === undefined || own(at, last) !== null)
      throw protocolError("An attachment points to a place that does not hold null.");
    (at as Record<string, unknown>)[last] = bytes;
  }
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

const escape = (key: string): string => (/[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key);
const unescape = (step: string): string => (step.includes("~") ? step.replaceAll("~1", "/").replaceAll("~0", "~") : step);

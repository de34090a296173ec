import { placeBytes, takeBytes } from "../../format/index.ts";
import type { JsonObject, JsonValue } from "../../contract/index.ts";
import { badFrame } from "./fault.ts";

/** What both manifests of a session agree on where bytes go as they are. @source network.md §1.2 `features` */
export const RAW_BYTES = "bytes";

const ATTACHED_MAX = 32;
const POINTER_MAX_CHARS = 256;

/** Where bytes belong in the JSON before them, and how many; in the order in which they follow it. */
export type Attached = readonly (readonly [pointer: string, sizeBytes: number])[];

/** A JSON object whose bytes go beside it. */
export interface Parted {
  json: JsonObject;
  /** Absent when there are none. */
  att?: Attached;
  bytes: readonly Uint8Array[];
}

/** Takes the bytes out of a value, to be sent after it as they are. */
export function part(value: JsonObject): Parted {
  const { json, attachments } = takeBytes(value);
  const bytes = Object.values(attachments);
  if (bytes.length === 0) return { json, bytes };
  return { json, att: Object.entries(attachments).map(([pointer, { byteLength }]) => [pointer, byteLength] as const), bytes };
}

/** As a record says it: `[["/piece", 262144]]`. @throws SessionFault 4400 */
export function readAttached(value: JsonValue | undefined, isAgreed: boolean): Attached {
  if (value === undefined) return [];
  if (!isAgreed) throw badFrame("raw bytes that were not agreed on");
  if (!Array.isArray(value) || value.length === 0 || value.length > ATTACHED_MAX) throw badFrame("a broken list of bytes");
  return value.map((entry) => {
    const [pointer, size] = Array.isArray(entry) && entry.length === 2 ? entry : [];
    if (typeof pointer !== "string" || !pointer.startsWith("/") || pointer.length > POINTER_MAX_CHARS)
      throw badFrame("bytes without their place");
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) throw badFrame("bytes without their size");
    return [pointer, size] as const;
  });
}

/** Puts bytes where they belong; changes `value`. @throws SessionFault 4400 for a place that does not wait for any */
export function attach(value: JsonObject, attachments: ReadonlyMap<string, Uint8Array>): JsonObject {
  try {
    placeBytes(value, attachments);
  } catch (cause) {
    throw badFrame(String(cause));
  }
  return value;
}

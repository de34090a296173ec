import type { CommunityId, JsonValue, RangeMessage, SyncRange } from "../../contract/index.ts";
import { decodeBase64url, HnError } from "../../foundation/index.ts";
import { BEGINNING, type Bound, compareBounds, END } from "./sum-tree.ts";

/** @source network.md §5 "Range message" */
export const FRAME_BYTES = 60_000;
/** First bytes of an item's hash that name it on the wire, and length of a fingerprint. */
export const ID_BYTES = 16;

/** A stretch with both ends. */
export interface Range {
  from: Bound;
  to: Bound;
  mode: 0 | 1 | 2;
  /** Fingerprint, or ids end to end; empty for mode 0. */
  data: Uint8Array;
}

/** How many bytes of a frame a range takes at most, its comma included. */
export function sizeOf({ to, data }: Pick<Range, "to" | "data">): number {
  return 45 + String(to[0]).length + to[1].length + Math.ceil((data.byteLength * 4) / 3);
}

/** Consecutive ranges; neighbours that are both settled become one. */
export function writeRanges(ranges: readonly Range[]): SyncRange[] {
  const out: SyncRange[] = [];
  for (const { to, mode, data } of ranges) {
    const last = out.at(-1);
    if (mode === 0 && last?.mode === 0) last.to = [to[0], to[1]];
    else if (mode === 0) out.push({ to: [to[0], to[1]], mode });
    else out.push({ to: [to[0], to[1]], mode, data: Buffer.from(data).toString("base64url") });
  }
  return out;
}

/**
 * Reads a range message out of strictly parsed JSON. Ranges lie end to end and rise; none is empty.
 * @throws bad_request
 */
export function readRangeMessage(value: unknown, community: CommunityId): { floor: number; ranges: Range[] } {
  const message = value as Partial<Record<keyof RangeMessage, JsonValue>>;
  const { community_id, floor, ranges } = message;
  if (community_id !== community) throw wrong("it belongs to another community");
  if (typeof floor !== "number" || !Number.isSafeInteger(floor) || floor < 0) throw wrong("floor must be an integer from 0");
  if (!Array.isArray(ranges) || ranges.length === 0) throw wrong("it needs ranges");
  if (ranges.length > FRAME_BYTES / 32) throw wrong("it has too many ranges");
  let from = BEGINNING;
  let room = FRAME_BYTES;
  return {
    floor,
    ranges: ranges.map((item) => {
      const range = readRange(item, from);
      from = range.to;
      room -= sizeOf(range);
      if (room < 0) throw wrong("it is larger than 60 KB");
      return range;
    }),
  };
}

function readRange(item: JsonValue, from: Bound): Range {
  if (typeof item !== "object" || item === null || Array.isArray(item)) throw wrong("a range must be an object");
  const { to, mode, data } = item;
  if (!Array.isArray(to) || to.length !== 2) throw wrong("a range ends with [lamport, id prefix]");
  const [lamport, id] = to;
  if (typeof lamport !== "number" || !Number.isSafeInteger(lamport) || typeof id !== "string" || !/^[0-9A-Z]{0,26}$/.test(id))
    throw wrong("a range ends with [lamport, id prefix]");
  const end: Bound = [lamport, id];
  if (compareBounds(end, from) <= 0 || compareBounds(end, END) > 0) throw wrong("ranges must rise");
  if (mode === 0 && data === undefined) return { from, to: end, mode, data: new Uint8Array() };
  if ((mode !== 1 && mode !== 2) || typeof data !== "string") throw wrong("a range has mode 0, 1 or 2 and its data");
  const bytes = decodeBase64url(data);
  if (mode === 1 ? bytes.byteLength !== ID_BYTES : bytes.byteLength % ID_BYTES !== 0) throw wrong("ids have 16 bytes each");
  return { from, to: end, mode, data: bytes };
}

export function wrong(what: string): HnError {
  return new HnError("bad_request", { message: `The comparison of logs was ended: ${what}.` });
}

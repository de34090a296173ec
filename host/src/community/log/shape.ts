import { createHash } from "node:crypto";
import { CONSTANTS, type CommunityId, type Event, type JsonObject, type Position } from "../../contract/index.ts";
import { HnError, isUlid, parseTime } from "../../foundation/index.ts";
import { canonicalBytes, parseNodeId } from "../../identity/index.ts";

const KEYS: ReadonlySet<string> = new Set([
  "author",
  "community_id",
  "data",
  "event_id",
  "event_type",
  "lamport",
  "schema_version",
  "signature",
  "wall_clock",
]);
const TYPE = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;

/** An event in the exact form in which it was signed, with the bytes that are stored. */
export interface ShapedEvent {
  event: Event;
  raw: Uint8Array;
  /** SHA-256 of `raw`. */
  hash: Uint8Array;
}

/**
 * Reads one event from strictly parsed JSON: exactly nine keys, unsigned `_` siblings dropped.
 * @throws bad_request
 * @source 04 §1, E-1, §4 step 1
 */
export function shapeEvent(value: unknown): ShapedEvent {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("an event must be an object");
  const source = value as JsonObject;
  const keys = Object.keys(source).filter((key) => !key.startsWith("_"));
  if (keys.length !== KEYS.size || !keys.every((key) => KEYS.has(key)))
    throw wrong(`an event has exactly the keys ${[...KEYS].join(", ")}`);
  const { author, community_id, data, event_id, event_type, lamport, schema_version, signature, wall_clock } = source;
  // In the order in which it is written and signed.
  const event = {
    author,
    community_id,
    data,
    event_id,
    event_type,
    lamport,
    schema_version,
    signature,
    wall_clock,
  } as unknown as Event;
  checkFields(event);
  const raw = canonicalBytes(event);
  if (raw.byteLength > CONSTANTS.EVENT_MAX_BYTES)
    throw new HnError("bad_request", { reason: "too_large", message: "An event may have 64 KiB at most." });
  return { event, raw, hash: sha256(raw) };
}

/** Bytes that the signature covers: `raw` without its eighth member. */
export function signedBytes({ event, raw }: ShapedEvent): Uint8Array {
  // A signature of another form than 01 §4 has is refused whatever it covers, and the time after it has a fixed form.
  const after = Buffer.byteLength(`,"wall_clock":"${event.wall_clock}"}`);
  const text = Buffer.byteLength(`,"signature":${JSON.stringify(event.signature)}`);
  const end = raw.byteLength - after;
  return Buffer.concat([raw.subarray(0, end - text), raw.subarray(end)]);
}

function checkFields(event: Event): void {
  if (event.schema_version !== 1) throw wrong("schema_version must be 1");
  if (!isUlid(event.event_id)) throw wrong("event_id must be 26 characters 0-9 A-Z");
  if (typeof event.event_type !== "string" || event.event_type.length > 64 || !TYPE.test(event.event_type))
    throw wrong("event_type must be dotted lower case, 64 characters at most");
  if (!Number.isSafeInteger(event.lamport) || event.lamport < 1) throw wrong("lamport must be an integer from 1");
  if (typeof event.data !== "object" || event.data === null || Array.isArray(event.data)) throw wrong("data must be an object");
  if (typeof event.signature !== "string") throw wrong("signature must be text");
  parseTime(event.wall_clock);
  parseNodeId(event.author);
  parseNodeId(event.community_id);
}

/** @throws bad_request when the event belongs to another log (04 §4 step 2) */
export function checkCommunity(event: Event, community: CommunityId): void {
  if (event.community_id !== community) throw wrong("the event belongs to another community");
}

/** Total order of the log: lamport, then ids bytewise. @source 04 §3 */
export function compareEvents(a: Position, b: Position): number {
  return a.lamport - b.lamport || compareText(a.event_id, b.event_id) || compareText(a.author, b.author);
}

/** Bytewise on the ASCII ids used here. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function wrong(what: string): HnError {
  return new HnError("bad_request", { message: `The event was refused: ${what}.` });
}

import { parseStrictJson } from "../../foundation/index.ts";
import { CONSTANTS, type JsonObject } from "../../contract/index.ts";
import { badFrame } from "./fault.ts";
import { FRAME_MAX_RECORDS, KIND, type FrameHeader } from "./frame.ts";

/** @source network.md §1.4 */
export const TYPE = {
  call: 0x01,
  result: 0x02,
  error: 0x03,
  event: 0x04,
  bytes: 0x05,
  end: 0x06,
  ping: 0x40,
  pong: 0x41,
  credit: 0x42,
  cancel: 0x43,
  seal: 0x44,
  rekey: 0x45,
  goaway: 0x46,
  close: 0x47,
} as const;

export type RecordType = (typeof TYPE)[keyof typeof TYPE];

const KNOWN: ReadonlySet<number> = new Set(Object.values(TYPE));
/** From here on, types belong to the connection and not to a call. */
const FIRST_CONTROL = 0x40;
/** Those that are sealed themselves; events and bytes are covered by the digest in END. @source network.md §1.4 "Leaf" */
const LEAVES: ReadonlySet<number> = new Set([TYPE.call, TYPE.result, TYPE.error, TYPE.end]);

/** On CALL, RESULT and EVENT: the JSON follows as BYTES. On BYTES after an EVENT: these are the last. */
export const FOLLOWS = 1;
export const RECORD_HEADER_BYTES = 12;
/** JSON longer than this follows as BYTES, and no BYTES are longer. */
export const BODY_MAX_BYTES = 65_536;
/** From here on a body stays where it is until its frame is written. */
const APART_BYTES = 4096;

/** A body as deep as HTTP takes it, within the record's own object. */
const DEPTH_MAX = CONSTANTS.JSON_MAX_DEPTH + 1;

export interface PeerRecord {
  type: RecordType;
  flags: number;
  id: number;
  body: Buffer;
  /** Header and body as they stand on the wire. */
  raw: Buffer;
}

/** What a record says, before it is written. */
export interface RecordFacts {
  type: RecordType;
  id: number;
  flags?: number;
  body: Uint8Array | string;
}

export function encodeRecord(o: RecordFacts): Buffer {
  const bodyBytes = typeof o.body === "string" ? Buffer.byteLength(o.body) : o.body.byteLength;
  const record = Buffer.allocUnsafe(RECORD_HEADER_BYTES + bodyBytes);
  putRecordHeader(record, o, bodyBytes);
  if (typeof o.body === "string") record.write(o.body, RECORD_HEADER_BYTES, "utf8");
  else record.set(o.body, RECORD_HEADER_BYTES);
  return record;
}

/** The same without a copy of the body; whoever hands it over leaves it as it is from then on. */
export function encodeInParts(o: RecordFacts): readonly Uint8Array[] {
  if (typeof o.body === "string" || o.body.byteLength < APART_BYTES) return [encodeRecord(o)];
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  putRecordHeader(header, o, o.body.byteLength);
  return [header, o.body];
}

function putRecordHeader(target: Buffer, o: RecordFacts, bodyBytes: number): void {
  target[0] = o.type;
  target[1] = o.flags ?? 0;
  target.writeUInt16BE(0, 2);
  target.writeUInt32BE(o.id, 4);
  target.writeUInt32BE(bodyBytes, 8);
}

/**
 * The records of a frame whose tag was right. Which types may stand in which kind of frame is part of the form.
 * @throws SessionFault 4400
 */
export function readRecords(payload: Buffer, header: Pick<FrameHeader, "kind" | "sealed">): PeerRecord[] {
  const records: PeerRecord[] = [];
  const most = FRAME_MAX_RECORDS + (header.sealed ? 1 : 0);
  for (let at = 0; at < payload.byteLength;) {
    if (records.length === most) throw badFrame("more than 64 records in a frame");
    if (payload.byteLength - at < RECORD_HEADER_BYTES) throw badFrame("a record without its header");
    const end = at + RECORD_HEADER_BYTES + payload.readUInt32BE(at + 8);
    if (end > payload.byteLength) throw badFrame("a record longer than its frame");
    const type = payload[at] ?? 0;
    if (!KNOWN.has(type)) throw badFrame(`a record of type ${type}`);
    if (payload.readUInt16BE(at + 2) !== 0) throw badFrame("a record with reserved bits");
    const raw = payload.subarray(at, end);
    records.push({
      type: type as RecordType,
      flags: payload[at + 1] ?? 0,
      id: payload.readUInt32BE(at + 4),
      body: raw.subarray(RECORD_HEADER_BYTES),
      raw,
    });
    at = end;
  }
  checkPlaces(records, header);
  return records;
}

export function isLeaf(type: number): boolean {
  return LEAVES.has(type);
}

export function isControl(type: number): boolean {
  return type >= FIRST_CONTROL;
}

/** The JSON object of a record. @throws SessionFault 4400 */
export function jsonOf(bytes: Uint8Array): JsonObject {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, { maxBytes: Infinity, maxDepth: DEPTH_MAX });
  } catch (cause) {
    throw badFrame(`a record without JSON: ${String(cause)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badFrame("a record without a JSON object");
  return value as JsonObject;
}

function checkPlaces(records: readonly PeerRecord[], { kind, sealed }: Pick<FrameHeader, "kind" | "sealed">): void {
  if (records.length === 0) throw badFrame("an empty frame");
  const isData = kind === KIND.data;
  if (sealed !== (isData && records[0]?.type === TYPE.seal)) throw badFrame("a seal in the wrong place");
  for (const [place, { type, id }] of records.entries()) {
    if (isData && isControl(type) && !(place === 0 && sealed)) throw badFrame("control between data");
    if (!isData && !isControl(type)) throw badFrame("data between control");
    const ofCall = !isControl(type) || type === TYPE.cancel;
    if (ofCall === (id === 0) && type !== TYPE.credit) throw badFrame("a record under a wrong id");
  }
  if (isData && sealed && records.length === 1) throw badFrame("a seal without data in a data frame");
}

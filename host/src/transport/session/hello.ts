import { decodeBase64url, encodeBase64url, isTime, isUlid, parseStrictJson } from "../../foundation/index.ts";
import type { CommunityId, JsonObject, JsonValue, NodeId, Time, Ulid } from "../../contract/index.ts";
import { SUITES, type Suite } from "./cipher.ts";
import { badFrame } from "./fault.ts";
import { FRAME_MAX_BYTES, FRAME_TARGET_BYTES } from "./frame.ts";
import { PREFIX } from "./keys.ts";

/** A message of the handshake; nobody is known yet, so nobody may send more. @source network.md §1.2 */
export const MESSAGE_MAX_BYTES = 4096;
export const NONCE_BYTES = 32;
const NODE_ID = /^ed25519:[\w-]{43}$/;
const WORD = /^[\w.-]{1,32}$/;
const WORDS_MAX = 32;
const SIGNATURE_BYTES = 64;
const MAC_BYTES = 32;
const SID_BYTES = 16;

/** What a side can take; both obey the minimum of the two. Bytes, and calls open per direction. */
export interface Limits {
  calls: number;
  frame: number;
  session_window: number;
  stream_window: number;
}

export const LIMITS: Limits = { calls: 256, frame: FRAME_MAX_BYTES, session_window: 4_194_304, stream_window: 262_144 };
/** With less, not even one piece of a body would ever fit. */
const LEAST: Limits = { calls: 1, frame: 2 * FRAME_TARGET_BYTES, session_window: 262_144, stream_window: 2 * FRAME_TARGET_BYTES };

interface Opening {
  v: 1;
  from: NodeId;
  to: NodeId;
  community: CommunityId;
  /** Key of this attempt, `x25519:…`. */
  e: string;
  n: string;
  features: string[];
  limits: Limits;
  boot: Ulid;
  time: Time;
}

export interface Hello extends Opening {
  t: "hello";
  suites: string[];
  cb: "tls-exporter" | "none";
  via: NodeId | "";
  /** The live session of this pair that the new one takes the place of. */
  replaces?: string;
}

export interface Accept extends Opening {
  t: "accept";
  suite: Suite;
  sig: string;
  mac: string;
}

export interface Confirm {
  t: "confirm";
  sig: string;
  mac: string;
}

export interface Reject {
  t: "reject";
  code: string;
  server_time?: Time;
  signature?: string;
}

/** A message as it was received: its value for the transcript, all keys included, and what it says. */
export interface Received<T> {
  value: JsonObject;
  said: T;
}

/**
 * Reads HELLO. Ids are only looked at for their form, so that a stranger costs no curve operation.
 * @throws SessionFault 4400
 */
export function readHello(text: Uint8Array | string): Received<Hello> {
  const value = readMessage(text, "hello");
  const said: Hello = {
    t: "hello",
    ...readOpening(value),
    suites: words(value["suites"], 8),
    cb: check(value["cb"], (cb): cb is Hello["cb"] => cb === "tls-exporter" || cb === "none", "cb"),
    via: check(value["via"], (via): via is string => via === "" || isNodeIdText(via), "via"),
  };
  if (value["replaces"] !== undefined) said.replaces = bytesText(value["replaces"], SID_BYTES);
  return { value, said };
}

/** @throws SessionFault 4400 */
export function readAccept(value: JsonObject): Accept {
  return {
    t: "accept",
    ...readOpening(value),
    suite: check(value["suite"], (suite): suite is Suite => SUITES.includes(suite as Suite), "suite"),
    ...readProofs(value),
  };
}

/** @throws SessionFault 4400 */
export function readConfirm(text: Uint8Array | string): Confirm {
  return { t: "confirm", ...readProofs(readMessage(text, "confirm")) };
}

/** @throws SessionFault 4400 */
export function readReject(value: JsonObject): Reject {
  const { server_time: time, signature } = value;
  return {
    t: "reject",
    code: check(value["code"], (code): code is string => typeof code === "string" && WORD.test(code), "code"),
    ...(isTime(time) && typeof signature === "string" ? { server_time: time, signature } : {}),
  };
}

/** One text message of the handshake. @throws SessionFault 4400 */
export function readMessage(text: Uint8Array | string, ...types: string[]): JsonObject {
  let value: JsonValue;
  try {
    value = parseStrictJson(text, { maxBytes: MESSAGE_MAX_BYTES });
  } catch (cause) {
    throw badFrame(`a message that is not JSON or too long: ${String(cause)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badFrame("a message that is no object");
  const type = value["t"];
  if (typeof type !== "string" || !types.includes(type)) throw badFrame("a message out of its turn");
  return value;
}

/** The smaller of each. */
export function agreeLimits(a: Limits, b: Limits): Limits {
  const least = (key: keyof Limits): number => Math.min(a[key], b[key]);
  return {
    calls: least("calls"),
    frame: least("frame"),
    session_window: least("session_window"),
    stream_window: least("stream_window"),
  };
}

function readOpening(value: JsonObject): Opening {
  const { e, v, time, boot } = value;
  if (v !== 1) throw badFrame("another version of the handshake");
  if (typeof e !== "string" || !e.startsWith(PREFIX)) throw badFrame("e is malformed");
  bytesText(e.slice(PREFIX.length), NONCE_BYTES);
  return {
    v,
    from: check(value["from"], isNodeIdText, "from"),
    to: check(value["to"], isNodeIdText, "to"),
    community: check(value["community"], isNodeIdText, "community"),
    e,
    n: bytesText(value["n"], NONCE_BYTES),
    features: words(value["features"], WORDS_MAX),
    limits: readLimits(value["limits"]),
    boot: check(boot, isUlid, "boot"),
    time: check(time, isTime, "time"),
  };
}

function readLimits(value: JsonValue | undefined): Limits {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw badFrame("limits is malformed");
  const limit = (key: keyof Limits): number =>
    check(value[key], (n): n is number => typeof n === "number" && Number.isInteger(n) && n >= LEAST[key], `limits.${key}`);
  return {
    calls: limit("calls"),
    frame: limit("frame"),
    session_window: limit("session_window"),
    stream_window: limit("stream_window"),
  };
}

function readProofs(value: JsonObject): { sig: string; mac: string } {
  return { sig: bytesText(value["sig"], SIGNATURE_BYTES), mac: bytesText(value["mac"], MAC_BYTES) };
}

function isNodeIdText(value: unknown): value is string {
  return typeof value === "string" && NODE_ID.test(value);
}

function words(value: JsonValue | undefined, max: number): string[] {
  if (!Array.isArray(value) || value.length > max) throw badFrame("a list is malformed");
  return value.map((word) => check(word, (text): text is string => typeof text === "string" && WORD.test(text), "a word"));
}

/** Text of exactly so many bytes, in its one spelling. */
function bytesText(value: unknown, bytes: number): string {
  try {
    return encodeBase64url(decodeBase64url(value, bytes));
  } catch {
    throw badFrame(`something is not ${bytes} bytes in base64url`);
  }
}

function check<T>(value: unknown, fits: (value: unknown) => value is T, name: string): T {
  if (!fits(value)) throw badFrame(`${name} is malformed`);
  return value;
}

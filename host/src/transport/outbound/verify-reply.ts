import { HnError, isTime, parseStrictJson, parseTime } from "../../foundation/index.ts";
import { verifyTyped } from "../../identity/index.ts";
import { CONSTANTS, type JsonObject, type NodeId, type ResponseEnvelope, type StreamEnvelope } from "../../contract/index.ts";
import type { WholeReply } from "./whole-reply.ts";

/** Binary parts grow by a third in JSON; twice the request's ceiling holds every honest answer. */
export const REPLY_MAX_BYTES: number = CONSTANTS.CALL_BODY_CEILING_BYTES * 2;

/** What an answer must match. */
export interface Expected {
  from: NodeId;
  to: NodeId;
  requestId: string;
  /** Unix milliseconds by the callee's clock, as far as it is known; asked when the answer is there, which may be minutes later. */
  now: () => number;
}

function unsigned(cause?: unknown): HnError {
  return new HnError("invalid_signature", { reason: "response_unsigned", ...(cause === undefined ? {} : { cause }) });
}

/**
 * The body of an answer whose signature, sender, addressee and request id are in order. An `expired` refusal may be signed by a clock that
 * differs from ours: that difference is what it wants to tell.
 * @throws invalid_signature reason response_unsigned, response_stale
 * @source 02 T-10
 */
export function verifyReply(reply: WholeReply, expected: Expected): JsonObject {
  const field = (name: string): string | undefined => {
    const value = reply.headers[`x-hearthnet-${name}`];
    return typeof value === "string" ? value : undefined;
  };
  const body = readObject(reply.bytes);
  const timestamp = field("timestamp");
  const signature = field("signature");
  if (
    field("from") !== expected.from ||
    field("request-id") !== expected.requestId ||
    signature === undefined ||
    !isTime(timestamp)
  )
    throw unsigned();
  const { from, to, requestId } = expected;
  const envelope: ResponseEnvelope = { body, from, request_id: requestId, status: reply.status, timestamp, to };
  if (!verifyTyped("response", envelope, { by: expected.from, signature })) throw unsigned();
  if (body["error"] !== "expired") checkClock(timestamp, expected);
  return body;
}

/**
 * The data of a stream's last frame, when its signature covers every frame before it.
 * @param stream  number and digest of the frames as they arrived
 * @throws invalid_signature reason response_unsigned, response_stale
 * @source 02 T-14
 */
export function verifyTerminal(
  terminal: { event: string; data: JsonObject },
  stream: { frames: number; digest: string },
  expected: Expected,
): JsonObject {
  const { _sig: seal, ...data } = terminal.data;
  if (typeof seal !== "object" || seal === null || Array.isArray(seal)) throw unsigned();
  const { timestamp, signature } = seal;
  if (seal["frames"] !== stream.frames || seal["digest"] !== stream.digest || typeof signature !== "string" || !isTime(timestamp))
    throw unsigned();
  const envelope: StreamEnvelope = {
    request_id: expected.requestId,
    from: expected.from,
    to: expected.to,
    timestamp,
    frames: stream.frames,
    digest: stream.digest,
    terminal: { event: terminal.event, data },
  };
  if (!verifyTyped("stream", envelope, { by: expected.from, signature })) throw unsigned();
  if (data["error"] !== "expired") checkClock(timestamp, expected);
  return data;
}

function checkClock(timestamp: string, expected: Expected): void {
  if (Math.abs(parseTime(timestamp) - expected.now()) <= CONSTANTS.SIGNED_REQUEST_SKEW_SECONDS * 1000) return;
  throw new HnError("invalid_signature", { reason: "response_stale" });
}

function readObject(bytes: Uint8Array): JsonObject {
  try {
    const value = parseStrictJson(bytes, { maxBytes: REPLY_MAX_BYTES });
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw unsigned(cause);
  }
  throw unsigned();
}

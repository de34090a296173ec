import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { CONSTANTS, type JsonObject } from "../../contract/index.ts";

/** What a client says after its first message. @source 02 §8, T-17 */
export type ClientMessage =
  | { type: "ack"; upto: number }
  | { type: "tool_result"; toolCallId: string; body: JsonObject }
  | { type: "cancel" }
  | { type: "frame"; event: string; data: JsonObject; seq: number };

const NAME = /^[a-z][a-z0-9_.]{0,63}$/;
const ID_MAX = 128;

/** @throws bad_request reason message_malformed, json_… , too_large */
export function readClientMessage(text: Uint8Array | string): ClientMessage {
  const message = parseStrictJson(text, { maxBytes: CONSTANTS.FRAME_MAX_BYTES });
  if (!isObject(message)) throw malformed();
  const { type, upto, tool_call_id: id, body, event, data, seq } = message;
  if (type === "cancel") return { type };
  if (type === "ack" && isCount(upto)) return { type, upto };
  if (type === "tool_result" && typeof id === "string" && id !== "" && id.length <= ID_MAX && isObject(body))
    return { type, toolCallId: id, body };
  if (type === "frame" && typeof event === "string" && NAME.test(event) && isObject(data) && isCount(seq))
    return { type, event, data, seq };
  throw malformed();
}

/** What a bad message is told, and what the socket is closed for. @source 02 §8 close code 4400 */
export function malformed(message = "A message on this WebSocket has not the form of the protocol."): HnError {
  return new HnError("bad_request", { reason: "message_malformed", message });
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

import type { Frame, JsonObject, SocketEnd, SocketMessage } from "../../contract/index.ts";
import { protocolError } from "./codec.ts";

const EVENT = "message";
/** Longer texts travel as bytes: escaped, they could crowd a message's header. */
const TEXT_INLINE_CHARS = 131_072;
const NORMAL = 1000;
const REASON_MAX_BYTES = 123;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One message of a WebSocket on fd 3, in either direction: `{text}`, or `{encoded}` with a long text as bytes, or `{bytes}`. @source plugin-platform §2.4 */
export function socketFrame(message: SocketMessage): Frame {
  if (typeof message !== "string") return { event: EVENT, data: { bytes: message } as unknown as JsonObject };
  const data = message.length > TEXT_INLINE_CHARS ? { encoded: encoder.encode(message) } : { text: message };
  return { event: EVENT, data: data as unknown as JsonObject };
}

/** @throws plugin_gone reason protocol_error */
export function readSocketFrame({ event, data }: Frame): SocketMessage {
  const { text, encoded, bytes } = data as { text?: unknown; encoded?: unknown; bytes?: unknown };
  if (event === EVENT && typeof text === "string") return text;
  if (event === EVENT && bytes instanceof Uint8Array) return bytes;
  if (event === EVENT && encoded instanceof Uint8Array) return decoder.decode(encoded);
  throw protocolError("A frame is no message of a WebSocket.");
}

/** True for what a plugin may close a WebSocket with: 1000, or a code of its own. @source RFC 6455 §7.4.2 */
export function isSocketEnd({ code, reason }: SocketEnd): boolean {
  const isOwn = Number.isInteger(code) && code >= 3000 && code <= 4999;
  return (code === NORMAL || isOwn) && encoder.encode(reason).byteLength <= REASON_MAX_BYTES;
}

/** The summary of such a stream; what a plugin may not close with counts as an ordinary end. */
export function readSocketEnd({ code = NORMAL, reason = "" }: JsonObject): SocketEnd {
  const end = { code: Number(code), reason: typeof reason === "string" ? reason : "" };
  return isSocketEnd(end) ? end : { code: NORMAL, reason: "" };
}

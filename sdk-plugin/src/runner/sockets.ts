/** A WebSocket on a plugin's route, as its handler sees it. @source plugin-platform §2.4, §4.3 */
import { CONSTANTS, type Frame } from "@hearthnet/host/contract";
import { isSocketEnd, readSocketFrame, socketFrame, type Attachments } from "@hearthnet/host/format";
import type { Ctx } from "../context.ts";
import type { PluginDefinition } from "../definition.ts";
import type { Socket } from "../doors.ts";
import { HnError } from "../error.ts";
import { requestOf, type HttpMessage } from "./doors.ts";
import { abortError } from "./failure.ts";
import type { HostLink, Parent } from "./host-link.ts";
import { kindOf } from "./json.ts";

interface LiveSocket extends Parent {
  signal: AbortSignal;
  inbox: AsyncIterable<Frame> | undefined;
  /** Sends one frame when the host has room for it. */
  send: (frame: Frame) => Promise<void>;
}

/** @returns how it is closed: `{code, reason}` */
export async function answerSocket(
  message: HttpMessage,
  o: { definition: PluginDefinition; ctx: Ctx; link: HostLink; attachments: Attachments; live: LiveSocket },
): Promise<object> {
  const { definition, ctx, live } = o;
  const { route } = message;
  const handler = Object.hasOwn(definition.sockets ?? {}, route) ? definition.sockets?.[route] : undefined;
  if (handler === undefined)
    throw new HnError("not_implemented", { message: `The plugin has no handler for WebSockets at ${route}.` });
  const closed = Promise.withResolvers<object>();
  let isOver = false;
  const { body: _body, bytes: _bytes, ...request } = requestOf(message, o);
  const socket: Socket = {
    ...request,
    protocol: message.socket?.protocol ?? null,
    messages: () => messagesOf(live.inbox),
    send: async (one) => {
      if (isOver) throw abortError("The WebSocket has been closed.");
      await live.send(socketFrame(checkedMessage(one)));
    },
    close: (code = 1000, reason = "") => {
      if (!isSocketEnd({ code, reason }))
        throw new RangeError("close takes 1000 or a code from 3000 to 4999, and a reason of at most 123 bytes.");
      isOver = true;
      closed.resolve({ code, reason });
    },
  };
  // Whoever closes is done, even if the handler still tidies up.
  const ran = (async () => handler(socket, ctx))().then(() => ({}));
  try {
    return await Promise.race([ran, closed.promise]);
  } finally {
    isOver = true;
  }
}

async function* messagesOf(inbox: AsyncIterable<Frame> | undefined): AsyncGenerator<string | Uint8Array, void, void> {
  for await (const frame of inbox ?? []) yield readSocketFrame(frame);
}

function checkedMessage(message: unknown): string | Uint8Array {
  if (typeof message !== "string" && !(message instanceof Uint8Array))
    throw new TypeError(`A WebSocket sends a text or bytes, not ${kindOf(message)}.`);
  const size = typeof message === "string" ? new TextEncoder().encode(message).byteLength : message.byteLength;
  if (size > CONSTANTS.FRAME_MAX_BYTES)
    throw new HnError("bad_request", { reason: "too_large", message: "A message of a WebSocket has at most 1 MiB." });
  return message;
}

/** `ctx.net.websocket`: whole messages both ways. @source plugin-platform §4.3 */
import { createWebSocketStream, WebSocket } from "ws";
import type { JsonObject } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Field } from "./headers.ts";
import type { Network, Piece } from "./network.ts";
import type { Connection } from "./open.ts";
import { needsTls, secretField, type SecretHeader } from "./secret-headers.ts";
import type { Talk } from "./talk.ts";
import { nameOf } from "../permission/index.ts";
import { parseUrl } from "./target.ts";

export interface WebSocketRequest {
  url: string;
  protocols: readonly string[];
  fields: readonly Field[];
  secrets: readonly SecretHeader[];
}

const SCHEMES = ["ws:", "wss:"];
const HANDSHAKE_MS = 30_000;
const MESSAGE_MAX_BYTES = 1_048_576;

/**
 * Frames: `open {handle, protocol}`, then `message {bytes, text}`.
 * @returns code and reason of the end; 1006 when it broke off
 * @throws as `Network.use`
 */
export async function webSocketFor(network: Network, request: WebSocketRequest, talk: Talk): Promise<JsonObject> {
  const { url, target, tls } = parseUrl(request.url, SCHEMES);
  talk.about(target);
  const field = (secret: SecretHeader): Field => secretField(secret, target, network.rights(talk));
  const also = request.secrets.map((secret) => () => void field(secret));
  return network.use({ target, tls, talk, also }, async (connection, signal) => {
    talk.opened(connection);
    const refusal = request.secrets.length > 0 && !tls ? needsTls(target, connection.kind) : undefined;
    if (refusal !== undefined) throw refusal;
    // Once more: rights may have changed since.
    const injected = await talk.decide(() => request.secrets.map(field));
    for (const { secret } of request.secrets) talk.lent(secret, target);
    const socket = new WebSocket(url, [...request.protocols], {
      createConnection: () => connection.stream as never,
      headers: Object.fromEntries([...request.fields, ...injected]),
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MESSAGE_MAX_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
    });
    // One message at a time: the next is read from the network when the plugin has taken this one. Made at once, for a server may begin at once.
    const messages = createWebSocketStream(socket, { readableObjectMode: true, readableHighWaterMark: 1 });
    messages.on("error", () => {});
    const ended = Promise.withResolvers<{ code: number; reason: string }>();
    socket.on("close", (code, reason) => ended.resolve({ code, reason: reason.toString("utf8") }));
    await opened(socket, connection);
    return network.lend(writerOf(socket), async (handle) => {
      await talk.frame("open", { handle, protocol: socket.protocol });
      try {
        for await (const message of messages as AsyncIterable<string | Buffer>) {
          const text = typeof message === "string";
          await talk.frame("message", { bytes: (text ? Buffer.from(message) : message) as never, text });
        }
      } catch (error) {
        // How a server broke off is in the code of the end; that the plugin left, or may no more, is not.
        if (!messages.destroyed) throw error;
      }
      const end = await ended.promise;
      signal.throwIfAborted();
      if (HnError.isHnError(connection.wire.errored)) throw connection.wire.errored;
      return end;
    });
  });
}

function opened(socket: WebSocket, { target }: Connection): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const refused = (detail: string, cause?: unknown): void =>
    reject(
      new HnError("partition", {
        reason: "host_unreachable",
        message: `${nameOf(target)} opened no WebSocket${detail}.`,
        cause,
      }),
    );
  socket.once("open", resolve);
  socket.on("error", (cause) => refused("", cause));
  socket.once("unexpected-response", (_request, { statusCode = 0 }) => {
    refused(`: it answered ${statusCode}`);
    socket.terminate();
  });
  return promise;
}

function writerOf(socket: WebSocket): { write: (piece: Piece) => Promise<void>; end: (how: EndOf) => void } {
  return {
    write: ({ bytes, text }) =>
      new Promise((resolve, reject) => socket.send(bytes, { binary: !text }, (error) => (error ? reject(error) : resolve()))),
    end: ({ code, reason }) => socket.close(code, reason),
  };
}

interface EndOf {
  code: number | undefined;
  reason: string;
}

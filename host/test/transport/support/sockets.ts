/** WebSockets put together by hand, as a neighbour's program or an attacker would, and what comes back. */
import { once } from "node:events";
import { WebSocket } from "ws";
import type { JsonObject, RequestEnvelope } from "../../../src/contract/index.ts";
import { createUlidFactory, formatTime } from "../../../src/foundation/index.ts";
import type { Signer } from "../../../src/identity/index.ts";
import { seededRandom } from "../../support/people.ts";
import type { House, Scope } from "./street.ts";

export interface Said {
  event: string;
  data: JsonObject;
  seq: number;
}

/** A socket, and everything that was said on it. */
export interface Line {
  socket: WebSocket;
  frames: Said[];
  /** Code of the closing; undefined while it is open. */
  code: number | undefined;
  closed: Promise<number>;
  say(message: unknown): void;
}

const newId = createUlidFactory({ now: () => Date.UTC(2026, 6, 1, 12) }, seededRandom(11));

export interface FirstFacts {
  capability?: string;
  body?: JsonObject;
  to?: string | null;
  community?: string;
  requestId?: string;
  /** Unix milliseconds. */
  at?: number;
}

/** A genuine first message to `house`; the test then spoils what it likes. */
export function first(
  signer: Signer,
  house: House,
  o: FirstFacts = {},
): { type: string; envelope: RequestEnvelope; signature: string } {
  const envelope: RequestEnvelope = {
    capability: o.capability ?? "ext.demo.talk",
    version: "1.0",
    request_id: o.requestId ?? newId(),
    from: signer.nodeId,
    community: o.community ?? house.communityId(),
    timestamp: formatTime(o.at ?? Date.UTC(2026, 6, 1, 12)),
    body: o.body ?? { params: {}, input: {} },
    ...(o.to === null ? {} : { to: o.to ?? house.nodeId }),
  };
  return { type: "call", envelope, signature: signer.signRequest(envelope) };
}

export interface OpenOptions {
  path?: string;
  headers?: Record<string, string>;
  protocol?: string;
  /** Answers pings by itself; true by default. */
  autoPong?: boolean;
}

/** @throws the status of the refusal, as `{status, headers, body}` */
export async function line(scope: Scope, house: House, o: OpenOptions = {}): Promise<Line> {
  const url = `${house.listener.url.replace("https:", "wss:")}${o.path ?? "/bus/v1/call"}`;
  const socket = new WebSocket(url, [o.protocol ?? "hearthnet-bus.v2"], {
    rejectUnauthorized: false,
    headers: o.headers ?? {},
    perMessageDeflate: true,
    autoPong: o.autoPong ?? true,
  });
  scope.after(() => socket.terminate());
  const closed = Promise.withResolvers<number>();
  const held: Line = {
    socket,
    frames: [],
    code: undefined,
    closed: closed.promise,
    say: (message) =>
      socket.send(typeof message === "string" || message instanceof Uint8Array ? message : JSON.stringify(message)),
  };
  socket.on("message", (data: Buffer) => held.frames.push(JSON.parse(data.toString("utf8")) as Said));
  socket.on("close", (code) => {
    held.code = code;
    closed.resolve(code);
  });
  const refused = Promise.withResolvers<never>();
  socket.on("error", (error) => refused.reject(error));
  socket.on("unexpected-response", (_request, response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject;
      refused.reject(Object.assign(new Error("refused"), { status: response.statusCode, headers: response.headers, body }));
    });
  });
  refused.promise.catch(() => undefined);
  await Promise.race([once(socket, "open"), refused.promise]);
  return held;
}

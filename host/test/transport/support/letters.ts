/** Requests put together by hand, as a neighbour's program or an attacker would, and what comes back. */
import assert from "node:assert/strict";
import { request } from "node:https";
import { connect, type TLSSocket } from "node:tls";
import type { JsonObject, RequestEnvelope } from "../../../src/contract/index.ts";
import { createUlidFactory, formatTime } from "../../../src/foundation/index.ts";
import { verifyTyped, type Signer } from "../../../src/identity/index.ts";
import { seededRandom } from "../../support/people.ts";
import type { House } from "./street.ts";

export interface Letter {
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string | string[]>;
  body: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: JsonObject;
}

export interface LetterFacts {
  capability?: string;
  version?: string;
  body?: JsonObject;
  /** Null: the recipient is not named. */
  to?: string | null;
  community?: string;
  requestId?: string;
  /** Unix milliseconds. */
  at?: number;
  method?: "GET" | "POST";
  path?: string;
}

const newId = createUlidFactory({ now: () => Date.UTC(2026, 6, 1, 12) }, seededRandom(7));

/** A genuine request to `house`; the test then spoils what it likes. */
export function letter(signer: Signer, house: House, o: LetterFacts = {}): Letter {
  const method = o.method ?? "POST";
  const body = o.body ?? (method === "GET" ? {} : { params: {}, input: { n: 1 } });
  const to = o.to === undefined ? house.nodeId : o.to;
  const envelope: RequestEnvelope = {
    capability: o.capability ?? "ext.demo.echo",
    version: o.version ?? "1.0",
    request_id: o.requestId ?? newId(),
    from: signer.nodeId,
    community: o.community ?? house.communityId(),
    timestamp: formatTime(o.at ?? Date.UTC(2026, 6, 1, 12)),
    body,
    ...(to === null ? {} : { to }),
  };
  return {
    method,
    path: o.path ?? "/bus/v1/call",
    headers: { ...headersFor(envelope, signer.signRequest(envelope)), ...(method === "GET" ? {} : JSON_HEADERS) },
    body: method === "GET" ? "" : JSON.stringify(body),
  };
}

const JSON_HEADERS = { "content-type": "application/json" };

export function headersFor(envelope: RequestEnvelope, signature: string): Record<string, string> {
  return {
    accept: "application/json",
    "x-hearthnet-capability": envelope.capability,
    "x-hearthnet-capability-version": envelope.version,
    "x-hearthnet-request-id": envelope.request_id,
    "x-hearthnet-from": envelope.from,
    "x-hearthnet-community": envelope.community,
    "x-hearthnet-timestamp": envelope.timestamp,
    ...(envelope.to === undefined ? {} : { "x-hearthnet-to": envelope.to }),
    "x-hearthnet-signature": signature,
  };
}

/** Sends it on a connection of its own. The text is given back unparsed as well, for streams. */
export function post(house: House, { method, path, headers, body }: Letter): Promise<Answer & { text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${house.listener.url}${path}`,
      { method, headers, rejectUnauthorized: false, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: text.startsWith("{") ? (JSON.parse(text) as JsonObject) : {},
            text,
          });
        });
      },
    );
    call.on("error", reject);
    call.end(body);
  });
}

export function get(house: House, path: string): Promise<Answer & { text: string }> {
  return post(house, { method: "GET", path, headers: {}, body: "" });
}

/** Status, code and reason of a refusal, and that the node has signed it to the sender and for this request. */
export function refusalOf(answer: Answer, house: House, to: { from?: string; requestId?: string } = {}): string {
  const { headers, status, body } = answer;
  const field = (name: string): string => String(headers[`x-hearthnet-${name}`]);
  if (to.requestId !== undefined) assert.equal(field("request-id"), to.requestId);
  const envelope = {
    request_id: field("request-id"),
    from: house.nodeId,
    to: to.from ?? "",
    timestamp: field("timestamp"),
    status,
    body,
  };
  assert.equal(field("from"), house.nodeId);
  assert.ok(verifyTyped("response", envelope, { by: house.nodeId, signature: field("signature") }), "the refusal is not signed");
  const { error, message, reason } = body;
  assert.ok(typeof error === "string" && typeof message === "string");
  return `${status} ${error}${typeof reason === "string" ? ` ${reason}` : ""}`;
}

/** A TLS connection to the node, for bytes that no HTTP client would send. */
export function plug(house: House): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: house.listener.port, rejectUnauthorized: false }, () => {
      socket.off("error", reject);
      socket.on("error", () => socket.destroy());
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** A letter as HTTP text, for a socket held by hand. */
export function asText({ path, headers, body }: Letter): string {
  const lines = Object.entries({ host: "x", ...headers, "content-length": String(Buffer.byteLength(body)) });
  return `POST ${path} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${String(v)}\r\n`).join("")}\r\n${body}`;
}

/** Everything the node sends until it closes. */
export function everything(socket: TLSSocket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.once("close", () => resolve(text));
  });
}

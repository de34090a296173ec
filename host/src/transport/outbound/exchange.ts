import { HnError, type UlidFactory } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { Clock, CommunityId, Endpoint, JsonObject, NodeId } from "../../contract/index.ts";
import { readWireError } from "./failure.ts";
import type { KnownPeers } from "./peers.ts";
import type { Pools } from "./pools.ts";
import { readAll, sendRequest, type HttpReply } from "./request.ts";
import { signedHeaders } from "./sign.ts";
import { REPLY_MAX_BYTES, verifyReply, type Expected } from "./verify-reply.ts";

/** What every outbound exchange shares. */
export interface Wire {
  signer: Signer;
  clock: Clock;
  newId: UlidFactory;
  pools: Pools;
  peers: KnownPeers;
}

/** One signed request before it is signed. */
export interface Letter {
  to: NodeId;
  endpoints: Endpoint[];
  method: "GET" | "POST";
  path: string;
  capability: string;
  version: string;
  community: CommunityId;
  body: JsonObject;
  accept: string;
  signal: AbortSignal;
  traceId?: string;
  timeoutMs?: number;
  token?: string;
}

export interface Opened {
  reply: HttpReply;
  expected: Expected;
}

/** Signs and sends; the answer is not looked at yet. @throws partition · invalid_signature reason tls_mismatch */
export async function openExchange(wire: Wire, letter: Letter): Promise<Opened> {
  const requestId = wire.newId();
  const now = (): number => wire.peers.nowAt(letter.to);
  const bound = wire.peers.takesRecipient(letter.to);
  const headers = signedHeaders(wire.signer, { ...letter, requestId, now: now(), bound });
  const reply = await sendRequest(wire.pools, {
    to: letter.to,
    endpoints: letter.endpoints,
    method: letter.method,
    path: letter.path,
    headers: letter.method === "POST" ? { ...headers, "content-type": "application/json" } : headers,
    signal: letter.signal,
    ...(letter.method === "POST" ? { body: JSON.stringify(letter.body) } : {}),
  });
  return { reply, expected: { from: letter.to, to: wire.signer.nodeId, requestId, now } };
}

/** Reads a JSON answer. @throws what the neighbour refuses with · invalid_signature reason response_unsigned · partition */
export async function readAnswer(opened: Opened, signal: AbortSignal): Promise<JsonObject> {
  const { reply, expected } = opened;
  const bytes = await readAll(reply, REPLY_MAX_BYTES, signal);
  const body = verifyReply({ status: reply.statusCode, headers: reply.headers, bytes }, expected);
  if (reply.statusCode !== 200) throw readWireError(body);
  return body;
}

/**
 * Runs an exchange, and once more when the neighbour refused it for our clock: its signed time tells the difference.
 * @source 02 T-2
 */
export async function withClockRetry<T>(wire: Wire, to: NodeId, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!HnError.isHnError(error) || error.code !== "expired" || error.reason !== "clock_skew") throw error;
    const time = error.details.server_time;
    if (time === undefined || !wire.peers.learnTime(to, time)) throw error;
    return attempt();
  }
}

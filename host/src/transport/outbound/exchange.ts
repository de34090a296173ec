import type { Dispatcher } from "undici";
import { HnError, type UlidFactory } from "../../foundation/index.ts";
import type { Signer } from "../../identity/index.ts";
import type { Clock, CommunityId, Endpoint, JsonObject, NodeId, StandingLookup } from "../../contract/index.ts";
import { readWireError, revokedNeighbour } from "./failure.ts";
import type { Patience } from "./patience.ts";
import type { KnownPeers } from "./peers.ts";
import type { Ways } from "./pools.ts";
import type { OpenSockets } from "../websocket/open-sockets.ts";
import { atFirstReachable } from "./request.ts";
import { signedHeaders } from "./sign.ts";
import { REPLY_MAX_BYTES, verifyReply, type Expected } from "./verify-reply.ts";
import { fetchWhole, type WholeReply } from "./whole-reply.ts";

/** What every outbound exchange shares. */
export interface Wire {
  signer: Signer;
  clock: Clock;
  newId: UlidFactory;
  pools: Ways;
  peers: KnownPeers;
  standing: StandingLookup["standing"];
  sockets: OpenSockets;
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
  time: Patience;
  traceId?: string;
  spanId?: string;
  /** Told when an answer has come, before it is looked at. */
  onAnswer?: () => void;
  timeoutMs?: number;
  token?: string;
  /** Of the bytes that are wanted, as HTTP writes it. */
  range?: string;
}

/** An answer whose body is still to come. */
export interface Opened {
  reply: Dispatcher.ResponseData;
  expected: Expected;
}

/**
 * Signs, sends and reads a JSON answer.
 * @throws revoked: the neighbour is, and nothing was sent · what the neighbour refuses with · invalid_signature (response_unsigned, response_stale, tls_mismatch) · partition · timeout
 */
export async function exchange(wire: Wire, letter: Letter): Promise<JsonObject> {
  const { request, expected } = seal(wire, letter);
  const reply = await atFirstReachable(wire, letter, (pool) =>
    fetchWhole(pool, request, { maxBytes: REPLY_MAX_BYTES, time: letter.time }),
  );
  letter.onAnswer?.();
  return readAnswer(reply, expected);
}

/** Signs and sends; the answer is not looked at yet. @throws revoked · partition · invalid_signature reason tls_mismatch · timeout */
export async function openExchange(wire: Wire, letter: Letter): Promise<Opened> {
  const { request, expected } = seal(wire, letter);
  const { signal } = letter.time;
  const reply = await atFirstReachable(wire, letter, (pool) => pool.request({ ...request, signal }));
  letter.onAnswer?.();
  return { reply, expected };
}

/** The answer when it is genuine and no refusal. */
export function readAnswer(reply: WholeReply, expected: Expected): JsonObject {
  const body = verifyReply(reply, expected);
  if (reply.status !== 200) throw readWireError(body);
  return body;
}

function seal(wire: Wire, letter: Letter): { request: Dispatcher.DispatchOptions; expected: Expected } {
  const { to, method, path, body } = letter;
  if (wire.standing(to).kind === "revoked") throw revokedNeighbour();
  const requestId = wire.newId();
  const now = (): number => wire.peers.nowAt(to);
  const headers = signedHeaders(wire.signer, { ...letter, requestId, now: now(), bound: wire.peers.takesRecipient(to) });
  const expected: Expected = { from: to, to: wire.signer.nodeId, requestId, now };
  if (letter.range !== undefined) headers["range"] = letter.range;
  if (method === "GET") return { request: { method, path, headers }, expected };
  headers["content-type"] = "application/json";
  return { request: { method, path, headers, body: JSON.stringify(body) }, expected };
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

import type { Letter, Wire } from "../outbound/exchange.ts";
import { revokedNeighbour } from "../outbound/failure.ts";
import { signedEnvelope } from "../outbound/sign.ts";
import type { Expected } from "../outbound/verify-reply.ts";
import type { BusSocket } from "./bus-socket.ts";
import { dialSocket } from "./dial.ts";

/** A WebSocket on which this node has said who it is and what it wants. */
export interface Proven {
  socket: BusSocket;
  expected: Expected;
}

export type SocketLetter = Omit<Letter, "method" | "path" | "accept" | "token" | "traceId" | "timeoutMs"> & {
  token?: string | undefined;
  traceId?: string | undefined;
  timeoutMs?: number | undefined;
};

/**
 * Opens a WebSocket and sends its first message, which alone proves who calls. The upgrade's headers name the caller, so that the limits of its
 * address do not stand for it, and the capability, so that a refusal comes before the connection.
 * @throws revoked: the neighbour is, and nothing was sent · as `dialSocket`
 * @source 02 T-15
 */
export async function openSigned(wire: Wire, o: { letter: SocketLetter; path: string }): Promise<Proven> {
  const { letter } = o;
  const { to, endpoints, time, capability, version, token, traceId, timeoutMs } = letter;
  if (wire.standing(to).kind === "revoked") throw revokedNeighbour();
  const requestId = wire.newId();
  const now = (): number => wire.peers.nowAt(to);
  const headers: Record<string, string> = {
    "x-hearthnet-capability": capability,
    "x-hearthnet-capability-version": version,
    "x-hearthnet-request-id": requestId,
    "x-hearthnet-from": wire.signer.nodeId,
    ...(traceId === undefined ? {} : { "x-hearthnet-trace-id": traceId }),
    ...(timeoutMs === undefined ? {} : { "x-hearthnet-timeout-ms": String(Math.max(1, Math.floor(timeoutMs))) }),
  };
  const socket = await dialSocket({ to, endpoints, path: o.path, headers, time, clock: wire.clock });
  const { community, body } = letter;
  const facts = { capability, version, requestId, community, to, bound: wire.peers.takesRecipient(to), body, now: now() };
  const { envelope, signature } = signedEnvelope(wire.signer, facts);
  socket.send(JSON.stringify({ type: "call", envelope, signature, ...(token === undefined ? {} : { token }) }));
  return { socket, expected: { from: to, to: wire.signer.nodeId, requestId, now } };
}

import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Clock, type Endpoint, type NodeId } from "../../contract/index.ts";
import { readNetworkError } from "../outbound/failure.ts";
import type { Patience } from "../outbound/patience.ts";
import { neverArrived, noAddress } from "../outbound/request.ts";
import { firstConnection } from "../tls/connect.ts";
import { originOf } from "../tls/pin.ts";
import { BUS_PROTOCOL, BusSocket } from "./bus-socket.ts";

/** A frame's data, and room for what stands around it and for the signature in the last. */
const MESSAGE_MAX_BYTES = CONSTANTS.FRAME_MAX_BYTES + 8192;
/** What says that there is no WebSocket here, or none at the moment. @source 02 §8, network.md §1.8 */
const NOT_OFFERED: ReadonlySet<number> = new Set([404, 426, 503]);

export interface Dial {
  to: NodeId;
  endpoints: readonly Endpoint[];
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  time: Patience;
  clock: Clock;
}

/** The neighbour takes no WebSocket at the moment; another way may do. */
export class NoSocket extends HnError {
  constructor(status: number, retryAfterMs: number | undefined) {
    super(status === 503 ? "partition" : "bad_request", {
      reason: status === 503 ? "provider_unreachable" : "upgrade_unsupported",
      message:
        status === 503
          ? "That node takes no more WebSockets at the moment. Try again later."
          : "That node takes no WebSocket, and what should follow the call has no other way. Its software may be older.",
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

/**
 * Opens a WebSocket to a node at the first of its addresses that can be reached, pinned to its key.
 * @throws NoSocket · partition · invalid_signature reason tls_mismatch · timeout
 */
export async function dialSocket(dial: Dial): Promise<BusSocket> {
  const { to, time, clock } = dial;
  let left = dial.endpoints;
  if (left.length === 0) throw noAddress();
  for (;;) {
    const away = new AbortController();
    time.interruptWith((error) => away.abort(error));
    let at: Endpoint | undefined;
    try {
      const { endpoint, socket } = await firstConnection(clock, left, { to, signal: away.signal });
      at = endpoint;
      return await upgrade(dial, endpoint, socket);
    } catch (cause) {
      if (time.over) throw time.over;
      const error = readNetworkError(cause, false);
      left = left.filter((endpoint) => endpoint !== at);
      // Where a connection came about, nothing was said yet only when the network says so.
      if (at === undefined || left.length === 0 || error instanceof NoSocket || !neverArrived(cause)) throw error;
    }
  }
}

function upgrade(dial: Dial, endpoint: Endpoint, connection: TLSSocket): Promise<BusSocket> {
  const socket = new BusSocket(`${originOf(endpoint).replace("https:", "wss:")}${dial.path}`, [BUS_PROTOCOL], {
    createConnection: () => connection as never,
    headers: dial.headers,
    maxPayload: MESSAGE_MAX_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  return new Promise((resolve, reject) => {
    dial.time.interruptWith((error) => {
      reject(error);
      socket.terminate();
    });
    socket.on("error", reject);
    socket.once("unexpected-response", (request, response: IncomingMessage) => {
      response.resume();
      request.destroy();
      reject(refusalOf(response));
    });
    socket.once("open", () => {
      // Nobody reads yet, and nothing may be lost.
      socket.pause();
      resolve(socket);
    });
  });
}

/** The refusal of an upgrade is signed to nobody, so it is believed only as far as it says: not here, or not like this. */
function refusalOf({ statusCode = 0, headers }: IncomingMessage): HnError {
  const seconds = Number(headers["retry-after"]);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) * 1000 : undefined;
  if (NOT_OFFERED.has(statusCode)) return new NoSocket(statusCode, retryAfterMs);
  if (statusCode === 429) return new HnError("rate_limited", { reason: "soft_limit", retryAfterMs: retryAfterMs ?? 1000 });
  return new HnError("bad_request", { message: "That node refused the WebSocket: the capability may not stream there." });
}

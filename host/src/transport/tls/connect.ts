import type { LookupFunction } from "node:net";
import type { TLSSocket } from "node:tls";
import { firstOf, HnError } from "../../foundation/index.ts";
import type { Clock, Endpoint, NodeId } from "../../contract/index.ts";
import { originOf, pinnedConnector, type Pin } from "./pin.ts";

/** How long one address has for itself before the next is tried beside it. @source network.md §4 "Dial" */
const STAGGER_MS = 150;

export interface Connecting {
  to: NodeId;
  lookup?: LookupFunction;
  /** Ends it, whether or not the network has noticed. */
  signal?: AbortSignal;
}

export function pinOf(to: NodeId, { tls_spki_sha256: spkiSha256 }: Endpoint): Pin & { node: NodeId } {
  return { node: to, ...(spkiSha256 === undefined ? {} : { spkiSha256 }) };
}

/** A connection on which the other side has shown its key. @throws what the network says · invalid_signature reason tls_mismatch */
export function connectPinned(endpoint: Endpoint, { to, lookup, signal }: Connecting): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const { hostname, host, port, protocol } = new URL(originOf(endpoint));
  const connect = pinnedConnector(pinOf(to, endpoint), lookup === undefined ? {} : { lookup });
  const leave = (): void => {
    pending?.destroy();
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", leave, { once: true });
  const pending = connect({ hostname, host, protocol, port: port === "" ? "443" : port }, (error, socket) => {
    signal?.removeEventListener("abort", leave);
    if (error !== null) return reject(error);
    // Somebody else was first, or nobody waits any more.
    if (signal?.aborted === true) return void socket.destroy();
    resolve(socket as TLSSocket);
  });
  return promise;
}

/**
 * The first of a node's addresses at which it shows its key: in their order, each with a start over the next, so that one that swallows everything
 * costs no more than that. The losers are closed.
 * @throws the failure that says most: somebody else at an address, then the last
 */
export async function firstConnection(
  clock: Clock,
  endpoints: readonly Endpoint[],
  o: Connecting,
): Promise<{ endpoint: Endpoint; socket: TLSSocket }> {
  let stranger: HnError | undefined;
  const attempt = async (endpoint: Endpoint, signal: AbortSignal): Promise<TLSSocket> => {
    try {
      return await connectPinned(endpoint, { ...o, signal });
    } catch (error) {
      if (HnError.isHnError(error) && error.reason === "tls_mismatch") stranger = error;
      throw error;
    }
  };
  try {
    const { way, result } = await firstOf(endpoints, {
      clock,
      staggerMs: STAGGER_MS,
      ...(o.signal && { signal: o.signal }),
      attempt,
    });
    return { endpoint: way, socket: result };
  } catch (error) {
    throw stranger ?? error;
  }
}

import type { Dispatcher } from "undici";
import { HnError } from "../../foundation/index.ts";
import type { Clock, Endpoint, NodeId } from "../../contract/index.ts";
import { readNetworkError } from "./failure.ts";
import type { Patience } from "./patience.ts";
import type { Ways } from "./pools.ts";
import type { WholeReply } from "./whole-reply.ts";

const NOT_CONNECTED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "ETIMEDOUT",
  "EADDRNOTAVAIL",
]);

/**
 * Does `send` at the first of the node's addresses that can be reached; what may have arrived somewhere is not sent again.
 * @throws partition · invalid_signature reason tls_mismatch · timeout
 */
export async function atFirstReachable<T>(
  { pools, clock }: { pools: Ways; clock: Clock },
  o: { to: NodeId; endpoints: Endpoint[]; time: Patience },
  send: (pool: Dispatcher) => Promise<T>,
): Promise<T> {
  let failure: HnError | undefined;
  for (const endpoint of await inOrder(pools, clock, o)) {
    try {
      return await send(pools.for(o.to, endpoint));
    } catch (cause) {
      if (o.time.over) throw o.time.over;
      const error = readNetworkError(cause, false);
      if (!neverArrived(cause)) throw error;
      // That somebody else sits at an address says more than that nobody does.
      if (failure?.reason !== "tls_mismatch") failure = error;
    }
  }
  throw failure ?? noAddress();
}

/** What is there is asked first; nothing is sent before it is known that somebody is. */
async function inOrder(
  pools: Ways,
  clock: Clock,
  { to, endpoints, time }: { to: NodeId; endpoints: Endpoint[]; time: Patience },
): Promise<Endpoint[]> {
  if (endpoints.length < 2 || pools.reach === undefined) return endpoints;
  const { promise, reject } = Promise.withResolvers<never>();
  time.interruptWith(reject);
  try {
    const first = await Promise.race([pools.reach(to, endpoints, clock), promise]);
    return [first, ...endpoints.filter((endpoint) => endpoint !== first)];
  } catch (cause) {
    throw time.over ?? readNetworkError(cause, false);
  }
}

export function noAddress(): HnError {
  return new HnError("partition", {
    reason: "provider_unreachable",
    message: "No address of that node is known. Wait until it is seen, or add it by hand.",
  });
}

export function neverArrived(cause: unknown): boolean {
  if (HnError.isHnError(cause)) return cause.reason === "tls_mismatch";
  const errors = cause instanceof AggregateError ? cause.errors : [cause];
  return errors.every((error) => NOT_CONNECTED.has(String((error as { code?: unknown } | null)?.code)));
}

/**
 * Reads the rest of an answer that was asked for as a stream.
 * @throws partition reason stream_cut · internal_error reason too_large · timeout
 */
export async function readWhole(reply: Dispatcher.ResponseData, o: { maxBytes: number; time: Patience }): Promise<WholeReply> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > o.maxBytes)
        throw new HnError("internal_error", { reason: "too_large", message: "The neighbour's answer is larger than allowed." });
      chunks.push(chunk);
    }
  } catch (cause) {
    throw o.time.over ?? readNetworkError(cause, true);
  }
  return { status: reply.statusCode, headers: reply.headers, bytes: Buffer.concat(chunks, size) };
}

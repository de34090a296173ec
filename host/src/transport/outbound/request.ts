import type { Dispatcher } from "undici";
import { HnError } from "../../foundation/index.ts";
import type { Endpoint, NodeId } from "../../contract/index.ts";
import { readNetworkError } from "./failure.ts";
import type { Pools } from "./pools.ts";

export interface HttpRequest {
  to: NodeId;
  endpoints: Endpoint[];
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

export type HttpReply = Dispatcher.ResponseData;

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
 * Sends a request to the first of the node's addresses that can be reached; a request that may have arrived somewhere is not sent again.
 * @throws partition · invalid_signature reason tls_mismatch · the signal's own reason
 */
export async function sendRequest(pools: Pools, request: HttpRequest): Promise<HttpReply> {
  let failure: HnError | undefined;
  for (const endpoint of request.endpoints) {
    try {
      return await pools.for(request.to, endpoint).request({
        method: request.method,
        path: request.path,
        headers: request.headers,
        signal: request.signal,
        ...(request.body === undefined ? {} : { body: request.body }),
      });
    } catch (cause) {
      if (request.signal.aborted) throw HnError.from(request.signal.reason);
      const error = readNetworkError(cause, false);
      if (!neverArrived(cause)) throw error;
      // That somebody else sits at an address says more than that nobody does.
      if (failure?.reason !== "tls_mismatch") failure = error;
    }
  }
  throw failure ?? noAddress();
}

function noAddress(): HnError {
  return new HnError("partition", {
    reason: "provider_unreachable",
    message: "No address of that node is known. Wait until it is seen, or add it by hand.",
  });
}

function neverArrived(cause: unknown): boolean {
  if (HnError.isHnError(cause)) return cause.reason === "tls_mismatch";
  const errors = cause instanceof AggregateError ? cause.errors : [cause];
  return errors.every((error) => NOT_CONNECTED.has(String((error as { code?: unknown } | null)?.code)));
}

/**
 * Reads a whole answer.
 * @throws partition reason stream_cut · internal_error reason too_large · the signal's own reason
 */
export async function readAll({ body }: HttpReply, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  body.on("data", (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size > maxBytes) {
      reject(new HnError("internal_error", { reason: "too_large", message: "The neighbour's answer is larger than allowed." }));
      body.destroy();
    } else chunks.push(chunk);
  });
  body.once("end", resolve);
  body.once("error", reject);
  body.once("close", () => reject(new HnError("partition", { reason: "stream_cut" })));
  try {
    await promise;
  } catch (cause) {
    if (signal.aborted) throw HnError.from(signal.reason);
    throw readNetworkError(cause, true);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
}

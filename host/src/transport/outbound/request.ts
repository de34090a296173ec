import type { Dispatcher } from "undici";
import { HnError } from "../../foundation/index.ts";
import type { Clock, Endpoint, NodeId } from "../../contract/index.ts";
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

const NOT_CONNECTED = new Set([
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
  let failure: HnError = new HnError("partition", {
    reason: "provider_unreachable",
    message: "No address of that node is known. Wait until it is seen, or add it by hand.",
  });
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
      failure = readNetworkError(cause, false);
      if (!neverArrived(cause)) throw failure;
    }
  }
  throw failure;
}

function neverArrived(cause: unknown): boolean {
  if (HnError.isHnError(cause)) return cause.reason === "tls_mismatch";
  const errors = cause instanceof AggregateError ? cause.errors : [cause];
  return errors.every((error) => NOT_CONNECTED.has(String((error as { code?: unknown } | null)?.code)));
}

/** Reads a whole answer. @throws partition reason stream_cut · bad_request reason too_large */
export async function readAll(reply: HttpReply, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > maxBytes)
        throw new HnError("internal_error", { reason: "too_large", message: "The neighbour's answer is larger than allowed." });
      chunks.push(chunk);
    }
  } catch (cause) {
    if (signal.aborted) throw HnError.from(signal.reason);
    throw readNetworkError(cause, true);
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
}

/** Ends with the caller's signal, or when time is up. Call `stop` when the work is done. */
export function patience(
  clock: Clock,
  o: { signal: AbortSignal | undefined; timeoutMs: number },
): { signal: AbortSignal; stop: () => void; extend: (timeoutMs: number) => void } {
  const controller = new AbortController();
  const leave = (): void => controller.abort(new HnError("timeout", { message: "The call was cancelled by its caller." }));
  const late = (): void => controller.abort(new HnError("timeout"));
  let timer = clock.setTimeout(late, Math.max(0, o.timeoutMs));
  if (o.signal?.aborted === true) leave();
  o.signal?.addEventListener("abort", leave, { once: true });
  return {
    signal: controller.signal,
    extend: (timeoutMs) => {
      timer.cancel();
      timer = clock.setTimeout(late, timeoutMs);
    },
    stop: () => {
      timer.cancel();
      o.signal?.removeEventListener("abort", leave);
    },
  };
}

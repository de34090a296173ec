import type { Clock, DhtContact, DhtRpc, JsonObject } from "../../contract/index.ts";
import { HnError, parseStrictJson } from "../../foundation/index.ts";
import { readNetworkError } from "./failure.ts";
import { lookupWithin } from "./lookup-within.ts";
import { Patience } from "./patience.ts";
import { Pools } from "./pools.ts";
import { fetchWhole } from "./whole-reply.ts";

const REPLY_MAX_BYTES = 49_152;
/** The asker ends sooner; this is for whoever forgot to. */
const LONGEST_MS = 10_000;

/** Carries questions of the DHT to contacts that strangers named: only to their own keys, and only where this node may dial. */
export interface DhtWire {
  /** @throws partition · invalid_signature reason tls_mismatch · timeout · internal_error reason too_large · bad_request */
  ask(question: { to: DhtContact; rpc: DhtRpc; body: JsonObject; signal: AbortSignal }): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * @param o.admits  whether an IP address may be dialled; asked for every address that a name leads to, and the connection goes to that address
 * @source 06 §2, H-11
 */
export function createDhtWire(o: { clock: Clock; admits: (address: string) => boolean }): DhtWire {
  const pools = new Pools({ lookup: lookupWithin(o.admits) });
  return {
    async ask({ to: { node_id_full: node, endpoint }, rpc, body, signal }) {
      const time = new Patience(o.clock, { signal, timeoutMs: LONGEST_MS });
      try {
        const pool = pools.for(node, { transport: "https", host: endpoint.host, port: endpoint.port });
        const headers = { "content-type": "application/json", accept: "application/json" };
        const request = { method: "POST", path: `/dht/v1/${rpc}`, headers, body: JSON.stringify(body) } as const;
        const reply = await fetchWhole(pool, request, { maxBytes: REPLY_MAX_BYTES, time }).catch((cause: unknown) => {
          throw time.over ?? readNetworkError(cause, false);
        });
        if (reply.status !== 200)
          throw new HnError("partition", { reason: "provider_unreachable", message: "The contact did not answer the question." });
        return parseStrictJson(reply.bytes);
      } finally {
        time.stop();
      }
    },
    close: () => pools.close(),
  };
}

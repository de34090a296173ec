import type { LookupFunction } from "node:net";
import { Pool, type Dispatcher } from "undici";
import { LruMap, type HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Endpoint, type NodeId } from "../../contract/index.ts";
import { originOf, pinnedConnector } from "../tls/pin.ts";

const CONNECTIONS = 16;
const POOLS_MAX = 256;

/** How requests get to a node's address: by real connections, or by those of a simulation. */
export interface Ways {
  for(node: NodeId, endpoint: Endpoint): Dispatcher;
  /** Cuts every connection to this node; what waits for an answer on one fails with `error`. */
  drop(node: NodeId, error: HnError): void;
  /** Nodes that a way is open to. */
  nodes(): Set<NodeId>;
  close(): Promise<void>;
}

/** One pool of pinned connections per (node, address): a dead neighbour cannot hold up another. @source 02 §9, network.md §2.1 */
export class Pools implements Ways {
  readonly #pools: Map<string, Pool> = new Map();
  readonly #lookup: LookupFunction | undefined;
  readonly #recent: LruMap<string, true> = new LruMap(POOLS_MAX);

  /** @param o.lookup  how names become addresses; the system's way by default */
  constructor(o: { lookup?: LookupFunction } = {}) {
    this.#lookup = o.lookup;
  }

  /** The pool for this node at this address; opened when first asked for. */
  for(node: NodeId, endpoint: Endpoint): Pool {
    const key = `${node} ${endpoint.host} ${endpoint.port} ${endpoint.tls_spki_sha256 ?? ""}`;
    this.#recent.set(key, true);
    const known = this.#pools.get(key);
    if (known) return known;
    this.#trim();
    const pin = { node, ...(endpoint.tls_spki_sha256 === undefined ? {} : { spkiSha256: endpoint.tls_spki_sha256 }) };
    const pool = new Pool(originOf(endpoint), {
      connect: pinnedConnector(pin, this.#lookup === undefined ? {} : { lookup: this.#lookup }),
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: CONSTANTS.CONNECTION_IDLE_SECONDS * 1000,
      keepAliveMaxTimeout: CONSTANTS.CONNECTION_IDLE_SECONDS * 1000,
      // The call's own deadline rules; a stream is watched by its keep-alives.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: CONSTANTS.HEADER_MAX_BYTES,
    });
    this.#pools.set(key, pool);
    return pool;
  }

  /** Closes what nobody has asked for since 256 others were. */
  #trim(): void {
    if (this.#pools.size < POOLS_MAX) return;
    for (const [key, pool] of this.#pools) {
      if (this.#recent.get(key)) continue;
      this.#pools.delete(key);
      void pool.close();
    }
  }

  drop(node: NodeId, error: HnError): void {
    for (const [key, pool] of this.#pools) {
      if (!key.startsWith(`${node} `)) continue;
      this.#pools.delete(key);
      void pool.destroy(error);
    }
  }

  nodes(): Set<NodeId> {
    return new Set([...this.#pools.keys()].map((key) => key.slice(0, key.indexOf(" "))));
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

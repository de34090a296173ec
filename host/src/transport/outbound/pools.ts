import type { LookupFunction } from "node:net";
import type { TLSSocket } from "node:tls";
import { Pool, type Dispatcher } from "undici";
import { LruMap, type HnError } from "../../foundation/index.ts";
import { CONSTANTS, type Clock, type Endpoint, type NodeId } from "../../contract/index.ts";
import { firstConnection, pinOf } from "../tls/connect.ts";
import { originOf, pinnedConnector } from "../tls/pin.ts";

const CONNECTIONS = 16;
const POOLS_MAX = 256;
/** A connection that nobody has used by then is closed. */
const UNUSED_MS = 5000;

/** How requests get to a node's address: by real connections, or by those of a simulation. */
export interface Ways {
  for(node: NodeId, endpoint: Endpoint): Dispatcher;
  /**
   * Of several addresses the one to send to: where a connection is open, else where one comes about first; what is sent there next goes by it.
   * Absent where there is nothing to choose.
   * @throws what the last of them failed with · invalid_signature reason tls_mismatch
   */
  reach?(node: NodeId, endpoints: readonly Endpoint[], clock: Clock): Promise<Endpoint>;
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
  /** Connections that have come about and wait for their first request. */
  readonly #ready: Map<string, TLSSocket> = new Map();
  /** Calls that begin at the same time look for the way together. */
  readonly #reaching: Map<string, Promise<Endpoint>> = new Map();
  #isClosed = false;

  /** @param o.lookup  how names become addresses; the system's way by default */
  constructor(o: { lookup?: LookupFunction } = {}) {
    this.#lookup = o.lookup;
  }

  /** The pool for this node at this address; opened when first asked for. */
  for(node: NodeId, endpoint: Endpoint): Pool {
    const key = keyOf(node, endpoint);
    this.#recent.set(key, true);
    const known = this.#pools.get(key);
    if (known) return known;
    this.#trim();
    const connect = pinnedConnector(pinOf(node, endpoint), this.#lookup === undefined ? {} : { lookup: this.#lookup });
    const pool = new Pool(originOf(endpoint), {
      connect: (options, callback) => {
        const ready = this.#takeReady(key);
        if (ready === undefined) connect(options, callback);
        else callback(null, ready);
      },
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

  async reach(node: NodeId, endpoints: readonly Endpoint[], clock: Clock): Promise<Endpoint> {
    const keys = endpoints.map((endpoint) => keyOf(node, endpoint));
    const open = endpoints.find((_, place) => (this.#pools.get(keys[place] ?? "")?.stats.connected ?? 0) > 0);
    if (open !== undefined) return open;
    const all = keys.join("|");
    const reaching = this.#reaching.get(all) ?? this.#race(node, endpoints, clock).finally(() => this.#reaching.delete(all));
    this.#reaching.set(all, reaching);
    return reaching;
  }

  async #race(to: NodeId, endpoints: readonly Endpoint[], clock: Clock): Promise<Endpoint> {
    const { endpoint, socket } = await firstConnection(clock, endpoints, { to, ...(this.#lookup && { lookup: this.#lookup }) });
    if (this.#isClosed) {
      socket.destroy();
      return endpoint;
    }
    const key = keyOf(to, endpoint);
    const drop = (): void => {
      if (this.#ready.get(key) === socket) this.#ready.delete(key);
      socket.destroy();
    };
    this.#ready.get(key)?.destroy();
    this.#ready.set(key, socket);
    socket.setTimeout(UNUSED_MS, drop);
    for (const end of ["error", "close"]) socket.once(end, drop);
    return endpoint;
  }

  #takeReady(key: string): TLSSocket | undefined {
    const socket = this.#ready.get(key);
    if (socket === undefined) return undefined;
    this.#ready.delete(key);
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    return socket.destroyed ? undefined : socket;
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
    for (const [key, socket] of this.#ready) if (key.startsWith(`${node} `)) socket.destroy();
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
    this.#isClosed = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    for (const socket of this.#ready.values()) socket.destroy();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

function keyOf(node: NodeId, endpoint: Endpoint): string {
  return `${node} ${endpoint.host} ${endpoint.port} ${endpoint.tls_spki_sha256 ?? ""}`;
}

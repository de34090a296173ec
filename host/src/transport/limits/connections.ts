import type { Socket } from "node:net";
import type { NodeId } from "../../contract/index.ts";

/** How many connections may be open. @source 02 T-1, network.md §2.1 */
export interface ConnectionLimits {
  /** Of one address, while no member has proven itself on them. */
  perAddress: number;
  perNode: number;
  total: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { perAddress: 64, perNode: 256, total: 2048 };

type Ends = Pick<Socket, "remoteAddress" | "remotePort">;

interface Connection {
  socket: Socket;
  /** Who it is counted for. */
  owner: string;
  /** Whose request came last. */
  speaker: NodeId | undefined;
}

/**
 * Counts connections from their first packet on, before TLS has cost anything: by address until a member's request arrives on them, by member
 * from then on. The plain socket and the TLS socket above it are known by the port at their far end.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #counts: Map<string, number> = new Map();
  /** By far end. */
  readonly #open: Map<string, Connection> = new Map();

  constructor(limits: ConnectionLimits = CONNECTION_LIMITS) {
    this.#limits = limits;
  }

  /** @returns false: the connection was refused and is closed */
  opened(socket: Socket): boolean {
    const end = endOf(socket);
    const owner = `address ${socket.remoteAddress ?? ""}`;
    if (this.#open.size >= this.#limits.total || (this.#counts.get(owner) ?? 0) >= this.#limits.perAddress) {
      socket.destroy();
      return false;
    }
    const connection: Connection = { socket, owner, speaker: undefined };
    this.#open.set(end, connection);
    this.#count(owner, 1);
    socket.once("close", () => {
      this.#open.delete(end);
      this.#count(connection.owner, -1);
    });
    return true;
  }

  /** @returns false when the node has too many connections already */
  claimed(socket: Ends, node: string): boolean {
    const connection = this.#open.get(endOf(socket));
    const owner = `node ${node}`;
    // Closed meanwhile: there is nothing to count.
    if (connection === undefined || connection.owner === owner) return true;
    if ((this.#counts.get(owner) ?? 0) >= this.#limits.perNode) return false;
    this.#count(connection.owner, -1);
    connection.owner = owner;
    this.#count(owner, 1);
    return true;
  }

  /** A request that this node has signed came in on it. */
  spokenBy(socket: Ends, node: NodeId): void {
    const connection = this.#open.get(endOf(socket));
    if (connection) connection.speaker = node;
  }

  /** Whoever was heard last on some open connection. */
  speakers(): Set<NodeId> {
    return new Set([...this.#open.values()].flatMap(({ speaker }) => speaker ?? []));
  }

  /** Cuts the connections on which this node was heard last, but for `spared`. */
  cut(node: NodeId, spared: readonly Ends[] = []): void {
    const ends = new Set(spared.map(endOf));
    for (const [end, { speaker, socket }] of this.#open) if (speaker === node && !ends.has(end)) socket.destroy();
  }

  /** Cuts every connection, also those on which nothing was said yet and which HTTP does not know. */
  cutAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #count(owner: string, change: number): void {
    const next = (this.#counts.get(owner) ?? 0) + change;
    if (next <= 0) this.#counts.delete(owner);
    else this.#counts.set(owner, next);
  }
}

function endOf({ remoteAddress = "", remotePort = 0 }: Ends): string {
  return `${remoteAddress} ${remotePort}`;
}

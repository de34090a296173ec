import type { Socket } from "node:net";

/** How many connections may be open. @source 02 T-1, network.md §2.1 */
export interface ConnectionLimits {
  /** Of one address, while no member has proven itself on them. */
  perAddress: number;
  perNode: number;
  total: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { perAddress: 64, perNode: 256, total: 2048 };

type Ends = Pick<Socket, "remoteAddress" | "remotePort">;

/**
 * Counts connections from their first packet on, before TLS has cost anything: by address until a member's request arrives on them, by member
 * from then on. The plain socket and the TLS socket above it are known by the port at their far end.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #counts: Map<string, number> = new Map();
  /** Far end → who it is counted for. */
  readonly #owners: Map<string, string> = new Map();
  readonly #open: Set<Socket> = new Set();

  constructor(limits: ConnectionLimits = CONNECTION_LIMITS) {
    this.#limits = limits;
  }

  /** @returns false: the connection was refused and is closed */
  opened(socket: Socket): boolean {
    const end = endOf(socket);
    const owner = `address ${socket.remoteAddress ?? ""}`;
    if (this.#owners.size >= this.#limits.total || (this.#counts.get(owner) ?? 0) >= this.#limits.perAddress) {
      socket.destroy();
      return false;
    }
    this.#assign(end, owner);
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      const last = this.#owners.get(end);
      this.#owners.delete(end);
      if (last !== undefined) this.#count(last, -1);
    });
    return true;
  }

  /** @returns false when the node has too many connections already */
  claimed(socket: Ends, node: string): boolean {
    const end = endOf(socket);
    const owner = `node ${node}`;
    const former = this.#owners.get(end);
    // Closed meanwhile: there is nothing to count.
    if (former === owner || former === undefined) return true;
    if ((this.#counts.get(owner) ?? 0) >= this.#limits.perNode) return false;
    this.#count(former, -1);
    this.#assign(end, owner);
    return true;
  }

  /** Cuts every connection, also those on which nothing was said yet and which HTTP does not know. */
  cutAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #assign(end: string, owner: string): void {
    this.#owners.set(end, owner);
    this.#count(owner, 1);
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

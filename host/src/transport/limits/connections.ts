import type { Socket } from "node:net";

/** How many connections may be open. @source 02 T-1, network.md §2.1 */
export interface ConnectionLimits {
  /** Of one address, while nobody has proven itself on them. */
  perAddress: number;
  perNode: number;
  total: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { perAddress: 64, perNode: 256, total: 2048 };

/** Counts connections: by address until a signed request arrives on them, by node from then on. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #counts: Map<string, number> = new Map();
  readonly #owners: WeakMap<object, string> = new WeakMap();
  #total = 0;

  constructor(limits: ConnectionLimits = CONNECTION_LIMITS) {
    this.#limits = limits;
  }

  /** @returns false: the connection was refused and is closed */
  opened(socket: Socket): boolean {
    const owner = `address ${socket.remoteAddress ?? ""}`;
    if (this.#total >= this.#limits.total || (this.#counts.get(owner) ?? 0) >= this.#limits.perAddress) {
      socket.destroy();
      return false;
    }
    this.#total += 1;
    this.#assign(socket, owner);
    socket.once("close", () => {
      this.#total -= 1;
      this.#count(this.#owners.get(socket) ?? owner, -1);
    });
    return true;
  }

  /** @returns false when the node has too many connections already */
  claimed(socket: object, node: string): boolean {
    const owner = `node ${node}`;
    const former = this.#owners.get(socket);
    if (former === owner) return true;
    if ((this.#counts.get(owner) ?? 0) >= this.#limits.perNode) return false;
    if (former !== undefined) this.#count(former, -1);
    this.#assign(socket, owner);
    return true;
  }

  #assign(socket: object, owner: string): void {
    this.#owners.set(socket, owner);
    this.#count(owner, 1);
  }

  #count(owner: string, change: number): void {
    const next = (this.#counts.get(owner) ?? 0) + change;
    if (next <= 0) this.#counts.delete(owner);
    else this.#counts.set(owner, next);
  }
}

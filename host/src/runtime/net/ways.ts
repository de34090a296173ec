/** How the node reaches the world: names, connections, whose certificates count. Tests put other ways in their place; what decides stays the same. */
import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import { networkInterfaces } from "node:os";

export interface NetWays {
  /** Every address of a name, as this machine's own resolver gives them. */
  resolve: (name: string) => Promise<string[]>;
  /** Begins a connection to an address that was decided over. */
  dial: (address: string, port: number) => Socket;
  /** Addresses of this machine. */
  own: () => ReadonlySet<string>;
  /** PEM; absent: those that Node knows. */
  ca?: string;
}

export const SYSTEM_WAYS: NetWays = {
  resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  dial: (host, port) => connect({ host, port, allowHalfOpen: true }),
  own: () => new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))),
};

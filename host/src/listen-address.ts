import { networkInterfaces } from "node:os";
import type { Endpoint } from "./contract/index.ts";
import { HnError } from "./foundation/index.ts";

/** Every address of this machine, of both families where it has both. */
export function anyAddress(): string {
  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === "IPv6") ?? false);
  return hasIpv6 ? "::" : "0.0.0.0";
}

export function isLoopback(listen: string): boolean {
  return listen === "localhost" || listen === "::1" || listen.startsWith("127.");
}

/**
 * Addresses under which neighbours can try this node: the one it was told to listen on, or every address of this machine, the local ones last.
 * @param listen  address of the listener, e.g. `0.0.0.0`
 */
export function readEndpoints(listen: string, port: number): Endpoint[] {
  const any = listen === "0.0.0.0" || listen === "::" || listen === "";
  const hosts = any
    ? Object.values(networkInterfaces())
        .flatMap((list) => list ?? [])
        .filter((address) => !address.address.startsWith("fe80:"))
        .sort((a, b) => Number(a.internal) - Number(b.internal) || Number(a.family === "IPv6") - Number(b.family === "IPv6"))
        .filter((address, _i, all) => !address.internal || all.every((other) => other.internal))
        .map((address) => address.address)
    : [listen];
  return hosts.slice(0, 8).map((host) => ({ transport: "https", host, port }));
}

/** What the system said about a port, in words that help; anything else as it is. */
export function portError(error: unknown, port: number): unknown {
  switch ((error as { code?: string }).code) {
    case "EADDRINUSE":
      return new HnError("bad_request", { reason: "port_taken", message: `Port ${port} is already in use.`, cause: error });
    case "EACCES":
      return new HnError("bad_request", {
        reason: "port_taken",
        message: `This user may not listen on port ${port}.`,
        action: "Choose a port above 1023 with `--port`.",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new HnError("bad_request", {
        message: "This machine does not have the address to listen on.",
        action: "Give `--listen` an address of this machine, or leave it out to listen on all.",
        cause: error,
      });
    default:
      return error;
  }
}

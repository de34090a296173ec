import type { PeerReach, PeerSource } from "../../contract/index.ts";
import { isWithin } from "./networks.ts";

/** An address of a node. Times are monotonic milliseconds. */
export interface Address {
  host: string;
  port: number;
  /** Of a second key that the node's own manifest names. */
  tls_spki_sha256?: string;
  source: PeerSource;
  lastOk: number | null;
  rttMs: number | null;
  failures: number;
  /** Infinity: until it is taken back. */
  expires: number;
  /** Where a stranger has named it: which IP addresses may be dialled. @source 06 H-11 */
  admits?: (address: string) => boolean;
}

const ORDER: readonly PeerReach[] = ["near", "manual", "public", "relay"];

/** @param networks  of this machine */
export function reachOf({ host, source }: Pick<Address, "host" | "source">, networks: readonly string[]): PeerReach {
  if (source === "relay") return "relay";
  if (isWithin(networks, host)) return "near";
  return source === "manual" || source === "invite" ? "manual" : "public";
}

/**
 * Near ones first, then what people have typed, then public ones, relays last; among equals what answered last comes first.
 * @source network.md §4 "Dial"
 */
export function dialOrder(addresses: readonly Address[], networks: readonly string[]): Address[] {
  const rank = (address: Address): number => ORDER.indexOf(reachOf(address, networks));
  return addresses.toSorted(
    (a, b) => rank(a) - rank(b) || a.failures - b.failures || (b.lastOk ?? -Infinity) - (a.lastOk ?? -Infinity) || 0,
  );
}

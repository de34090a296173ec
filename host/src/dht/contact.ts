/** Contacts as they come over the wire, and what their addresses say. @source 06 §2, H-3, H-11 */
import { isIPv4, isIPv6 } from "node:net";
import type { DhtContact, DhtEndpoint, NodeId } from "../contract/index.ts";
import { isNodeId } from "../identity/index.ts";
import { idOf } from "./distance.ts";

/** A contact and where it stands. */
export interface Peer {
  id: Uint8Array;
  nodeId: NodeId;
  endpoint: DhtEndpoint;
}

const HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;

export function isEndpoint(value: unknown): value is DhtEndpoint {
  if (typeof value !== "object" || value === null) return false;
  const { host, port, transport } = value as Partial<Record<keyof DhtEndpoint, unknown>>;
  if (typeof host !== "string" || !(isIPv4(host) || isIPv6(host) || HOST.test(host))) return false;
  if (transport !== undefined && transport !== "https") return false;
  // Below 1024 lie services that were never meant to be dialled by strangers.
  return typeof port === "number" && Number.isInteger(port) && (port === 443 || (port >= 1024 && port <= 65_535));
}

export function isContact(value: unknown): value is DhtContact {
  if (typeof value !== "object" || value === null) return false;
  const { node_id_full, endpoint } = value as Partial<Record<keyof DhtContact, unknown>>;
  return isNodeId(node_id_full) && isEndpoint(endpoint);
}

/** At most so many of a list that a stranger sent; what is no contact is left out. */
export function contactsIn(list: unknown, max: number): DhtContact[] {
  return Array.isArray(list) ? list.slice(0, max).filter(isContact) : [];
}

export function peerOf({ node_id_full, endpoint }: DhtContact): Peer {
  return { id: idOf(node_id_full), nodeId: node_id_full, endpoint };
}

export function contactOf({ nodeId, endpoint }: Peer): DhtContact {
  return { node_id_full: nodeId, endpoint };
}

/** Neighbourhood on the internet: IPv4 /24, IPv6 /48, or the name itself. */
export function subnetOf(host: string): string {
  if (isIPv4(host)) return host.split(".").slice(0, 3).join(".");
  if (!isIPv6(host)) return host.toLowerCase();
  const [head = "", tail] = host.toLowerCase().split("::");
  const words = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const filled = [
    ...words,
    ...Array.from({ length: tail === undefined ? 0 : 8 - words.length - rest.length }, () => "0"),
    ...rest,
  ];
  return filled
    .slice(0, 3)
    .map((word) => word.padStart(4, "0"))
    .join(":");
}

import {
  CONSTANTS,
  type CommunityId,
  type Endpoint,
  type NodeId,
  type PeerSource,
  type PeerState,
  type Standing,
} from "../../contract/index.ts";
import type { Address } from "./dial-order.ts";
import { placeOf } from "./place.ts";

export const ADDRESSES_MAX = 8;
const EVIDENCE_MAX = 32;
const ONLINE_MS = CONSTANTS.FRESHNESS_WINDOW_SECONDS * 1000;
export const FRESH_MS: number = CONSTANTS.MANIFEST_TTL_SECONDS * 1000;
const ABSENCE_MAX_MS = 600_000;

/** Why a row is there. Times are monotonic milliseconds. @source network.md §4 */
export interface Evidence {
  source: PeerSource;
  at: number;
  /** Infinity: until it is taken back. */
  expires: number;
  /** For people. */
  detail: string;
}

/** A node and how it is doing. Times are monotonic milliseconds unless they say otherwise. */
export interface Row {
  nodeId: NodeId;
  /** Untrusted text. */
  displayName: string;
  /** Of its last verified manifest in this run. */
  communityId: CommunityId | null;
  verifiedAt: number | null;
  /** `name@X.Y`, as it offers them. */
  capabilities: string[];
  addresses: Address[];
  /** By source and place. */
  evidence: Map<string, Evidence>;
  /** Unix milliseconds; 0 = never. */
  lastSeen: number;
  failures: number;
  /** Left alone until then. */
  restsUntil: number;
  /** Of the last exchange of logs that went well. */
  syncedAt: number | null;
}

export function newRow(nodeId: NodeId): Row {
  return {
    nodeId,
    displayName: "",
    communityId: null,
    verifiedAt: null,
    capabilities: [],
    addresses: [],
    evidence: new Map(),
    lastSeen: 0,
    failures: 0,
    restsUntil: 0,
    syncedAt: null,
  };
}

/** Whether calls go there. @source 03 §5 (3) */
export function isOnline(row: Row, now: number): boolean {
  return row.verifiedAt !== null && now - row.verifiedAt <= ONLINE_MS;
}

/** @param standing  in our own log */
export function stateOf(row: Row, o: { now: number; standing: Standing["kind"]; ours: CommunityId | null }): PeerState {
  if (o.standing === "revoked") return "revoked";
  if (row.verifiedAt === null) return row.communityId !== null && o.standing !== "member" ? "stranger" : "probing";
  if (o.standing !== "member" || row.communityId !== o.ours) return "stranger";
  return isOnline(row, o.now) && row.failures === 0 ? "verified" : "suspect";
}

/** Typed in by the operator. */
export function isManual(row: Row): boolean {
  return [...row.evidence.values()].some(({ source }) => source === "manual");
}

export function addEvidence(row: Row, evidence: Evidence, place = ""): void {
  const key = `${evidence.source} ${place}`;
  row.evidence.delete(key);
  row.evidence.set(key, evidence);
  const [oldest] = row.evidence.keys();
  if (row.evidence.size > EVIDENCE_MAX && oldest !== undefined) row.evidence.delete(oldest);
}

export function takeBack(row: Row, source: PeerSource, place?: string): void {
  for (const key of row.evidence.keys())
    if (key === `${source} ${place ?? ""}` || (place === undefined && key.startsWith(`${source} `))) row.evidence.delete(key);
}

/**
 * Adds an address, or what is newly said of a known one; a word never shortens what an earlier one has promised.
 * @returns the address as the row keeps it
 */
export function addAddress(row: Row, endpoint: Endpoint, o: { source: PeerSource; expires: number }): Address {
  const { host, port, tls_spki_sha256 } = endpoint;
  const known = row.addresses.find((one) => placeOf(one) === placeOf(endpoint));
  const address = known ?? { host, port, source: o.source, lastOk: null, rttMs: null, failures: 0, expires: o.expires };
  address.expires = Math.max(address.expires, o.expires);
  if (o.source === "manual") address.source = "manual";
  if (tls_spki_sha256 !== undefined) address.tls_spki_sha256 = tls_spki_sha256;
  if (known === undefined) row.addresses.push(address);
  return address;
}

/** At most so many addresses: those that answered last stay, then those that last longest. */
export function trimAddresses(row: Row, now: number): void {
  row.addresses = row.addresses.filter(({ expires }) => expires > now);
  if (row.addresses.length <= ADDRESSES_MAX) return;
  const kept = new Set(
    row.addresses
      .toSorted((a, b) => (b.lastOk ?? -1) - (a.lastOk ?? -1) || Number(b.expires) - Number(a.expires) || 0)
      .slice(0, ADDRESSES_MAX),
  );
  row.addresses = row.addresses.filter((address) => kept.has(address));
}

/**
 * Failed again: rests for 2, 4, 8 … s, a member half a minute at most, anybody else ten minutes.
 * @source 02 §9, network.md §4 "Manual"
 */
export function restAfterFailure(row: Row, o: { now: number; member: boolean }): void {
  row.failures += 1;
  const most = o.member ? CONSTANTS.RECONNECT_BACKOFF_CAP_SECONDS * 1000 : ABSENCE_MAX_MS;
  row.restsUntil = o.now + Math.min(most, 2 ** Math.min(row.failures, 20) * 1000);
}

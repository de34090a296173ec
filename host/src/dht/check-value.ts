/** Whether a value may be believed to be its signer's. Pure: storer, reader and whoever copies it ask the same question. @source 06 §3 */
import type { DhtKind, DhtPayload, DhtValue, NodeId, Signature } from "../contract/index.ts";
import { canonicalBytes, dhtKey, isCid, isNodeId } from "../identity/index.ts";
import { isEndpoint } from "./contact.ts";

export type ValueFault = "value_too_large" | "bad_shape" | "store_unauthorized" | "invalid_signature" | "expired" | "not_fresh";

/** Verifies a typed object's signature. */
export type Verify = (
  kind: "dht-value" | "dht-request" | "dht-reply" | "anchor-cert",
  value: object,
  o: { by: NodeId; signature?: Signature },
) => boolean;

export const VALUE_MAX_BYTES = 4096;
/** How far a signer's clock may be from ours when a value is first stored, seconds. */
const SKEW_S = 120;
/** Seconds: what this node offers, and the most it accepts. */
export const LIFETIMES: Record<DhtKind, { ttl: number; cap: number }> = {
  presence: { ttl: 300, cap: 900 },
  cid: { ttl: 3600, cap: 7200 },
  community: { ttl: 86_400, cap: 86_400 },
};
const LIST_MAX = 16;

/**
 * @param o.now  Unix seconds
 * @param o.first  it is being stored for the first time: its clock must fit ours (H-5)
 * @returns null when it is good
 */
export function checkValue(value: unknown, o: { now: number; first: boolean; verify: Verify }): ValueFault | null {
  if (!isValue(value)) return "bad_shape";
  if (canonicalBytes(value).byteLength > VALUE_MAX_BYTES) return "value_too_large";
  const { payload, key, expires_at } = value;
  if (key !== dhtKey(subjectOf(payload))) return "store_unauthorized";
  if (expires_at !== payload.expires_at || expires_at > payload.issued_at + LIFETIMES[payload.kind].cap) return "bad_shape";
  if (payload.kind === "community" && !payload.anchor_node_ids.includes(payload.node_id)) return "store_unauthorized";
  if (expires_at <= o.now) return "expired";
  if (payload.issued_at > o.now + SKEW_S || (o.first && payload.issued_at < o.now - SKEW_S)) return "not_fresh";
  return o.verify("dht-value", payload, { by: payload.node_id }) ? null : "invalid_signature";
}

/** What the value is about; its key is the hash of it (H-6). */
export function subjectOf(payload: DhtPayload): string {
  switch (payload.kind) {
    case "presence":
      return payload.node_id;
    case "cid":
      return payload.cid;
    default:
      return payload.community_id;
  }
}

/** An anchor's standing as the community's root key has signed it; others may say so too, and are believed less (H-7). */
export function isProven(payload: DhtPayload, o: { now: number; verify: Verify }): boolean {
  if (payload.kind !== "community" || payload.root_proof === undefined) return false;
  const { community_id, node_id, not_after } = payload.root_proof as Record<string, unknown>;
  return (
    community_id === payload.community_id &&
    node_id === payload.node_id &&
    typeof not_after === "number" &&
    not_after > o.now &&
    o.verify("anchor-cert", payload.root_proof, { by: payload.community_id })
  );
}

function isValue(value: unknown): value is DhtValue {
  if (!isObject(value)) return false;
  const { key, payload, expires_at } = value;
  return Object.keys(value).length === 3 && isCid(key) && isWhole(expires_at) && isPayload(payload);
}

function isPayload(payload: unknown): payload is DhtPayload {
  if (!isObject(payload)) return false;
  const { v, node_id, issued_at, expires_at, signature, via_relay } = payload;
  if (v !== 1 || !isNodeId(node_id) || !isWhole(issued_at) || !isWhole(expires_at) || !isText(signature, 128)) return false;
  if (via_relay !== undefined && !isText(via_relay, 256)) return false;
  switch (payload["kind"]) {
    case "presence":
      return (
        isList(payload["endpoints"], isEndpoint) && (payload["community_id"] === undefined || isNodeId(payload["community_id"]))
      );
    case "cid":
      return isCid(payload["cid"]) && isWhole(payload["last_seen"]);
    case "community":
      return isCommunity(payload);
    default:
      return false;
  }
}

function isCommunity({ community_id, anchor_node_ids, endpoints, manifest_url, root_proof }: Record<string, unknown>): boolean {
  return (
    isNodeId(community_id) &&
    isList(anchor_node_ids, isNodeId) &&
    isList(endpoints, isEndpoint) &&
    (root_proof === undefined || isObject(root_proof)) &&
    isText(manifest_url, 512) &&
    isOwnManifest(manifest_url, endpoints)
  );
}

/** Only at one of the addresses that the value itself names: it must not send its readers elsewhere (H-11). */
function isOwnManifest(url: string, endpoints: readonly { host: string; port: number }[]): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return (
    protocol === "https:" &&
    ["/manifest", "/community/manifest"].includes(pathname) &&
    [search, hash, username, password].every((part) => part === "") &&
    endpoints.some((one) => one.host.toLowerCase() === host && one.port === Number(port === "" ? 443 : port))
  );
}

function isList<T>(value: unknown, is: (one: unknown) => one is T): value is T[] {
  return Array.isArray(value) && value.length <= LIST_MAX && value.every((one) => is(one));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isWhole = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isText = (value: unknown, max: number): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= max;

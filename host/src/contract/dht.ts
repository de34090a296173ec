/** The DHT's shapes: a cache of signed hints, none of which is authoritative. @source 06 §2, §3 */
import type { Cid, CommunityId, NodeId, Signature } from "./ids.ts";

export interface DhtEndpoint {
  host: string;
  port: number;
  /** `https` when absent. */
  transport?: "https";
}

export interface DhtContact {
  node_id_full: NodeId;
  endpoint: DhtEndpoint;
}

interface PayloadBase {
  v: 1;
  node_id: NodeId;
  /** Unix seconds, as `expires_at`. */
  issued_at: number;
  expires_at: number;
  signature: Signature;
  via_relay?: string;
}

export type DhtPayload = PayloadBase &
  (
    | { kind: "presence"; endpoints: DhtEndpoint[]; community_id?: CommunityId }
    | { kind: "cid"; cid: Cid; last_seen: number }
    | {
        kind: "community";
        community_id: CommunityId;
        anchor_node_ids: NodeId[];
        endpoints: DhtEndpoint[];
        manifest_url: string;
        root_proof?: object;
      }
  );

export type DhtKind = DhtPayload["kind"];

export interface DhtValue {
  /** `blake3:` and 64 hex digits. */
  key: string;
  payload: DhtPayload;
  /** Unix seconds; equal to the signed one. */
  expires_at: number;
}

export type DhtRpc = "ping" | "find_node" | "find_value" | "store";

/** What this node says that it holds on behalf of one of those who live on it. */
export interface CidAdverts {
  /** How many it says, those on their way included. */
  readonly size: number;
  has(cid: Cid): boolean;
  /**
   * Says it, and goes on saying it.
   * @returns how many contacts keep it @throws partition reason dht_lookup_failed
   */
  offer(cid: Cid): Promise<number>;
  /** Somebody else here may still want it said. */
  withdraw(cid: Cid): void;
  /** Everything is withdrawn, and nothing more is taken. */
  close(): void;
}

/** What plugins reach of the DHT; values as such stay with the host. @source 06 §7 */
export interface PluginDht {
  /** Whether the operator allows plugins to say what is here. @source 06 H-8 */
  readonly advertises: boolean;
  /** Where anchors of that community say that they are. @throws partition reason dht_lookup_failed */
  findCommunity(id: CommunityId): Promise<DhtEndpoint[]>;
  /** Who says that they hold it, this node left out. @throws partition reason dht_lookup_failed */
  findSources(cid: Cid): Promise<NodeId[]>;
  openAdverts(): CidAdverts;
}

/** What the operator sees. */
export interface DhtStatus {
  enabled: boolean;
  contacts: number;
  /** Values that this node keeps for others and for itself. */
  values: number;
  bootstrapped: boolean;
  /** What this node offers and keeps alive. */
  own: { kind: DhtKind; key: string; expires_at: number }[];
}

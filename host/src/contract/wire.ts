/** Signed and sent objects, with their wire names. @source 01, 02, 04 */
import type { CommunityId, JsonObject, NodeId, Signature, Time, Ulid, Version } from "./ids.ts";

export type TrustLevel = "unknown" | "member" | "trusted" | "anchor";
export type TrustRequirement = TrustLevel | "self" | "federated";
export type MemberLevel = "member" | "trusted" | "anchor";
export type Profile = "anchor" | "hearth" | "spark" | "bridge";
export type Stability = "experimental" | "beta" | "stable" | "deprecated";

export interface Endpoint {
  transport: "https";
  host: string;
  port: number;
  tls_spki_sha256?: string;
}

/** @source 01 §5, 03 B-2 */
export interface ManifestCapability {
  name: string;
  version: Version;
  stability: Stability;
  schema_hash: string;
  params: JsonObject;
  max_concurrent: number;
  trust_required?: TrustRequirement;
  timeout_seconds?: number;
  idempotent?: boolean;
  streaming?: boolean;
}

/** @source 01 §5 */
export interface NodeManifest {
  version: 1;
  contract_version: "1.0" | "2.0";
  node_id: NodeId;
  display_name: string;
  community_id: CommunityId;
  profile: Profile;
  endpoints: Endpoint[];
  hardware: { gpu: string | null; vram_gb: number; ram_gb: number; cpu_cores: number; disk_free_gb: number };
  capabilities: ManifestCapability[];
  uptime_seconds: number;
  load: { cpu: number; in_flight_total: number; vram_used_gb?: number };
  issued_at: Time;
  expires_at: Time;
  features?: string[];
  relays?: string[];
  signature: Signature;
}

/** @source 01 §6, I-12 */
export interface CommunityPolicy {
  min_signatures_to_invite: number;
  min_signatures_to_demote: number;
  min_signatures_to_revoke: number;
  min_signatures_to_federate?: number;
  capability_token_ttl_seconds: number;
  federation_enabled: boolean;
  default_member_can_invite: boolean;
}

/** @source 01 §6 */
export interface CommunityManifest {
  version: 1;
  community_id: CommunityId;
  name: string;
  root_key: NodeId;
  created_at: Time;
  lamport_at_creation: 0;
  policy: CommunityPolicy;
  members: { node_id: NodeId; level: MemberLevel; added_at: Time; added_by: NodeId }[];
  revoked: { node_id: NodeId; revoked_at: Time }[];
  head_lamport: number;
  signed_by?: NodeId;
  signature: Signature;
}

/** @source 01 §7 */
export interface InviteBlob {
  schema_version: 1;
  community_id: CommunityId;
  community_name: string;
  inviter_node_id: NodeId;
  invitee_node_id: NodeId;
  initial_level: "member" | "trusted";
  bootstrap_endpoints: { transport: string; host: string; port: number }[];
  expires_at: Time;
  invite_event_id?: string;
  signature: Signature;
}

/** @source 04 §1 */
export interface Event {
  schema_version: 1;
  event_id: Ulid;
  lamport: number;
  wall_clock: Time;
  community_id: CommunityId;
  author: NodeId;
  event_type: string;
  data: JsonObject;
  signature: Signature;
}

/** @source 04 §7, E-11 */
export interface Snapshot {
  schema_version: 1;
  community_id: CommunityId;
  lamport: number;
  wall_clock: Time;
  state: JsonObject;
  covers_events_up_to: number;
  author: NodeId;
  signature: Signature;
}

/** @source 02 §3 */
export interface CallBody {
  params: JsonObject;
  input: JsonObject;
  session_id?: string;
}

/** The object whose canonical form a request signature covers. @source 02 §3 */
export interface RequestEnvelope {
  capability: string;
  version: Version;
  request_id: string;
  from: NodeId;
  community: CommunityId;
  timestamp: Time;
  body: JsonObject;
  to?: NodeId;
}

/** The object whose canonical form a response signature covers. @source 02 T-10 */
export interface ResponseEnvelope {
  request_id: string;
  from: NodeId;
  to: NodeId | "";
  timestamp: Time;
  status: number;
  body: JsonObject;
}

/** The object whose canonical form a stream's terminal signature covers. @source 02 T-14 */
export interface StreamEnvelope {
  request_id: string;
  from: NodeId;
  to: NodeId | "";
  timestamp: Time;
  frames: number;
  digest: string;
  terminal: { event: string; data: JsonObject };
}

/** What a signature on a peer session covers: every leaf since the seal before. Hashes are base64url. @source network.md §1.6 */
export interface PeerSeal {
  type: "hearthnet.peer-seal.v1";
  session: string;
  from: NodeId;
  to: NodeId;
  community: CommunityId;
  /** Number of the seal in its direction, from 0. */
  n: number;
  /** Number of the first leaf that it covers, and how many. */
  first: number;
  count: number;
  root: string;
  /** SHA-256 of the seal before; for the first one, the end of the handshake's transcript. */
  prev: string;
  time: Time;
}

/** Shows a third party what was said on a peer session. `record` and `path` are base64url. @source network.md §1.6 */
export interface SessionProof {
  type: "hearthnet.session-proof.v1";
  seal: PeerSeal;
  signature: Signature;
  /** Of the leaf among those under the seal. */
  index: number;
  path: string[];
  record: string;
}

/** What such a proof shows of a call: who asked whom for what. @source network.md §1.6 */
export interface ProvenCall {
  from: NodeId;
  to: NodeId;
  /** That `from` acted from. */
  community: CommunityId;
  /** When `from` sealed it, by its own clock. */
  time: Time;
  capability: string;
  request_id: string;
  body: JsonObject;
}

/** @source 04 E-7 */
export interface CoSign {
  type: "hearthnet.cosign.v1";
  action: string;
  community_id: CommunityId;
  data: JsonObject;
}

export interface CoSigner {
  node_id: NodeId;
  signature: Signature;
}

/** @source 04 §8 */
export interface SyncHeads {
  community_id: CommunityId;
  head: number;
  heads_by_type: Record<string, number>;
  heads_by_author: Record<NodeId, number>;
  /** Absent from nodes without `sync-ranges`, and while this one still counts. */
  set?: SyncSet;
}

/** The events that count, in one comparison. Hashes and sums are base64url. @source 04 §8, network.md §5 */
export interface SyncSet {
  count: number;
  /** Sum of the SHA-256 of the events' bytes mod 2^256. */
  sum: string;
  /** SHA-256 of the canonical `heads_by_author`. */
  frontier: string;
  /** Counted from this lamport on; what lies below may be pruned. */
  floor: number;
}

/** Answer to `?brief=1`. @source 04 §8 */
export interface SyncBrief {
  community_id: CommunityId;
  head: number;
  set?: SyncSet;
}

/** What an exchange of logs did. */
export interface SyncReport {
  /** The last stage that was needed: 0 both were equal, 1 heads by author, 2 ranges, 3 ranges under a salt. @source network.md §5 */
  stage: 0 | 1 | 2 | 3;
  received: number;
  sent: number;
  /** Requests. */
  rounds: number;
}

/**
 * One stretch of the log, from the end of the one before it. Mode 0: settled; 1: `data` is the fingerprint; 2: `data` are the first 16 bytes of
 * each item. @source network.md §5 "Range message"
 */
export interface SyncRange {
  to: [lamport: number, idPrefix: string];
  mode: 0 | 1 | 2;
  data?: string;
}

/** Both ways of `/sync/v1/reconcile`. @source network.md §5 */
export interface RangeMessage {
  community_id: CommunityId;
  floor: number;
  ranges: SyncRange[];
  /**
   * Hashes count under a salt that both sides make: 32 bytes of each, base64url. The asker says up to which lamport is compared. Its first question settles
   * everything and only brings the other half. @source network.md §5 stage 3
   */
  salt?: { half: string; up_to?: number };
}

/** @source 04 §8 */
export interface SyncRequest {
  community_id: CommunityId;
  events: Event[];
  our_head?: number;
  our_heads_by_author?: Record<NodeId, number>;
  /** First 16 bytes of items that are missing, base64url; at most 1000. @source network.md §5 */
  want?: string[];
}

/** @source 04 §8 */
export interface SyncReply {
  accepted: number;
  rejected: number;
  rejected_reasons: { event_id: string; reason: string }[];
  new_head: number;
  events?: Event[];
  more?: boolean;
}

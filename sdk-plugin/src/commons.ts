/** What a plugin shares with others: the community's log, topics, files, and the roles that serve them. @source plugin-platform §4.3 */
import type {
  DhtEndpoint,
  Event,
  EventQuery,
  Frame,
  JsonObject,
  JsonValue,
  NodeId,
  PlacedEvent,
  Principal,
  ProvenCall,
  TopicMessage,
  TrustLevel,
  Visibility,
} from "@hearthnet/host/contract";
import type { HnBytes } from "./bytes.ts";

/** Filters of a query; everything given must hold. */
export type Query = Partial<Omit<EventQuery, "limit">> & { limit?: number };

export interface EventReader {
  /**
   * Events in log order, each with its author's level at that place. Without `types` everything that is granted.
   * @throws permission_denied · unauthorized reason caller_right · not_found reason no_community
   */
  query(query?: Query): AsyncGenerator<PlacedEvent, void, void>;
}

/** The community's log. Needs `events.append`, `events.read`, `events.push`. */
export interface Events extends EventReader {
  /**
   * The host builds, signs and stores it; what is returned is on disk. The same `clientId` gives the same event, also after a restart.
   * @param options.clientId  a ULID, such as the id of a call
   * @throws permission_denied · rate_limited · bad_request
   */
  append(type: string, data: object, options: { clientId: string }): Promise<{ event_id: string; lamport: number }>;
  /**
   * Brings an event that this node has written to a member's node at once, instead of with the next exchange of logs. `offline`: it could not be reached,
   * and has the event later. Needs `events.append` for its type as well.
   * @throws permission_denied · not_found for an event that is not this node's, or somebody who is no member · rate_limited above 120 a minute
   */
  push(id: string, to: NodeId): Promise<"direct" | "offline">;
}

/** Messages between plugins of this node, in memory and best effort. Needs `pubsub.publish`. */
export interface Pubsub {
  /** @throws permission_denied · bad_request reason too_large above 64 KiB */
  publish(topic: string, data: unknown): Promise<void>;
}

/** Needs `community.read`. @throws not_found reason no_community */
export interface CommunityFacts {
  members(): Promise<{ node_id: NodeId; display_name: string; level: TrustLevel; added_at: string }[]>;
  policy(): Promise<JsonObject>;
}

/** The node's signature. Needs `identity.sign` with the kind of document, `identity.dh` with the role `e2e`. */
export interface Identity {
  readonly nodeId: NodeId;
  readonly communityId: string | null;
  /** Signs `{type: "hearthnet.plugin-sig.v1", plugin, payload}`, which nobody takes for anything else. */
  signPlugin(payload: object): Promise<string>;
  signDoc(type: "cosign" | "federation-manifest", doc: object): Promise<string>;
  /** X25519 of the node's converted key and `x25519:…`. @throws bad_request reason low_order_point */
  dh(peer: string): Promise<Uint8Array>;
  /**
   * What a proof of `req.proof()` shows, from whatever plugin or node it came. Needs no right.
   * @returns null when it does not hold; compare `from`, `to` and `body` with what is claimed
   */
  readProof(proof: object): Promise<ProvenCall | null>;
}

/**
 * Hints of nodes that need not know each other: none of them is authoritative, and whoever is found has the trust that the log gives them. Needs
 * `dht.find`, `dht.advertise`.
 * @throws not_implemented reason dht_off | dht_adverts_off where the operator has not switched it on · partition reason dht_lookup_failed ·
 * rate_limited above 60 lookups or adverts a minute
 */
export interface Dht {
  /** Where anchors of that community say that they are. Ask there for the community's manifest before you believe it. */
  findCommunity(id: string): Promise<DhtEndpoint[]>;
  /** Nodes that say they hold it, this one left out. Call them as any other; members among them were looked for meanwhile. */
  findSources(cid: string): Promise<NodeId[]>;
  /**
   * This node says that it holds the file, until `withdrawCid`, or this plugin stops. Once is enough.
   * @throws not_found reason dht_not_public for what is not here as a public file · quota_exceeded above 256
   */
  advertiseCid(cid: string): Promise<void>;
  /** Is not said any more; what others remember ends within the hour. */
  withdrawCid(cid: string): Promise<void>;
}

export interface BlobStat {
  size: number;
  visibility: Visibility;
  mime?: string;
  meta?: JsonObject;
  /** For people only. */
  filename?: string;
}

/**
 * Files by their content id, kept by the plugin that holds the role `blob-store`. Needs `blobs.read`, `blobs.write`.
 * @throws not_implemented reason blob_store_missing · not_found also for what may not be seen · internal_error reason blob_altered
 */
export interface Blobs {
  /** Up to 16 MiB are in memory when this resolves; larger ones can be read once, as a stream. */
  open(cid: string): Promise<HnBytes>;
  /** @returns the content id @throws quota_exceeded */
  put(
    bytes: HnBytes | Uint8Array | AsyncIterable<Uint8Array>,
    options: { visibility: Visibility; mime?: string; meta?: object },
  ): Promise<string>;
  stat(cid: string): Promise<BlobStat>;
  /** Brings a file from neighbours; the return value is the summary. */
  fetch(cid: string, options?: { sources?: NodeId[] }): AsyncGenerator<Frame, JsonObject, void>;
}

/**
 * State that follows from the log. From `reset`, applying the whole ordered stream must give one state; the host goes back to an earlier one
 * whenever something late arrives. Keep it in memory, and touch nothing else in `apply`.
 * @source 04 §5
 */
export interface View {
  reset(): void | Promise<void>;
  /** @param level  the author's, at the event's place in the log */
  apply(event: Event, level: TrustLevel): void | Promise<void>;
  /** JSON; asked for where the manifest says `snapshot: true`. */
  snapshotState(): JsonValue | object;
  restoreState(state: JsonValue): void | Promise<void>;
}

/** One message on a topic. */
export type Message = TopicMessage;

/** One call to a role, under whoever asked. */
export interface RoleRequest<Input> {
  readonly input: Input;
  /** Who asks; its rights were checked against what the role says of the file. */
  readonly caller: Principal;
  readonly traceId: string;
  readonly signal: AbortSignal;
}

/** What the holder of the role `blob-store` does. @source plugin-platform §3.3, 30 §1 */
export interface BlobStore<C> {
  /** @throws not_found */
  stat(req: RoleRequest<{ cid: string }>, ctx: C): Promise<BlobStat>;
  /** @throws not_found */
  open(
    req: RoleRequest<{ cid: string }>,
    ctx: C,
  ): Promise<{ stat: BlobStat; data: Uint8Array | HnBytes | AsyncIterable<Uint8Array> }>;
  /** @returns the content id, which the host has computed as well */
  put(
    req: RoleRequest<{ visibility: Visibility; mime?: string; meta: JsonObject; filename?: string }>,
    data: AsyncIterable<Uint8Array>,
    ctx: C,
  ): Promise<{ cid: string }>;
  fetch(req: RoleRequest<{ cid: string; sources: NodeId[] }>, ctx: C): AsyncGenerator<Frame, object | void, void>;
}

export interface Roles<C> {
  "blob-store"?: BlobStore<C>;
}

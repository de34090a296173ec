/** What plugins share with a community beyond calls: its log, topics, roles, the node's signature. @source plugin-platform §2.4, §3.1, §3.3 */
import type { JsonObject, JsonValue, NodeId, Signature } from "./ids.ts";
import type { Community } from "./services.ts";
import type { Event, ProvenCall, TrustLevel } from "./wire.ts";

/** A place in the log's total order. @source 04 §3 */
export interface Position {
  lamport: number;
  event_id: string;
  author: NodeId;
}

/** Everything given must hold. */
export interface EventQuery {
  /** Exact types, or all below `chat.*`. */
  types: readonly string[];
  authors?: readonly NodeId[];
  /** Lamport from … to, both included. */
  from?: number;
  to?: number;
  /** What lies behind this place. */
  after?: Position;
  /** At most this many events, and at most 512 KiB of them. */
  limit: number;
}

export interface PlacedEvent {
  event: Event;
  /** The author's level from everything ordered before the event. */
  level: TrustLevel;
}

/** `next` continues behind the last place that was looked at; null at the head. */
export interface EventPage {
  events: PlacedEvent[];
  next: Position | null;
}

/** What the runtime needs of the community. */
export type PluginCommunity = Pick<
  Community,
  "communityId" | "policy" | "members" | "levelOf" | "append" | "ownEvent" | "read" | "revision" | "onStored"
>;

/** Brings one own event to a member now. `offline`: not reached; its next exchange of logs carries the event. @throws not_found for who is no member */
export type DeliverEvent = (event: Event, to: NodeId) => Promise<"direct" | "offline">;

/** One message on a topic. In memory and best effort: what must last belongs into the log. @source 02 §7.2 */
export interface TopicMessage {
  topic: string;
  data: JsonValue;
  /** Who published it; without a plugin it was the host. */
  from: { node_id: NodeId; plugin_id?: string };
}

/** What came after a number that somebody knows. */
export interface TopicBacklog {
  /** Another than before: numbers start anew. */
  epoch: string;
  messages: { seq: number; data: JsonValue }[];
  /** Number of the newest message, whether it is among them or not. */
  last_seq: number;
  /** Some are missing before the first of them. */
  gap?: true;
}

export interface Topics {
  /** Handed to everybody who listens now, before this returns, and kept for those who ask later. */
  publish(message: TopicMessage): void;
  /** A neighbour's message: handed to everybody who listens, and kept for nobody, because nobody passes on what others have said. */
  receive(message: TopicMessage): void;
  /** @source 02 T-16 */
  since(topic: string, after: { seq: number; epoch?: string }): TopicBacklog;
  /** @returns a function that ends it */
  subscribe(listener: (message: TopicMessage) => void): () => void;
}

/** What only a plugin knows of who may hear a topic; where it is not there, nobody may. @source 02 §7.2 */
export interface TopicGuard {
  /** Of `chat.thread.message.<thread>`. */
  isThreadMember(thread: string, node: NodeId): boolean;
  /** Of `mobile.push.<device>`: the node is the device's relay. */
  isRelayOf(device: string, node: NodeId): boolean;
}

/** What a proof from a peer session shows of a call, whoever hands it in; null for what does not hold. @source network.md §1.6 */
export type ReadProof = (proof: JsonObject) => ProvenCall | null;

/** What the device key does for plugins; the host builds every object that is signed. @source 00 G-1 */
export interface PluginSigner {
  signPlugin(plugin: string, payload: JsonObject): Signature;
  signCoSign(payload: { type: "hearthnet.cosign.v1"; action: string; community_id: string; data: JsonObject }): Signature;
  signFederationManifest(manifest: JsonObject): Signature;
  /** X25519 of the converted device key and the peer's key. @throws bad_request reason low_order_point */
  dh(peer: Uint8Array): Uint8Array;
}

/** `private`: this node's operator and plugins; `community`: members as well; `public`: federated callers as well. @source 30 F2 */
export type Visibility = "private" | "community" | "public";

/** What is handed in, so that no room reaches for the machine by itself and a thousand nodes fit into one process. */
import type {
  CallBody,
  CommunityManifest,
  Endpoint,
  NodeManifest,
  RangeMessage,
  SyncBrief,
  SyncHeads,
  SyncReply,
  SyncRequest,
} from "./wire.ts";
import type { Frame, Reply } from "./bus.ts";
import type { JsonObject, JsonValue, NodeId } from "./ids.ts";
import type { SessionFacts } from "./services.ts";

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Unix time in milliseconds; may jump. */
  now(): number;
  /** Milliseconds that only rise. */
  monotonic(): number;
  /** Runs `fn` after `delayMs` of this clock's time; never keeps the process alive. */
  setTimeout(fn: () => void, delayMs: number): Timer;
}

/** Fills and returns `n` random bytes. */
export type Random = (n: number) => Uint8Array;

export type LogFields = Record<string, unknown>;
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Log;
}

export interface OutboundCall {
  to: NodeId;
  endpoints: Endpoint[];
  capability: string;
  version: string;
  body: CallBody;
  traceId: string;
  /** Span of this call, 16 hex digits; travels in `traceparent`. */
  spanId?: string;
  /** Told as soon as the neighbour has answered, whatever it says. */
  onAnswer?: () => void;
  /** Milliseconds left for the whole call. */
  timeoutMs: number;
  stream: boolean;
  /** Absent: nobody can leave before the end. */
  signal?: AbortSignal;
  token?: string;
  /** Follow a streaming call; the way there must then take frames in both directions. @source 02 T-13, T-17 */
  frames?: AsyncIterable<Frame>;
  /** Where they have no way, the call goes without them. */
  framesOptional?: true;
  /** The provider says that repeating it does no harm; absent: it may. */
  idempotent?: boolean;
}

/** Listening to a topic of a neighbour. @source 02 §7.2 */
export interface TopicFollowing {
  to: NodeId;
  /** Where it is; asked anew for every try. */
  endpoints: () => Endpoint[];
  topic: string;
  /** In order; some may be missing, see `onGap`. */
  onMessage: (data: JsonValue) => void;
  /** Messages were lost: what must be complete is read from the log. */
  onGap?: () => void;
  /** It will not go on: the topic is not for this node, or there is none. */
  onEnd?: (error: Error) => void;
}

/** The way to what neighbours publish; filled by `transport`. */
export interface TopicLink {
  /** Keeps listening, whatever breaks in between. @returns ends it */
  follow(following: TopicFollowing): () => void;
}

/** The bus's and the community's way to other nodes; filled by `transport`. Every failure is an HnError; no answer is `partition`. */
export interface PeerLink {
  /** One call to a known peer. With `stream`, frames without the terminal `done`, whose data is the generator's return value. */
  call(call: OutboundCall): Promise<Reply>;
  stream(call: OutboundCall): AsyncGenerator<Frame, JsonObject, void>;
  /** Fetches and verifies `/manifest`. @throws partition | invalid_signature | expired | bad_request */
  fetchManifest(endpoint: Endpoint, expected?: NodeId, o?: FetchLimits): Promise<NodeManifest>;
  /** The open peer session with a node, where there is one. */
  sessionWith?(node: NodeId): SessionFacts | undefined;
  communityManifest(peer: PeerAddress): Promise<CommunityManifest>;
  syncHeads(peer: PeerAddress): Promise<SyncHeads>;
  /** @param floor  what lies below this lamport need not be counted */
  syncBrief(peer: PeerAddress, floor: number): Promise<SyncBrief>;
  syncEvents(peer: PeerAddress, request: SyncRequest): Promise<SyncReply>;
  syncReconcile(peer: PeerAddress, message: RangeMessage): Promise<RangeMessage>;
}

/** One signature to be judged. */
export interface SignatureCheck {
  by: NodeId;
  message: Uint8Array;
  signature: string;
}

/** Judges many signatures, away from the event loop where there is a pool. Verdicts in the order asked. @source network.md §5 "Verify", N-3 */
export type VerifyMany = (checks: readonly SignatureCheck[]) => Promise<boolean[]>;

export interface FetchLimits {
  /** Ends the attempt and its connection. */
  signal?: AbortSignal;
  /** Which IP addresses may be dialled, where a stranger has chosen the name; all when absent. @source 06 H-11 */
  admits?: (address: string) => boolean;
}

/** What is open between this node and others; filled by both halves of `transport`. @source 04 E-10 */
export interface Doors {
  /**
   * Closes whatever is open to or from nodes that are revoked by now. Handlers working for them have their abort before this returns, idle
   * connections are gone, busy ones have 500 ms to carry the refusal.
   */
  shutRevoked(): void;
}

export interface PeerAddress {
  node_id: NodeId;
  endpoints: Endpoint[];
  /** Community the request is made from; before joining, the invite's. */
  community_id: string;
}

/** One multicast group on the networks of this machine. */
export interface MulticastGroup {
  /** To the group, on every network; resolves when it is sent or could not be. */
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** The machine's networks; the only way in which discovery touches them. */
export interface LocalNetwork {
  /** Addresses of this machine with their networks, e.g. `192.0.2.7/24`; the loopback's included. */
  networks(): string[];
  /**
   * @param onMessage  bytes and the IP address that the packet came from
   * @throws the system's own error when the port cannot be taken
   */
  join(group: { address: string; port: number }, onMessage: (bytes: Uint8Array, from: string) => void): Promise<MulticastGroup>;
}

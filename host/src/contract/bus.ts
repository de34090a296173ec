/** What the bus, its callers and its providers tell each other. @source 03 */
import type { CommunityId, JsonObject, JsonSchema, NodeId } from "./ids.ts";
import type { AnyErrorCode } from "./errors.ts";
import type { VerifiedToken } from "./tokens.ts";
import type { CallBody, Endpoint, NodeManifest, SessionProof, Stability, TrustLevel, TrustRequirement } from "./wire.ts";

/** @source 03 §1 */
export interface CapabilityDescriptor {
  name: string;
  version: [major: number, minor: number];
  stability: Stability;
  request_schema: JsonSchema;
  response_schema: JsonSchema | null;
  stream_schema: JsonSchema | null;
  params: JsonObject;
  max_concurrent: number;
  trust_required: TrustRequirement;
  timeout_seconds: number;
  idempotent: boolean;
}

/** Who calls. `self` is this node's operator; `plugin` acts under the plugin's own authority. @source 03 §8, B-11 */
export interface Principal {
  kind: "self" | "member" | "stranger" | "federated" | "plugin";
  node_id: NodeId;
  community_id: CommunityId | null;
  level: TrustLevel;
  /** Set when `kind` is `plugin`: `namespace/name`. */
  plugin_id?: string;
  /** Set when a token speaks: whose items count as the caller's own in this one call. @source 05 §4 */
  acts_for?: NodeId;
}

export interface Frame {
  event: string;
  data: JsonObject;
}

/** `meta.ms` is filled by the bus when the handler leaves it out. Binary fields hold `Uint8Array` while inside the node. */
export interface Reply {
  output: JsonObject;
  meta: { ms?: number } & JsonObject;
}

/**
 * A call as the bus hands it to a handler. Fields at the offer's `binary` pointers hold `Uint8Array`, never base64url:
 * the bus decodes them once. @source plugin-platform §4 "Binary path"
 */
export interface DispatchedCall {
  capability: string;
  version: [number, number];
  body: CallBody;
  caller: Principal;
  traceId: string;
  requestId: string;
  /** Monotonic milliseconds. */
  deadline: number;
  stream: boolean;
  hops: number;
  /**
   * What the caller sends after the call, in order; reading sets the pace. Ends with the caller's last frame, throws when the call ends first.
   * Bytes are decoded at the offer's pointers `/<event>/<field>`. Absent: nothing follows. @source 02 T-17
   */
  frames?: AsyncIterable<Frame>;
  /** Names this call in the trace; what is called for it hands it on as `parent`. */
  span?: number;
  /** What shows a third party that the caller asked for this, where there is such a thing. */
  proof?: (() => SessionProof) | undefined;
}

/** How a handler learns that nobody waits for it any more. */
export interface Cancellation {
  readonly aborted: boolean;
  /** Why; undefined before. */
  readonly reason: unknown;
  /** The same for whoever wants the platform's own; made when it is asked for. */
  readonly signal: AbortSignal;
  /** Calls `listener` once, at once when it has happened already. */
  onAbort(listener: () => void): void;
}

/** Returns a reply, or frames (the generator's return value is the `done` summary). Throws HnError; anything else is internal_error. */
export type Handler = (
  call: DispatchedCall,
  cancellation: Cancellation,
) => Promise<Reply> | AsyncGenerator<Frame, JsonObject, void>;

export interface Offer {
  descriptor: CapabilityDescriptor;
  handler: Handler;
  /** JSON pointers below `{params,input}` / `{output,meta}` / frame `{event: data}` that carry bytes, e.g. `/input/image_b64`. */
  binary?: string[];
  /** Request body limit on the wire, bytes; default 1 MiB, ceiling 16 MiB. */
  maxBodyBytes?: number;
  /** Plugin that stands behind it; absent for host capabilities. */
  plugin_id?: string;
  /** For callers on this node alone: neighbours neither learn of it nor reach it. */
  onlyHere?: boolean;
  /** Told when an answer or a frame broke the schemas or the form of an answer: the handler itself does not learn it. */
  onBadAnswer?: () => void;
}

export interface Registration {
  update(params: JsonObject): void;
  withdraw(): void;
}

/** Offers that are checked and compiled and wait for their moment. */
export interface PreparedOffers {
  /**
   * Puts them into the places of their like in one step: no call finds a name twice or not at all, and an unchanged descriptor announces
   * nothing. Whatever of `former` has no successor is withdrawn. Calls under way stay where they are.
   */
  flip(former: readonly Registration[]): Registration[];
}

/** One (node, capability, params) the bus knows. @source 03 §1 */
export interface CapabilityEntry {
  node_id: NodeId;
  descriptor: CapabilityDescriptor;
  schema_hash: string;
  is_local: boolean;
  endpoints: Endpoint[];
  plugin_id?: string;
  /** Set where neighbours neither learn of it nor reach it. */
  only_here?: true;
  in_flight: number;
  /** Monotonic milliseconds. */
  last_seen: number;
  p50_latency_ms: number;
  p99_latency_ms: number;
  success_rate: number;
  /** Monotonic milliseconds; 0 when not quarantined. */
  quarantined_until: number;
  /** Streams of it that run at this moment. */
  streams: number;
  /** JSON pointers that carry bytes; known for local entries only. */
  binary: string[];
}

/** What somebody on this node (operator, plugin, host) wants called. `Uint8Array` is welcome at binary fields. */
export interface OriginateRequest {
  capability: string;
  /** At least this version of the same major. */
  version: [number, number];
  body: CallBody;
  caller: Principal;
  /** Only this node; absent: the router chooses. */
  node?: NodeId;
  timeoutMs?: number;
  traceId?: string;
  /** Of the call that this one is made for, as it was dispatched. */
  hops?: number;
  /** Span of the call that this one is made for. */
  parent?: number;
  signal?: AbortSignal;
  token?: string;
  /** Follow a call that streams; nobody else is tried once the first of them was taken. @source 02 T-17 */
  frames?: AsyncIterable<Frame>;
  /** The call makes sense without them: a neighbour that takes none is called all the same, and they stay unread. */
  framesOptional?: true;
}

/** What transport hands over after authentication; reaches local entries only (B-7). */
export interface InboundRequest {
  capability: string;
  version: [number, number];
  body: CallBody;
  caller: Principal;
  requestId: string;
  traceId: string;
  /** The caller's span, 16 hex digits: unsigned, for diagnosis only. */
  parentSpanId?: string;
  timeoutMs?: number;
  stream: boolean;
  signal: AbortSignal;
  /** Of a WebSocket, what the caller sends after the call. */
  frames?: AsyncIterable<Frame>;
  /** Widens what the caller may do, for this call. @source 05 §4 */
  token?: VerifiedToken;
  /** Of a call under a seal. @source network.md §1.6 */
  proof?: () => SessionProof;
}

/** @source 03 §10 */
export interface CallTrace {
  /** Its number since the node started, from 1 on. */
  seq: number;
  /** When it ended. */
  ts: string;
  trace_id: string;
  /** 16 hex digits each; the parent may lie on another node. */
  span_id: string;
  parent_id?: string;
  capability: string;
  version: string;
  from_node: NodeId;
  to_node: NodeId;
  is_local: boolean;
  result: "ok" | "cancelled" | AnyErrorCode;
  ms: number;
  bytes_in: number;
  bytes_out: number;
  /** Of `llm.*`, as far as the provider says. */
  tokens_in?: number;
  tokens_out?: number;
}

/** Which calls are meant; all that is named must fit. */
export interface CallFilter {
  /** A name, or its first words: `ocr` fits `ocr.image`. */
  capability?: string;
  /** Caller or provider. */
  node?: NodeId;
  result?: CallTrace["result"];
  trace_id?: string;
  /** Only calls with a higher number. */
  after?: number;
}

/**
 * A call that has just ended, before anybody writes it as text. The object is used again for a later call: whoever keeps it copies it.
 * Times are monotonic milliseconds.
 */
export interface EndedCall {
  traceId: string;
  span: number;
  /** Of this node when it is a number. */
  parent: number | string | undefined;
  capability: string;
  version: readonly [number, number];
  from: NodeId;
  to: NodeId;
  result: CallTrace["result"];
  endedAt: number;
  ms: number;
  bytesIn: number;
  bytesOut: number;
  tokensIn: number | undefined;
  tokensOut: number | undefined;
}

export type BusChange = { kind: "added" | "removed" | "updated"; entry: CapabilityEntry };

/** The bus as the rooms above it see it. */
export interface Bus {
  /** @throws bad_request reason schema_invalid | namespace_violation */
  offer(offer: Offer): Registration;
  /** For one release of a plugin that follows another. @throws as `offer` */
  prepare(offers: readonly Offer[]): PreparedOffers;
  /** Call from this node; local or remote. @throws HnError of spec 02 §5 */
  call(request: OriginateRequest): Promise<Reply & { provider: NodeId }>;
  stream(request: OriginateRequest): AsyncGenerator<Frame, JsonObject, void>;
  /** Call from the network; local entries only. */
  serve(request: InboundRequest): Promise<Reply>;
  serveStream(request: InboundRequest): AsyncGenerator<Frame, JsonObject, void>;
  /** Descriptor limits that transport needs before it reads the body. `binary`: pointers at which every local entry takes bytes. */
  limitsOf(capability: string): { maxBodyBytes: number; streams: boolean; idempotent: boolean; binary: string[] } | undefined;
  entries(filter?: { name?: string; node_id?: NodeId }): CapabilityEntry[];
  /** Takes the offers of a verified peer manifest; replaces that peer's former ones. */
  peerSeen(manifest: NodeManifest): void;
  /** It has proven itself with a call of its own. */
  peerHeard(node: NodeId): void;
  peerGone(node: NodeId): void;
  /** Newest first. */
  recentCalls(limit: number, filter?: CallFilter): CallTrace[];
  onChange(listener: (change: BusChange) => void): () => void;
  onCall(listener: (trace: CallTrace) => void): () => void;
  /** As `onCall`, for those who count: nothing is written for them. */
  onEnded(listener: (call: EndedCall) => void): () => void;
  /** A span of this node as it is written, 16 hex digits. */
  spanId(span: number): string;
  /** Whether the internet can be reached. Without it own entries with `params.requires_internet` stand aside, and come back with it. @source 03 §4, 35 §5 */
  setInternet(available: boolean): void;
  hasInternet(): boolean;
  inFlight(): number;
}

/** What is handed in, so that no room reaches for the machine by itself and a thousand nodes fit into one process. */
import type { CallBody, Endpoint, NodeManifest, SyncHeads, SyncReply, SyncRequest, CommunityManifest } from "./wire.ts";
import type { Frame, Reply } from "./bus.ts";
import type { JsonObject, NodeId } from "./ids.ts";

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
}

/** The bus's and the community's way to other nodes; filled by `transport`. Every failure is an HnError; no answer is `partition`. */
export interface PeerLink {
  /** One call to a known peer. With `stream`, frames without the terminal `done`, whose data is the generator's return value. */
  call(call: OutboundCall): Promise<Reply>;
  stream(call: OutboundCall): AsyncGenerator<Frame, JsonObject, void>;
  /** Fetches and verifies `/manifest`. @throws partition | invalid_signature | expired | bad_request */
  fetchManifest(endpoint: Endpoint, expected?: NodeId): Promise<NodeManifest>;
  communityManifest(peer: PeerAddress): Promise<CommunityManifest>;
  syncHeads(peer: PeerAddress): Promise<SyncHeads>;
  syncEvents(peer: PeerAddress, request: SyncRequest): Promise<SyncReply>;
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

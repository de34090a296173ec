import type { CapabilityDescriptor, CapabilityEntry, CommunityId, Endpoint, Handler, NodeId } from "../../contract/index.ts";
import type { PeerBreaker } from "../health/breaker.ts";
import { Health } from "../health/quarantine.ts";
import type { Share } from "../call/slots.ts";
import type { Check } from "../schema/compile.ts";
import type { Path } from "../schema/pointer.ts";

/** The part of a provider that exists on this node only. */
export interface LocalPart {
  handler: Handler;
  request: Check;
  response: Check | null;
  frames: Check | null;
  /** Paths that carry bytes inside a request body. */
  bytesIn: Path[];
  /** Pointers `/<event>/<field>` that carry bytes in frames of either direction. */
  bytesInFrames: Path[];
  binary: string[];
  maxBodyBytes: number;
  pluginId: string | undefined;
  onlyHere: boolean;
  onBadAnswer: (() => void) | undefined;
}

/** Calls that run at this moment; carried over when a registration changes under them. */
export interface Load {
  inFlight: number;
  /** Those of them that answer frame by frame. */
  streams: number;
  callers: Map<string, Share>;
}

/** What outlives a change of the entry. */
export interface Legacy {
  health: Health;
  load: Load;
}

export interface ProviderSource {
  nodeId: NodeId;
  descriptor: CapabilityDescriptor;
  schemaHash: string;
  /** Identity of the entry: node, name, version, params. */
  key: string;
  now: number;
  local?: LocalPart;
  remote?: { endpoints: Endpoint[]; communityId: CommunityId; breaker: PeerBreaker };
}

/** One (node, capability, params) and everything the bus knows about it. @source 03 §1 */
export class Provider {
  readonly key: string;
  readonly node_id: NodeId;
  readonly descriptor: CapabilityDescriptor;
  readonly schemaHash: string;
  readonly local: LocalPart | undefined;
  readonly is_local: boolean;
  readonly timeoutMs: number;
  readonly slotsPerCaller: number;
  /** A language model: how many tokens a call took stands in the trace. @source 03 §10 */
  readonly countsTokens: boolean;
  /** An own entry that is of no use without the internet. @source 03 §4 */
  readonly needsInternet: boolean;
  readonly health: Health;
  /** Of its node; neighbours only. */
  readonly breaker: PeerBreaker | undefined;
  endpoints: Endpoint[];
  communityId: CommunityId | null;
  /** Its schema differs from ours at the same version. @source 03 B-4 */
  foreignSchema = false;
  lastSeen: number;
  readonly load: Load;
  #contract: string | undefined;

  constructor(source: ProviderSource, legacy?: Legacy) {
    const { descriptor } = source;
    this.key = source.key;
    this.node_id = source.nodeId;
    this.descriptor = descriptor;
    this.schemaHash = source.schemaHash;
    this.local = source.local;
    this.is_local = source.local !== undefined;
    this.timeoutMs = descriptor.timeout_seconds * 1000;
    this.slotsPerCaller = Math.max(1, Math.ceil(0.75 * descriptor.max_concurrent));
    this.countsTokens = descriptor.name.startsWith("llm.");
    this.needsInternet = this.is_local && descriptor.params["requires_internet"] === true;
    this.health = legacy?.health ?? new Health();
    this.load = legacy?.load ?? { inFlight: 0, streams: 0, callers: new Map() };
    this.endpoints = source.remote?.endpoints ?? [];
    this.communityId = source.remote?.communityId ?? null;
    this.breaker = source.remote?.breaker;
    this.lastSeen = source.now;
  }

  /** Two providers with the same text promise the same. */
  get contract(): string {
    this.#contract ??= `${this.schemaHash} ${JSON.stringify(this.descriptor)}`;
    return this.#contract;
  }

  get in_flight(): number {
    return this.load.inFlight;
  }

  get p50_latency_ms(): number {
    return this.health.ring.latencyAt(0.5);
  }

  get success_rate(): number {
    return this.health.ring.successRate;
  }

  /** A copy for those outside the room. */
  entry(now: number): CapabilityEntry {
    return {
      node_id: this.node_id,
      descriptor: this.descriptor,
      schema_hash: this.schemaHash,
      is_local: this.is_local,
      endpoints: this.endpoints,
      ...(this.local?.pluginId === undefined ? {} : { plugin_id: this.local.pluginId }),
      ...(this.local?.onlyHere === true ? { only_here: true } : {}),
      in_flight: this.in_flight,
      last_seen: this.is_local ? now : this.lastSeen,
      p50_latency_ms: this.p50_latency_ms,
      p99_latency_ms: this.health.ring.latencyAt(0.99),
      success_rate: this.success_rate,
      quarantined_until: this.health.quarantinedUntil,
      streams: this.load.streams,
      binary: this.local?.binary ?? [],
    };
  }
}

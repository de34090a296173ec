import assert from "node:assert/strict";
import { HnError, ManualClock, silentLog } from "../../src/foundation/index.ts";
import { openBus, type BusOptions, type OpenBus } from "../../src/bus/index.ts";
import type {
  CapabilityDescriptor,
  Handler,
  InboundRequest,
  JsonObject,
  ManifestCapability,
  NodeManifest,
  Offer,
  OriginateRequest,
  PeerLink,
  Principal,
} from "../../src/contract/index.ts";

export const ME = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";
export const B = "ed25519:6kpsY-KcUgq-9VB7Ey7F-ZVHdq6-vnuSQh7qaRRG0iw";
export const C = "ed25519:p_bfr484uJuozmSbWU-R5NAf3Ff5yUk99DteUKmYc2c";
export const D = "ed25519:uvxxvq06xeS2PpyCFu5xo0quxlci7tvKcotOmzzM45Y";
export const HOME = "ed25519:GX9rI-FshTLGq8g4-s1ep4m-DHaykgM0A5v6iz02jWE";

export const operator: Principal = { kind: "self", node_id: ME, community_id: HOME, level: "anchor" };
export const stranger: Principal = { kind: "stranger", node_id: D, community_id: null, level: "unknown" };
export function member(level: Principal["level"] = "member", node_id: string = B): Principal {
  return { kind: "member", node_id, community_id: HOME, level };
}

export function descriptor(change: Partial<CapabilityDescriptor> = {}): CapabilityDescriptor {
  return {
    name: "ext.demo.echo",
    version: [1, 0],
    stability: "stable",
    request_schema: { type: "object" },
    response_schema: { type: "object" },
    stream_schema: null,
    params: {},
    max_concurrent: 4,
    trust_required: "member",
    timeout_seconds: 30,
    idempotent: true,
    ...change,
  };
}

export const echo: Handler = (call) => Promise.resolve({ output: call.body.input, meta: {} });

export function offer(change: Partial<CapabilityDescriptor> = {}, handler: Handler = echo): Offer {
  return { descriptor: descriptor(change), handler };
}

export function body(input: JsonObject = {}, params: JsonObject = {}): { params: JsonObject; input: JsonObject } {
  return { params, input };
}

/** A call of this node's own, to the echo. */
export function ask(change: Partial<OriginateRequest> = {}): OriginateRequest {
  return { capability: "ext.demo.echo", version: [1, 0], body: body(), caller: operator, ...change };
}

/** The same as it comes from a neighbour. */
export function inbound(change: Partial<InboundRequest> = {}): InboundRequest {
  return {
    capability: "ext.demo.echo",
    version: [1, 0],
    body: body(),
    caller: member(),
    requestId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    traceId: "01J9Z3K8V4Q2N7M5C6B1A0XWYT",
    stream: false,
    signal: new AbortController().signal,
    ...change,
  };
}

/** For `assert.rejects`: an HnError with this code, and this reason when one is named. */
export function refused(code: string, reason?: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(HnError.isHnError(error), String(error));
    assert.equal(error.code, code);
    if (reason !== undefined) assert.equal(error.reason, reason);
    return true;
  };
}

/** A bus on a clock that moves only when told; chance draws nothing but zeros, so a further attempt follows at once. */
export function makeBus(options: Partial<BusOptions> = {}): { bus: OpenBus; clock: ManualClock } {
  const clock = new ManualClock();
  const random = (n: number): Uint8Array => new Uint8Array(n);
  return { bus: openBus({ nodeId: ME, communityId: () => HOME, clock, log: silentLog, random, ...options }), clock };
}

export function manifest(node: string, capabilities: Partial<ManifestCapability>[], community: string = HOME): NodeManifest {
  return {
    version: 1,
    contract_version: "2.0",
    node_id: node,
    display_name: "peer",
    community_id: community,
    profile: "hearth",
    endpoints: [{ transport: "https", host: "127.0.0.1", port: 7080 }],
    hardware: { gpu: null, vram_gb: 0, ram_gb: 4, cpu_cores: 2, disk_free_gb: 10 },
    capabilities: capabilities.map((change) => ({
      name: "ext.demo.echo",
      version: "1.0",
      stability: "stable",
      schema_hash: "blake3:00",
      params: {},
      max_concurrent: 4,
      ...change,
    })),
    uptime_seconds: 1,
    load: { cpu: 0, in_flight_total: 0 },
    issued_at: "2026-07-01T12:00:00Z",
    expires_at: "2026-07-01T12:00:30Z",
    signature: "",
  };
}

/** A way to other nodes that does what the test says. */
export function fakeLink(change: Partial<PeerLink>): PeerLink {
  const unused = (): never => {
    throw new Error("not part of this test");
  };
  return {
    call: unused,
    stream: unused,
    fetchManifest: unused,
    communityManifest: unused,
    syncHeads: unused,
    syncBrief: unused,
    syncEvents: unused,
    syncReconcile: unused,
    ...change,
  };
}

/** A promise and its switches. */
export function later<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  return Promise.withResolvers<T>();
}

export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

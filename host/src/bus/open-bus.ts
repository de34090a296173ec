import { randomBytes } from "node:crypto";
import type { Bus, Clock, CommunityId, Log, NodeId, PeerLink, Random } from "../contract/index.ts";
import { Deadlines } from "../foundation/index.ts";
import { originate, originateStream, type Origin } from "./call/originate.ts";
import { Recorder } from "./call/outcome.ts";
import { Inbound } from "./call/serve.ts";
import type { Engine } from "./call/run.ts";
import { LocalOffers } from "./registry/local.ts";
import { OwnLimits } from "./registry/limits.ts";
import { Registry } from "./registry/registry.ts";
import { PeerOffers } from "./registry/remote.ts";
import { Router } from "./route/router.ts";
import { createCallIds } from "./trace/id.ts";
import { TraceRing } from "./trace/ring.ts";
import { Spans } from "./trace/span.ts";

export interface BusOptions {
  nodeId: NodeId;
  /** This node's community at the moment; `null` before it has one. */
  communityId: () => CommunityId | null;
  clock: Clock;
  log: Log;
  /** The way to other nodes; may come later than the bus. */
  link?: () => PeerLink | undefined;
  /** Take a local provider while its load is below 0.80. Default true. */
  preferLocal?: boolean;
  /** Policy: `experimental.*` is routed and served. Default never. @source 03 B-5 */
  research?: () => boolean;
  /** A plugin's handler did not yield within 200 ms after its cancellation. @source 02 T-19 */
  onDetached?: (o: { plugin_id: string | undefined; capability: string }) => void;
  /** An entry rests because its calls failed; node as a whole id. */
  onQuarantine?: (o: { capability: string; node: NodeId }) => void;
  random?: Random;
}

/** A bus that can be closed; `close` stops its timers, calls in flight end by themselves. */
export type OpenBus = Bus & { close(): void };

/** Builds the bus of one node. */
export function openBus(o: BusOptions): OpenBus {
  const now = (): number => o.clock.monotonic();
  const research = o.research ?? ((): boolean => false);
  const registry = new Registry(now);
  const random = o.random ?? ((n: number): Uint8Array => randomBytes(n));
  const spans = new Spans(random);
  const traces = new TraceRing({ nodeId: o.nodeId, clock: o.clock, spans });
  const deadlines = new Deadlines(o.clock);
  const engine: Engine = {
    nodeId: o.nodeId,
    clock: o.clock,
    deadlines,
    spans,
    recorder: new Recorder({
      log: o.log,
      traces,
      onQuarantine: ({ descriptor, node_id }) => o.onQuarantine?.({ capability: descriptor.name, node: node_id }),
    }),
    onSilent: ({ node_id }) => o.log.warn("a neighbour gives no answer and is left alone for a while", { node: node_id }),
    onDetached: ({ local, descriptor }) => {
      o.log.warn("a cancelled call did not end in time and was left behind", {
        capability: descriptor.name,
        plugin: local?.pluginId,
      });
      o.onDetached?.({ plugin_id: local?.pluginId, capability: descriptor.name });
    },
  };
  const router = new Router({ registry, preferLocal: o.preferLocal ?? true, research });
  const local = new LocalOffers({ nodeId: o.nodeId, registry, now });
  const peers = new PeerOffers({
    registry,
    now,
    random,
    onForeignSchema: (provider) =>
      o.log.warn("a neighbour's capability has another schema", { capability: provider.descriptor.name, node: provider.node_id }),
  });
  const inbound = new Inbound({ engine, router, communityId: o.communityId });
  const newId = createCallIds(o.clock, random);
  const origin: Origin = { engine, router, communityId: o.communityId, link: () => o.link?.(), newId, random };
  return {
    offer: (offer) => local.offer(offer),
    prepare: (offers) => local.prepare(offers),
    call: (request) => originate(origin, request),
    stream: (request) => originateStream(origin, request),
    serve: (request) => inbound.serve(request),
    serveStream: (request) => inbound.serveStream(request),
    limitsOf: (capability) => {
      const own = registry.named(capability).filter((provider) => provider.local !== undefined);
      return own.length === 0 ? undefined : new OwnLimits(own);
    },
    entries: (filter = {}) =>
      [...registry.all()]
        .filter(
          (p) =>
            (filter.name === undefined || p.descriptor.name === filter.name) &&
            (filter.node_id === undefined || p.node_id === filter.node_id),
        )
        .map((p) => p.entry(now())),
    peerSeen: (manifest) => {
      if (manifest.node_id !== o.nodeId) peers.seen(manifest, research());
    },
    peerHeard: (node) => peers.heard(node),
    peerGone: (node) => {
      if (node !== o.nodeId) peers.gone(node);
    },
    recentCalls: (limit, filter) => traces.recent(limit, filter),
    onChange: (listener) => registry.onChange(listener),
    onCall: (listener) => traces.onCall(listener),
    onEnded: (listener) => traces.onEnded(listener),
    spanId: (span) => spans.text(span),
    setInternet: (available) => registry.setInternet(available),
    hasInternet: () => registry.internet,
    inFlight: () => registry.inFlight(),
    close: () => deadlines.close(),
  };
}

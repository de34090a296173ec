import {
  CONSTANTS,
  type CapabilityDescriptor,
  type ManifestCapability,
  type NodeId,
  type NodeManifest,
  type Random,
} from "../../contract/index.ts";
import { PeerBreaker } from "../health/breaker.ts";
import { readVersion } from "../route/version.ts";
import { paramsFault } from "./check-offer.ts";
import { entryKey } from "./key.ts";
import { isCapabilityName, isExperimental, isLocalOnly, isPseudoName } from "./name.ts";
import { Provider } from "./provider.ts";
import type { Registry } from "./registry.ts";

const CAPABILITIES_MAX = 256;
const CONCURRENT_MAX = 1024;
/** `LLM_GENERATION_DEFAULT_TIMEOUT_SECONDS` */
const LLM_DEFAULT_TIMEOUT_SECONDS = 120;

/**
 * What neighbours offer, taken from their verified manifests.
 * @source 03 §4, B-2, B-4, B-5
 */
export class PeerOffers {
  readonly #registry: Registry;
  readonly #now: () => number;
  readonly #random: Random;
  readonly #onForeignSchema: (provider: Provider) => void;
  readonly #breakers: Map<NodeId, PeerBreaker> = new Map();

  constructor(o: { registry: Registry; now: () => number; random: Random; onForeignSchema: (provider: Provider) => void }) {
    this.#registry = o.registry;
    this.#now = o.now;
    this.#random = o.random;
    this.#onForeignSchema = o.onForeignSchema;
    // Whoever comes second, the plugin or the neighbour: the two are compared.
    o.registry.onPlaced((placed) => this.#compare(placed));
    o.registry.onRemoved((removed) => removed.is_local && this.#compare(removed));
  }

  /** Replaces the peer's former offers; the record of entries that stay is kept. */
  seen(manifest: NodeManifest, research: boolean): void {
    this.#breakerOf(manifest.node_id).seen(this.#now());
    const left = new Map(this.#registry.of(manifest.node_id).map((provider) => [provider.key, provider]));
    for (const offered of manifest.capabilities.slice(0, CAPABILITIES_MAX)) {
      const descriptor = readOffer(offered);
      if (!descriptor || (isExperimental(descriptor.name) && !research)) continue;
      const key = entryKey(manifest.node_id, descriptor, descriptor.params);
      const former = left.get(key);
      const provider = this.#provider(manifest, { descriptor, key, schemaHash: offered.schema_hash, former });
      left.delete(key);
      if (
        former &&
        former.schemaHash === provider.schemaHash &&
        JSON.stringify(former.descriptor) === JSON.stringify(descriptor)
      ) {
        former.endpoints = manifest.endpoints;
        former.communityId = manifest.community_id;
        former.lastSeen = this.#now();
      } else if (this.#registry.get(key) === former) this.#registry.put(provider, former);
    }
    for (const provider of left.values()) this.#registry.remove(provider);
  }

  heard(node: NodeId): void {
    this.#breakers.get(node)?.spoke(this.#now());
  }

  gone(node: NodeId): Provider[] {
    const providers = this.#registry.of(node);
    for (const provider of providers) this.#registry.remove(provider);
    this.#breakers.delete(node);
    return providers;
  }

  #breakerOf(node: NodeId): PeerBreaker {
    const known = this.#breakers.get(node);
    if (known !== undefined) return known;
    const breaker = new PeerBreaker(this.#random);
    this.#breakers.set(node, breaker);
    return breaker;
  }

  /** Another schema at the same version costs the neighbour's entry something in the choice. @source 03 B-4 */
  #compare(changed: Provider): void {
    const { name, version } = changed.descriptor;
    const same = this.#registry.named(name).filter(({ descriptor }) => descriptor.version.every((n, i) => n === version[i]));
    const own = same.find((provider) => provider.is_local);
    for (const provider of same) {
      if (provider.is_local) continue;
      const isForeign = own !== undefined && own.schemaHash !== provider.schemaHash;
      if (isForeign && !provider.foreignSchema) this.#onForeignSchema(provider);
      provider.foreignSchema = isForeign;
    }
  }

  #provider(
    manifest: NodeManifest,
    o: { descriptor: CapabilityDescriptor; key: string; schemaHash: string; former: Provider | undefined },
  ): Provider {
    const { descriptor, key, schemaHash, former } = o;
    return new Provider(
      {
        nodeId: manifest.node_id,
        descriptor,
        schemaHash,
        key,
        now: this.#now(),
        remote: {
          endpoints: manifest.endpoints,
          communityId: manifest.community_id,
          breaker: this.#breakerOf(manifest.node_id),
        },
      },
      former,
    );
  }
}

/** A manifest's row as a descriptor; schemas stay with the provider, so they are empty here. */
function readOffer(offered: ManifestCapability): CapabilityDescriptor | undefined {
  const version = readVersion(offered.version);
  if (!version || !isCapabilityName(offered.name) || isPseudoName(offered.name) || isLocalOnly(offered.name)) return undefined;
  if (paramsFault(offered.params) !== null) return undefined;
  const concurrent = Number.isFinite(offered.max_concurrent) ? Math.trunc(offered.max_concurrent) : 1;
  return {
    name: offered.name,
    version,
    stability: offered.stability,
    request_schema: {},
    response_schema: {},
    stream_schema: offered.streaming === false ? null : {},
    params: offered.params,
    max_concurrent: Math.min(CONCURRENT_MAX, Math.max(1, concurrent)),
    trust_required: offered.trust_required ?? "member",
    timeout_seconds: offered.timeout_seconds ?? defaultTimeout(offered.name),
    idempotent: offered.idempotent ?? false,
  };
}

/** @source 03 B-2, 00 §4.1 */
function defaultTimeout(name: string): number {
  return name.startsWith("llm.") ? LLM_DEFAULT_TIMEOUT_SECONDS : CONSTANTS.RPC_DEFAULT_TIMEOUT_SECONDS;
}

import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Bus, Clock, CommunityId, Endpoint, ManifestCapability, NodeManifest, Profile } from "./contract/index.ts";
import type { LanFacts } from "./discovery/index.ts";
import { writeFileAtomic } from "./foundation/index.ts";
import { readHardware, readLoad } from "./hardware.ts";
import { buildManifest, buildManifestV1, type ManifestFacts, type Signer } from "./identity/index.ts";

const FILE = "node.json";
const NAME_MAX = 64;
/** Younger than half its life when it is handed out. */
const FRESH_MS = 10_000;
/** What this release speaks beyond the first protocol. @source 01 I-9 */
const FEATURES = ["req-to", "resp-sig", "ws-bus", "heads-by-author", "cosign-v1", "sync-ranges", "peer-session"];

export interface SelfOptions {
  dataDir: string;
  signer: Signer;
  clock: Clock;
  profile: Profile;
  /** From the command line or the config file; wins over the remembered one. */
  name?: string;
  bus: Pick<Bus, "entries" | "inFlight" | "onChange">;
  communityId: () => CommunityId | null;
  endpoints: () => Endpoint[];
  /** What it offers beside what every node of this release speaks. */
  features: () => readonly string[];
}

/** What this node says about itself: its name and its signed manifests. @source 01 §5 */
export class SelfDescription {
  readonly #o: SelfOptions;
  readonly #startedAt: number;
  #name: string;
  #kept: { at: number; community: CommunityId; v2: NodeManifest; v1: NodeManifest } | null = null;

  constructor(options: SelfOptions) {
    this.#o = options;
    this.#startedAt = options.clock.monotonic();
    this.#name = [...(options.name ?? remembered(options.dataDir) ?? hostname())].slice(0, NAME_MAX).join("") || "HearthNet";
    options.bus.onChange(() => this.forget());
  }

  displayName(): string {
    return this.#name;
  }

  setDisplayName(name: string): void {
    this.#name = name;
    writeFileAtomic(join(this.#o.dataDir, FILE), `${JSON.stringify({ display_name: name })}\n`);
    this.forget();
  }

  /** The next manifest is made anew. */
  forget(): void {
    this.#kept = null;
  }

  /** Both forms share one `issued_at` (I-16). Before there is a community, the node speaks for itself alone. */
  manifest(contract: "1.0" | "2.0"): NodeManifest {
    const community = this.#o.communityId() ?? this.#o.signer.nodeId;
    const now = this.#o.clock.now();
    const kept = this.#kept;
    const isFresh = kept !== null && kept.community === community && now >= kept.at && now - kept.at < FRESH_MS;
    const current = isFresh ? kept : { at: now, community, ...this.#build(community, now) };
    this.#kept = current;
    return contract === "1.0" ? current.v1 : current.v2;
  }

  /** For the event by which this node joins a community. */
  manifestFor(community: CommunityId): NodeManifest {
    return this.#build(community, this.#o.clock.now()).v2;
  }

  /** What it says to everybody on its own network. @source 01 §9 */
  lanFacts(port: number): LanFacts {
    const { signer, profile, bus, communityId } = this.#o;
    const capabilities = [...new Set(offered(bus).map(({ name }) => name))];
    return { nodeId: signer.nodeId, displayName: this.#name, communityId: communityId(), profile, port, capabilities };
  }

  #build(community: CommunityId, now: number): { v2: NodeManifest; v1: NodeManifest } {
    const { signer, dataDir, profile, clock, bus, endpoints, features } = this.#o;
    const facts: ManifestFacts = {
      display_name: this.#name,
      community_id: community,
      profile,
      endpoints: endpoints(),
      hardware: readHardware(dataDir),
      capabilities: offered(bus),
      uptime_seconds: Math.round((clock.monotonic() - this.#startedAt) / 1000),
      load: { cpu: readLoad(), in_flight_total: bus.inFlight() },
      features: [...FEATURES, ...features()],
    };
    return { v2: buildManifest(signer, { facts, now }), v1: buildManifestV1(signer, { facts, now }) };
  }
}

/** What neighbours may see: nothing that only the operator can call, nothing of an author's session. @source 03 B-2, B-5, plugin-platform §9 `dev` */
function offered(bus: SelfOptions["bus"]): ManifestCapability[] {
  return bus
    .entries()
    .filter(
      ({ is_local, only_here, descriptor }) =>
        is_local && only_here !== true && descriptor.trust_required !== "self" && !descriptor.name.startsWith("experimental."),
    )
    .map(({ descriptor, schema_hash }) => ({
      name: descriptor.name,
      version: descriptor.version.join("."),
      stability: descriptor.stability,
      schema_hash,
      params: descriptor.params,
      max_concurrent: descriptor.max_concurrent,
      trust_required: descriptor.trust_required,
      timeout_seconds: descriptor.timeout_seconds,
      idempotent: descriptor.idempotent,
      streaming: descriptor.stream_schema !== null,
    }));
}

function remembered(dataDir: string): string | undefined {
  const path = join(dataDir, FILE);
  if (!existsSync(path)) return undefined;
  try {
    const { display_name } = JSON.parse(readFileSync(path, "utf8")) as { display_name?: unknown };
    return typeof display_name === "string" && display_name !== "" ? display_name : undefined;
  } catch {
    // A name is no reason not to start.
    return undefined;
  }
}

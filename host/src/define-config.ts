import type { Profile } from "./contract/index.ts";

/** `hearthnet.config.ts`; every field is optional. @source marketplace §7, architecture §1 */
export interface NodeConfig {
  /** Display name, 1 to 64 characters. */
  name?: string;
  profile?: Exclude<Profile, "bridge">;
  /** Address of the bus listener. */
  listen?: string;
  port?: number;
  adminPort?: number;
  /** Let `hearthnet plugin dev` put plugins on this node that nobody has signed, as long as its terminal is open. Not for a node that others use. */
  dev?: boolean;
  logLevel?: "debug" | "info" | "warn" | "error" | "silent";
  /** Beside the one that ships with the host. */
  registries?: RegistryConfig[];
  /** Finding neighbours; on by default. `hearthnet up --no-discovery` switches all of it off. */
  discovery?: DiscoverySettings;
  /** Finding each other over the internet; off unless it is switched on. */
  dht?: DhtSettings;
  policy?: PolicyConfig;
  /** Where packages come from, and who gets them from here. */
  marketplace?: MarketplaceSettings;
  /** Capability tokens. */
  auth?: AuthConfig;
  /** Where figures and traces go; nowhere unless it is said. */
  telemetry?: TelemetrySettings;
  /** How often a neighbour may call. For a bench, or a network of your own; the protocol's rates by default. */
  rates?: RatesConfig;
}

/** Calls per second; up to twice as many at once. @source 02 §6, T-12 */
export interface RatesConfig {
  /** Of one neighbour to one capability: more are told to wait. 10 by default. */
  softPerCapability?: number;
  /** Of one neighbour to one capability: more are cut off without a word. 100 by default. */
  hardPerCapability?: number;
  /** Of one neighbour to all of them. 100 by default. */
  softTotal?: number;
  /** 1000 by default. */
  hardTotal?: number;
  /** From one address, before it is known who calls. 50 by default. */
  perAddress?: number;
}

/** @source 05 §8 */
export interface AuthConfig {
  /** Whether this node takes and issues tokens; true by default. */
  enabled?: boolean;
  /** Seconds that a token lives when nobody says how long; 3600 by default. */
  defaultTtlSeconds?: number;
  /** The longest life of a token that this node issues, seconds; a day at most and by default. */
  maxTtlSeconds?: number;
  /** Take tokens that whoever holds them may use, from linked communities and relays; false by default. */
  allowBearer?: boolean;
  /** Issue such tokens for linked communities only; true by default. */
  federatedOnlyBearer?: boolean;
  /** Whether members may ask this node to sign tokens within their rights; `members` by default. */
  remoteIssue?: "members" | "off";
}

/** @source 33 §5.5 */
export interface TelemetrySettings {
  /**
   * An OpenTelemetry collector on this machine or in this house, as `http://127.0.0.1:4318`: each call becomes a span there, without what was
   * said. Only `localhost` or an address that is no internet address.
   */
  tracesTo?: string;
}

/** How this node is found, and finds others. @source network.md §4 */
export interface DiscoverySettings {
  /** false: it neither says that it is there nor looks for others, the DHT included; addresses that you type still work. */
  enabled?: boolean;
  /** As a service of the local network (mDNS, `_hearthnet._tcp.local`); true by default. */
  mdns?: boolean;
  /** By packets to a multicast group, where mDNS is blocked; true by default. */
  udp?: boolean;
  /** For a net without internet: it calls out every 5 s and lets go of who has gone after 30 s. */
  emergency?: boolean;
}

/** @source 06 §8 */
export interface DhtSettings {
  enabled?: boolean;
  /** `["hearth.example.org:7080"]`: nodes that are asked first. Nobody is, unless you name them. */
  bootstrap?: string[];
  /** `HOST:PORT` under which others reach this node from outside; without it this node only asks. */
  publicEndpoint?: string;
  /** Whether an anchor of the community says where it can be found; true by default. */
  advertiseCommunity?: boolean;
  /** Whether plugins may say which public files are here; false by default. @source 06 H-8 */
  advertiseCids?: boolean;
  /** For a network of your own: private addresses may be dialled. */
  privateMode?: boolean;
}

/** @source marketplace §5, §7 */
export interface MarketplaceSettings {
  /** Ask members' nodes for packages and catalogues; true by default. false: no neighbour learns what is installed here. */
  askPeers?: boolean;
  /** Give members what was installed here from a registry; true by default. */
  servePackages?: boolean;
}

/** What the operator allows beyond what every node does. @source plugin-platform §3.4.4 */
export interface PolicyConfig {
  /**
   * Publishers whose plugins may be granted machine code (permission `native`), beside those of the registry that ships with the host: SHA-256 of
   * their keys, 64 hex digits, as a review shows it. `"dev"` stands for what authors try out here, which nobody has signed (`up --dev`).
   */
  nativePublishers?: string[];
}

/** A registry that this node takes plugins from, and for which names it may speak. @source marketplace §5 */
export interface RegistryConfig {
  /** Short name, as it is shown; `hearthnet` is the one that ships with the host. */
  name: string;
  /** Its address, `https://…` (`http://` on this machine only). Either this or `path`. */
  url?: string;
  /** Its folder, on a stick or a share; relative to the file that this stands in. */
  path?: string;
  /**
   * What it is judged by, which reaches you by a way that you trust: a copy of its `root.json`, relative to the file that this stands in, or
   * `sha256:` with the hash of that file. With the hash alone the file is fetched from the registry and compared.
   */
  root: string;
  /** `["acme/*"]`: whose packages count. Each namespace belongs to one registry. */
  namespaces: string[];
}

/** Gives the file its types. */
export function defineConfig(config: NodeConfig): NodeConfig {
  return config;
}

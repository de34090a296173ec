import type {
  Bus,
  Clock,
  Community,
  ConfinementReport,
  DhtKind,
  DhtStatus,
  DhtValue,
  DevDesk,
  Endpoint,
  HealthCheck,
  Log,
  Marketplace,
  MountLookup,
  NodeFacts,
  PeerLink,
  Peers,
  Principal,
  Random,
  Runtime,
  TokenRoom,
} from "../contract/index.ts";
import type { UlidFactory } from "../foundation/index.ts";

/** Everything the operator's doors look at and steer; `node.ts` fills it. */
export interface AdminServices {
  bus: Bus;
  community: Community;
  tokens: Pick<TokenRoom, "issue" | "revoke" | "inspect" | "list" | "calls">;
  runtime: Runtime;
  /** Routes of plugins; those of the operator are served at the operator socket. */
  mounts: MountLookup;
  marketplace: Marketplace;
  /** Authors' sessions. */
  dev: DevDesk;
  peers: Peers;
  dht: {
    status(): DhtStatus;
    /** @throws not_implemented reason dht_off · partition reason dht_lookup_failed */
    find(kind: DhtKind, subject: string): Promise<DhtValue[]>;
  };
  link: PeerLink;
  clock: Clock;
  log: Log;
  random: Random;
  newUlid: UlidFactory;
  facts(): NodeFacts;
  setDisplayName(name: string): void;
  /** Addresses under which neighbours reach this node's bus; what an invitation carries. */
  endpoints(): Endpoint[];
  /** `hearthnet-id://v1/…` of this device. */
  freshDeviceId(): string;
  readFreshDeviceId(text: string): { node_id: string; display_name: string };
  shortId(nodeId: string): string;
  sameShortId(a: string, b: string): boolean;
  health(): Promise<HealthCheck[]>;
  confinement(): ConfinementReport;
  /** The operator as the bus knows them: `self`. @source 03 B-11 */
  operator(): Principal;
}

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
  GossipFacts,
  HealthCheck,
  Log,
  Marketplace,
  MountLookup,
  NodeFacts,
  PeerHint,
  PeerLink,
  Peers,
  Principal,
  Random,
  Runtime,
  SyncReport,
  TokenRoom,
} from "../contract/index.ts";
import type { HnError, UlidFactory } from "../foundation/index.ts";

/** Everything the operator's doors look at and steer; `node.ts` fills it. */
export interface AdminServices {
  bus: Bus;
  community: Community;
  tokens: Pick<TokenRoom, "issue" | "revoke" | "inspect" | "list" | "calls">;
  runtime: Runtime;
  /** Routes of plugins; those of the operator are served at the operator socket. */
  mounts: MountLookup;
  /** The node's figures as Prometheus text. */
  metrics: { text(): Promise<string> };
  marketplace: Marketplace;
  /** Authors' sessions. */
  dev: DevDesk;
  peers: Peers;
  dht: {
    status(): DhtStatus;
    /** @throws not_implemented reason dht_off · partition reason dht_lookup_failed */
    find(kind: DhtKind, subject: string): Promise<DhtValue[]>;
    /** Says that this node holds a file, until it stops or takes it back. @returns how many contacts keep it @throws as `find` */
    offer(cid: string): Promise<number>;
    withdraw(cid: string): void;
  };
  /** Exchange of the log with the members in reach. */
  gossip: {
    rows(): GossipFacts[];
    meetAll(): Promise<{ node_id: string; report: SyncReport | null; error: HnError | null }[]>;
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
  /** Where the inviter of a genuine invitation says it can be reached. */
  invitedBy(invite: string): PeerHint[];
  readFreshDeviceId(text: string): { node_id: string; display_name: string };
  shortId(nodeId: string): string;
  sameShortId(a: string, b: string): boolean;
  health(): Promise<HealthCheck[]>;
  confinement(): ConfinementReport;
  /** The operator as the bus knows them: `self`. @source 03 B-11 */
  operator(): Principal;
}

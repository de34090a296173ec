import type { Bus, Clock, Community, Log, NodeManifest, PackageShelf } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
import type { Gate } from "../inbound/gate.ts";
import type { TokenWatch } from "../inbound/token-watch.ts";
import type { Visits } from "../inbound/visits.ts";
import type { Connections } from "../limits/connections.ts";
import type { Uploads } from "../limits/uploads.ts";
import type { Desk } from "../pubsub/desk.ts";
import type { MountTable } from "../mounts/table.ts";
import type { Sockets } from "../websocket/sockets.ts";
import type { DhtDesk } from "./dht-route.ts";
import type { BodyBudget } from "./body.ts";
import type { Answerer } from "./answer.ts";

/** The community as the listener needs it. */
export type CommunityDoor = Pick<
  Community,
  "communityId" | "standing" | "heads" | "brief" | "exchange" | "reconcile" | "manifest"
>;

/** What the routes share. */
export interface Room {
  bus: Bus;
  community: CommunityDoor;
  /** This node's own manifest, signed and not older than its lifetime. */
  manifest: (contract: "1.0" | "2.0") => NodeManifest | Promise<NodeManifest>;
  ready: () => boolean;
  /** What plugins have mounted; absent: nothing. */
  mounts: MountTable | undefined;
  newId: () => string;
  /** The node's figures as Prometheus text. */
  metrics: () => Promise<string>;
  /** Told of every request that the pipeline turns away. */
  onRefused: (refusal: { code: string; reason: string | undefined; capability: string }) => void;
  /** Undefined while this node takes no part in the DHT. */
  dht: () => DhtDesk | undefined;
  /** Undefined while this node gives no packages to neighbours. */
  packages: () => PackageShelf | undefined;
  uploads: Uploads;
  gate: Gate;
  answerer: Answerer;
  budget: BodyBudget;
  clock: Clock;
  log: Log;
  connections: Connections;
  visits: Visits;
  sockets: Sockets;
  /** Who hears what is published here. */
  desk: Desk;
  /** Undefined: no token is taken. */
  tokenWatch: TokenWatch | undefined;
  /** The node stops: running calls end, new ones go elsewhere. */
  isClosing: () => boolean;
}

/** @throws partition, so that callers try another node */
export function refuseWhenClosing(room: Pick<Room, "isClosing">): void {
  if (room.isClosing())
    throw new HnError("partition", {
      reason: "closing",
      retryAfterMs: 5000,
    });
}

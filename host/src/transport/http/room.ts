import type { Bus, Clock, Community, Log, NodeManifest } from "../../contract/index.ts";
import type { Gate } from "../inbound/gate.ts";
import type { BodyBudget } from "./body.ts";
import type { Answerer } from "./answer.ts";

/** The community as the listener needs it. */
export type CommunityDoor = Pick<Community, "communityId" | "standing" | "heads" | "exchange" | "manifest">;

/** What the routes share. */
export interface Room {
  bus: Bus;
  community: CommunityDoor;
  /** This node's own manifest, signed and not older than its lifetime. */
  manifest: (contract: "1.0" | "2.0") => NodeManifest | Promise<NodeManifest>;
  ready: () => boolean;
  gate: Gate;
  answerer: Answerer;
  budget: BodyBudget;
  clock: Clock;
  log: Log;
  /** A socket's requests are signed by this node from now on. @returns false when that node has too many connections */
  claimSocket: (socket: object, node: string) => boolean;
}

import type { Socket } from "node:net";
import type { Bus, Clock, Community, Log, NodeManifest } from "../../contract/index.ts";
import { HnError } from "../../foundation/index.ts";
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
  claimSocket: (socket: Socket, node: string) => boolean;
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

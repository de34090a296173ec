import { busSocketEntry } from "../websocket/call-route.ts";
import { pubsubSocketEntries } from "../websocket/pubsub-route.ts";
import type { Room } from "./room.ts";
import type { UpgradeEntry } from "./upgrade.ts";

/** Every address of the node's port that speaks WebSocket, one line each. @source 02 §2, §8 */
export function upgradeTable(room: Room): UpgradeEntry[] {
  return [busSocketEntry(room), ...pubsubSocketEntries(room)];
}

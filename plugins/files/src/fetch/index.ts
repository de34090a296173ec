/** Bringing blobs from other nodes. @source 30 §5 */
import type { Frame, NodeId } from "@hearthnet/sdk-plugin";
import type { Announcing } from "./announcing.ts";
import type { Beacon } from "./beacon.ts";
import { Fetcher, type FetchDone, type FetchWish } from "./fetching.ts";
import type { Outward } from "./outward.ts";

export { machineClock, type Clock } from "./clock.ts";
export type { Announcing } from "./announcing.ts";
export type { Outward, Reach } from "./outward.ts";
export type { FetchDone, FetchWish } from "./fetching.ts";

export interface Fetching {
  /** Frames `progress`; the return value is the summary. @throws partition reason fetch_failed when no source could give it */
  fetch(wish: FetchWish): AsyncGenerator<Frame, FetchDone, void>;
  /** A node says that it has these. @returns how many were new or refreshed */
  advertised(node: NodeId, cids: readonly string[]): number;
  readonly announcing: Announcing;
  readonly beacon: Beacon;
}

export function openFetching(outward: Outward): Fetching {
  const fetcher = new Fetcher(outward);
  return {
    fetch: (wish) => fetcher.fetch(wish),
    advertised: (node, cids) => fetcher.adverts.record(node, cids),
    announcing: fetcher.announcing,
    beacon: fetcher.beacon,
  };
}

/** Copies at neighbours' nodes. @source 30 §6 */
import type { Message, View } from "@hearthnet/sdk-plugin";
import type { Fetching, Outward } from "../fetch/index.ts";

export interface Replicating {
  /** Every minute; acts when its own interval has passed. */
  tick(): Promise<void>;
  /** A neighbour asks for a copy. */
  onRequest(message: Message): Promise<void>;
  /** Tells the community that a shared blob is here. @returns id of the event, if one was written */
  announce(cid: string): Promise<string | undefined>;
  /** Nodes known to hold it, this one included; undefined when nothing is known. */
  holders(cid: string): number | undefined;
}

/** Who holds what, as the community's log says. */
export interface Copies {
  view: View;
  holders(cid: string): ReadonlySet<string>;
}

/** Stands here until its room is built. */
export function createCopies(): Copies {
  return {
    view: { reset: () => {}, apply: () => {}, snapshotState: () => ({}), restoreState: () => {} },
    holders: () => new Set(),
  };
}

/** Stands here until its room is built. */
export function openReplicating(_outward: Outward & { fetching: Fetching; copies: Copies }): Replicating {
  return { tick: async () => {}, onRequest: async () => {}, announce: async () => undefined, holders: () => undefined };
}

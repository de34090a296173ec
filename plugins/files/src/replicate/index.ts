/** Copies at neighbours' nodes. @source 30 §6 */
import type { Message } from "@hearthnet/sdk-plugin";
import { Replicator, type KeptForOthers, type ReplicatingOptions } from "./replicating.ts";

export { Copies } from "./copies.ts";
export { FREE_BYTES, type KeptForOthers, type ReplicatingOptions } from "./replicating.ts";

export interface Replicating {
  /** Every minute; looks after copies when its own interval has passed. */
  tick(): Promise<void>;
  /** Resolves when nothing is being brought for others. */
  idle(): Promise<void>;
  /** A neighbour asks for a copy. */
  onRequest(message: Pick<Message, "data">): Promise<void>;
  /** The settings have changed. */
  configured(): void;
  /** For people. */
  facts(): Promise<KeptForOthers>;
  /** Tells the community that a shared blob is here. @returns id of the event, if one was written */
  announce(cid: string): Promise<string | undefined>;
  /** Nodes known to hold it, this one included; undefined when nothing is known. */
  holders(cid: string): number | undefined;
}

export function openReplicating(options: ReplicatingOptions): Replicating {
  const replicator = new Replicator(options);
  return {
    tick: () => replicator.tick(),
    idle: () => replicator.idle(),
    onRequest: (message) => replicator.onRequest(message),
    configured: () => replicator.configured(),
    facts: () => replicator.facts(),
    announce: (cid) => options.fetching.announcing.announce(cid),
    holders: (cid) => replicator.holders(cid),
  };
}

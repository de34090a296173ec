import type { NodeId, Ulid } from "../../contract/index.ts";

/** What decides between two sessions with one neighbour. */
export interface Pair {
  initiator: NodeId;
  peerBoot: Ulid;
  sid: string;
  /** The session that this one was made to take the place of. */
  replaces: string | undefined;
}

/**
 * Both ends come to the same answer without a word. `contest`: one key, two starts of the process; whether the old one still speaks decides.
 * @param compare  of two node ids by their bytes
 * @source network.md §1.8
 */
export function chooseSession(old: Pair, fresh: Pair, compare: (a: NodeId, b: NodeId) => number): "old" | "new" | "contest" {
  if (fresh.peerBoot !== old.peerBoot) return "contest";
  if (fresh.replaces === old.sid) return "new";
  if (old.replaces === fresh.sid) return "old";
  // Who dials again has lost the one before, whether or not this end has noticed.
  if (fresh.initiator === old.initiator) return "new";
  return compare(fresh.initiator, old.initiator) < 0 ? "new" : "old";
}

import type { HnError } from "../../foundation/index.ts";
import type { PathState } from "../session/paths.ts";

/** What is known of a neighbour when it is to be called. */
export interface LaneFacts {
  /** This node and the neighbour's newest manifest both list `peer-session`. */
  offered: boolean;
  /** Members alone have sessions. */
  isMember: boolean;
  session: "live" | "suspect" | "none";
  path: PathState;
}

/** By what way a call goes: a session that is there, one that is opened for it, or a signed request of its own. */
export type Lane = { lane: "session" } | { lane: "dial" } | { lane: "http" } | { lane: "none"; error: HnError };

/**
 * Chooses the lane. A way is given up for another only where it is not available; who has not proven itself, or does not want us, is not
 * called by another way.
 * @source network.md §1.8, N-2
 */
export function chooseLane({ offered, isMember, session, path }: LaneFacts): Lane {
  if (session === "live") return { lane: "session" };
  if (path.kind === "barred") return { lane: "none", error: path.error };
  if (session === "suspect" || !offered || !isMember || path.kind === "resting") return { lane: "http" };
  return { lane: "dial" };
}

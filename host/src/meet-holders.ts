import type { Clock, Community, DhtValue, Log, NodeId, Peers } from "./contract/index.ts";

/** Whoever is met in time can be called at once; whoever takes longer, a little later. */
const MEET_MS = 3000;

/**
 * Looks for those among the holders of a file that are members and out of reach, and waits for them a little. A stranger stays a stranger.
 * @param o.most  of them that are looked for
 * @param o.find  asks where a node is
 * @param o.hint  has what was found dialled
 * @source 06 §7
 */
export async function meetHolders(
  nodes: readonly NodeId[],
  o: {
    most: number;
    peers: Pick<Peers, "list" | "onChange">;
    community: Pick<Community, "standing">;
    find: (node: NodeId) => Promise<DhtValue[]>;
    hint: (values: readonly DhtValue[]) => void;
    clock: Clock;
    log: Log;
  },
): Promise<void> {
  const missing = (): NodeId[] => {
    const there = new Set(o.peers.list().flatMap(({ node_id, online }) => (online ? [node_id] : [])));
    return nodes.filter((node) => o.community.standing(node).kind === "member" && !there.has(node)).slice(0, o.most);
  };
  const sought = missing();
  if (sought.length === 0) return;
  const met = Promise.withResolvers<void>();
  const timer = o.clock.setTimeout(met.resolve, MEET_MS);
  const forget = o.peers.onChange(() => missing().length === 0 && met.resolve());
  try {
    for (const node of sought) o.hint(await o.find(node));
    if (missing().length > 0) await met.promise;
  } catch (error) {
    o.log.debug("holders of a file could not be looked for", { error });
  } finally {
    timer.cancel();
    forget();
  }
}

import type { Community, DeliverEvent, Log, PeerLink, Peers } from "./contract/index.ts";
import { HnError } from "./foundation/index.ts";

/**
 * How a plugin's `events.push` reaches a neighbour: at the addresses of the last meeting. Whatever stands in its way is no fault of the plugin's; the event
 * is in the log, and the next exchange carries it.
 * @source 04 §10
 */
export function directDelivery(o: {
  community: Pick<Community, "communityId" | "push" | "standing">;
  peers: Pick<Peers, "list">;
  link: PeerLink;
  log: Log;
}): DeliverEvent {
  return async (event, to) => {
    if (o.community.standing(to).kind !== "member")
      throw new HnError("not_found", { message: "No member of this community has this node id." });
    const peer = o.peers.list().find(({ node_id }) => node_id === to);
    if (peer === undefined || peer.endpoints.length === 0) return "offline";
    try {
      return (await o.community.push(event, { peer, link: o.link })) ? "direct" : "offline";
    } catch (error) {
      const { code, reason } = HnError.from(error);
      o.log.debug("an event was not delivered at once", { peer: to, code, reason });
      return "offline";
    }
  };
}

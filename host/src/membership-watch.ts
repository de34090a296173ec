import type { Bus, Community, Doors, Log, Peers } from "./contract/index.ts";

/** Who is revoked is cut off; who is no longer a member is no longer called; who is new is looked for at once. @source 04 E-10 */
export function followMembership(o: {
  community: Pick<Community, "onEvent" | "standing">;
  bus: Pick<Bus, "entries" | "peerGone">;
  peers: Pick<Peers, "refresh">;
  /** Those that are open by now. */
  doors: () => (Doors | undefined)[];
  log: Log;
  onChange: () => void;
}): () => void {
  return o.community.onEvent((event) => {
    if (!event.event_type.startsWith("community.")) return;
    o.onChange();
    for (const door of o.doors()) door?.shutRevoked();
    for (const { node_id, is_local } of o.bus.entries())
      if (!is_local && o.community.standing(node_id).kind !== "member") o.bus.peerGone(node_id);
    if (event.event_type === "community.member.joined")
      void o.peers.refresh().catch((error: unknown) => o.log.warn("peer round failed", { error }));
  });
}

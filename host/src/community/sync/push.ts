import type { Event, PeerAddress, PeerLink } from "../../contract/index.ts";
import type { EventLog } from "../log/event-log.ts";
import { clippedHeads } from "./exchange.ts";

/**
 * Brings one own event to a peer now. What the peer lacks of this author before it goes along: heads name an author's newest event alone, and an event
 * that came by itself would hide those before it from every later exchange.
 * @returns whether the peer has it now
 * @throws partition and whatever the peer answers
 * @source 04 §10, E-13
 */
export async function pushOwn(log: EventLog, event: Event, o: { peer: PeerAddress; link: PeerLink }): Promise<boolean> {
  const { author, event_id, lamport } = event;
  const { heads_by_author: theirs } = await o.link.syncHeads(o.peer);
  const known = theirs[author] ?? 0;
  if (known >= lamport) return true;
  const mine = clippedHeads(log);
  const { events } = log.store.above({ ...mine.heads_by_author, [author]: known }, {});
  const upTo = events.filter((one) => one.author === author && one.lamport <= lamport);
  // So much is missing there that it is the work of an ordinary exchange.
  if (!upTo.some((one) => one.event_id === event_id)) return false;
  const reply = await o.link.syncEvents(o.peer, {
    community_id: o.peer.community_id,
    events: upTo,
    our_head: mine.head,
    our_heads_by_author: mine.heads_by_author,
  });
  await log.receive(reply.events ?? []);
  return !reply.rejected_reasons.some((refused) => refused.event_id === event_id);
}

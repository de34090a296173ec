import type { PeerAddress, PeerLink } from "../../contract/index.ts";
import type { EventLog } from "../log/event-log.ts";
import { clippedHeads } from "./exchange.ts";

/** More rounds than any honest log of a neighbourhood needs; ends a peer that answers `more` for ever. */
const MAX_ROUNDS = 10_000;

/**
 * Pulls and pushes until neither side has more. Stops early when a round brings nothing new, so that a lying peer cannot keep us busy.
 * @throws partition and whatever the peer answers
 * @source 04 §8 "Flow", E-13
 */
export async function syncBothWays(
  log: EventLog,
  peer: PeerAddress,
  link: PeerLink,
): Promise<{ received: number; sent: number }> {
  const total = { received: 0, sent: 0 };
  let theirs = (await link.syncHeads(peer)).heads_by_author;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { events, more } = log.store.above(theirs);
    const mine = clippedHeads(log);
    const reply = await link.syncEvents(peer, {
      community_id: peer.community_id,
      events,
      our_head: mine.head,
      our_heads_by_author: mine.heads_by_author,
    });
    const taken = log.receive(reply.events ?? []);
    total.received += taken.accepted;
    total.sent += events.length;
    for (const event of events) theirs = { ...theirs, [event.author]: Math.max(theirs[event.author] ?? 0, event.lamport) };
    const stuck = taken.accepted === 0 && events.length === 0;
    if ((!more && reply.more !== true) || stuck) break;
  }
  return total;
}

import type {
  Clock,
  NodeId,
  PeerAddress,
  PeerLink,
  Position,
  RangeMessage,
  SyncBrief,
  SyncReport,
} from "../../contract/index.ts";
import { encodeBase64url } from "../../foundation/index.ts";
import type { EventLog } from "../log/event-log.ts";
import { shapeEvent } from "../log/shape.ts";
import { briefOf, clippedHeads, WANT_MAX } from "./exchange.ts";
import type { Manners } from "./manners.ts";
import { ID_BYTES, readRangeMessage, writeRanges } from "./range-message.ts";
import { RangeRun, RangeView } from "./ranges.ts";
import { jointSalt, readHalf, saltedTree } from "./salted.ts";
import { BEGINNING, type Bound, END } from "./sum-tree.ts";

/** More rounds than any honest log of a neighbourhood needs; ends a peer that answers `more` for ever. */
const MAX_ROUNDS = 10_000;
/** After them what is left goes over as plain events. @source network.md §5 "Range message" */
const RANGE_ROUNDS = 12;
const RANGE_BYTES = 4_194_304;

/** One exchange of a log with one peer. */
export interface SyncTask {
  log: EventLog;
  peer: PeerAddress;
  link: PeerLink;
  manners: Manners;
}

/**
 * Brings two logs to the same set of events: compares sums, then exchanges what lies above each other's heads, and when they still differ finds the
 * difference by ranges.
 * @throws partition and whatever the peer answers
 * @source network.md §5 stages 0 to 2, 04 §8 "Flow", E-13
 */
export async function syncBothWays(task: SyncTask): Promise<SyncReport> {
  const report: SyncReport = { stage: 0, received: 0, sent: 0, rounds: 0 };
  if (await isEqual(task, report)) return report;
  report.stage = 1;
  await exchangeAbove(task, (await counted(report, task.link.syncHeads(task.peer))).heads_by_author, report);
  const brief = await askBrief(task, report);
  if (brief.set === undefined || isSameSet(task.log, brief)) return report;
  report.stage = 2;
  await exchangeRanges(task, brief.set.floor, report);
  return report;
}

/** Hands over what a peer is believed to lack and takes what it says this node lacks: one request where that was right. */
export async function pushTo(task: SyncTask, theirs: Record<NodeId, number>): Promise<SyncReport> {
  const report: SyncReport = { stage: 1, received: 0, sent: 0, rounds: 0 };
  await exchangeAbove(task, theirs, report);
  return report;
}

async function isEqual(task: SyncTask, report: SyncReport): Promise<boolean> {
  await task.log.set.built;
  return isSameSet(task.log, await askBrief(task, report));
}

function askBrief({ log, peer, link }: SyncTask, report: SyncReport): Promise<SyncBrief> {
  return counted(report, link.syncBrief(peer, log.store.floor()));
}

function isSameSet(log: EventLog, { set }: SyncBrief): boolean {
  if (set === undefined) return false;
  const ours = briefOf(log, set.floor).set;
  return (
    ours !== undefined &&
    ours.floor === set.floor &&
    ours.count === set.count &&
    ours.sum === set.sum &&
    ours.frontier === set.frontier
  );
}

/** Stage 1. Stops early when a round brings nothing new, so that a lying peer cannot keep us busy. */
async function exchangeAbove(task: SyncTask, heads: Record<NodeId, number>, report: SyncReport): Promise<void> {
  const { log, peer, link, manners } = task;
  const counts = (place: Position): boolean => log.set.counts(place);
  let theirs = heads;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { events, more } = log.store.above(theirs, { counts });
    const mine = clippedHeads(log);
    const reply = await counted(
      report,
      link.syncEvents(peer, {
        community_id: peer.community_id,
        events,
        our_head: mine.head,
        our_heads_by_author: mine.heads_by_author,
      }),
    );
    const taken = await take(task, reply.events ?? [], report);
    report.sent += events.length;
    for (const event of events) theirs = { ...theirs, [event.author]: Math.max(theirs[event.author] ?? 0, event.lamport) };
    const stuck = taken === 0 && events.length === 0;
    if ((!more && reply.more !== true) || stuck || manners.restMs(peer.node_id) > 0) return;
  }
}

/** Stage 2. @throws bad_request when the run need not end */
async function exchangeRanges(task: SyncTask, theirFloor: number, report: SyncReport): Promise<void> {
  const { log } = task;
  const floor = Math.max(log.store.floor(), theirFloor);
  const run = new RangeRun(new RangeView(log.set.tree, floor));
  await narrow(task, run, { report, floor });
  await fetchMissing(task, run.missing, report);
  await handOver(task, log.set.find(run.surplus), report);
  if (run.rest !== null) await exchangeRest(task, run.rest, report);
}

/** Asks on until the differences are known, or it has cost enough. */
async function narrow(
  { peer, link }: SyncTask,
  run: RangeRun,
  o: { report: SyncReport; floor: number; salt?: RangeMessage["salt"] },
): Promise<void> {
  const { report, floor, salt } = o;
  let bytes = 0;
  for (let round = 0; round < RANGE_ROUNDS && bytes < RANGE_BYTES; round++) {
    const question = run.question();
    if (question.length === 0) break;
    const message: RangeMessage = {
      community_id: peer.community_id,
      floor,
      ranges: writeRanges(question),
      ...(salt && { salt }),
    };
    const answer = await counted(report, link.syncReconcile(peer, message));
    bytes += JSON.stringify(message).length + JSON.stringify(answer).length;
    run.take(readRangeMessage(answer, peer.community_id).ranges);
  }
}

/**
 * Stage 3: what both believe to be equal, once more under a salt. Where it is not, somebody has crafted events, and everything goes over: that is
 * dear, and does not happen twice.
 * @returns null when the peer knows no salts
 * @source network.md §5 stage 3
 */
export async function compareSalted(task: SyncTask, o: { half: Uint8Array; clock: Clock }): Promise<SyncReport | null> {
  const { log, peer, link } = task;
  const report: SyncReport = { stage: 0, received: 0, sent: 0, rounds: 0 };
  await log.set.built;
  const upTo = clippedHeads(log).head;
  const salt = { half: encodeBase64url(o.half), up_to: upTo };
  const all = writeRanges([{ from: BEGINNING, to: END, mode: 0, data: new Uint8Array() }]);
  const message: RangeMessage = { community_id: peer.community_id, floor: log.store.floor(), ranges: all, salt };
  const first = await counted(report, link.syncReconcile(peer, message));
  const { floor } = readRangeMessage(first, peer.community_id);
  if (first.salt === undefined) return null;
  const theirs = readHalf(first.salt);
  const tree = await saltedTree(log.set, { salt: jointSalt(o.half, theirs), upTo, clock: o.clock });
  const run = new RangeRun(new RangeView(tree, floor));
  await narrow(task, run, { report, floor, salt });
  if (run.missing.size + run.surplus.size === 0 && run.rest === null) return report;
  report.stage = 3;
  await exchangeRest(task, [floor, ""], report);
  return report;
}

async function fetchMissing(task: SyncTask, missing: ReadonlySet<string>, report: SyncReport): Promise<void> {
  const { peer, link } = task;
  let open = [...missing];
  while (open.length > 0) {
    const asked = open.slice(0, WANT_MAX);
    const want = asked.map((id) => Buffer.from(id, "hex").toString("base64url"));
    const reply = await counted(report, link.syncEvents(peer, { community_id: peer.community_id, events: [], want }));
    const brought = new Set((reply.events ?? []).map(idOf));
    await take(task, reply.events ?? [], report);
    const left = open.filter((id) => !brought.has(id));
    // What does not come has given way to something else by now, which the next exchange finds.
    open = left.length < open.length ? left : open.slice(asked.length);
  }
}

/** First 16 bytes of the hash, hex; empty for what is no event. */
function idOf(event: unknown): string {
  try {
    return Buffer.from(shapeEvent(event).hash.subarray(0, ID_BYTES)).toString("hex");
  } catch {
    return "";
  }
}

/** Hands over what the peer lacks; what it refuses because its author was revoked may have no place here either (E-9). */
async function handOver(task: SyncTask, places: readonly Position[], report: SyncReport): Promise<void> {
  const { log, peer, link } = task;
  const refused = new Set<string>();
  for (let rest = places; rest.length > 0;) {
    const events = log.store.at(rest);
    if (events.length === 0) return;
    const mine = clippedHeads(log);
    const reply = await counted(
      report,
      link.syncEvents(peer, {
        community_id: peer.community_id,
        events,
        our_head: mine.head,
        our_heads_by_author: mine.heads_by_author,
      }),
    );
    for (const { event_id, reason } of reply.rejected_reasons) if (reason === "revoked_author") refused.add(event_id);
    report.sent += events.length;
    rest = rest.slice(events.length);
  }
  if (refused.size > 0) log.setAside(places.filter(({ event_id }) => refused.has(event_id)));
}

/** Everything from a place on, both ways. @source network.md §5 "then the remaining range is sent as plain events" */
async function exchangeRest(task: SyncTask, [lamport]: Bound, report: SyncReport): Promise<void> {
  const { log, peer, link } = task;
  const below = Math.max(0, lamport - 1);
  const ours = [...log.set.tree.items([lamport, ""], END)].map(({ position }) => position);
  await handOver(task, ours, report);
  const heads = Object.fromEntries(
    Object.entries(clippedHeads(log).heads_by_author).map(([author, head]) => [author, Math.min(head, below)]),
  );
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const request = { community_id: peer.community_id, events: [], our_head: below, our_heads_by_author: { ...heads } };
    const reply = await counted(report, link.syncEvents(peer, request));
    const brought = reply.events ?? [];
    await take(task, brought, report);
    const former = JSON.stringify(heads);
    for (const { author, lamport: at } of brought) heads[author] = Math.max(heads[author] ?? 0, at);
    if (reply.more !== true || JSON.stringify(heads) === former) return;
  }
}

async function take({ log, peer, manners }: SyncTask, events: readonly unknown[], report: SyncReport): Promise<number> {
  const taken = await log.receive(events);
  manners.note(peer.node_id, { size: events.length, reasons: taken.rejected_reasons });
  report.received += taken.accepted;
  return taken.accepted;
}

async function counted<T>(report: SyncReport, request: Promise<T>): Promise<T> {
  report.rounds += 1;
  return request;
}

import { rmSync } from "node:fs";
import { join as joinPath } from "node:path";
import type { CommunityManifest, InviteBlob, NodeManifest, PeerAddress, PeerLink } from "../contract/index.ts";
import { HnError } from "../foundation/index.ts";
import { readInvite, verifyCommunityManifest } from "../identity/index.ts";
import { EventLog, type EventLogOptions } from "./log/event-log.ts";
import { EventStore } from "./log/store.ts";
import { OwnState } from "./sync/own-state.ts";

const STAGING = "joining.db";

export interface JoinOptions extends Omit<EventLogOptions, "store"> {
  dataDir: string;
  link: PeerLink;
  /** Self-description to put into the join event. */
  manifest: (communityId: string) => Promise<NodeManifest>;
}

/** Removes what an interrupted attempt left behind. */
export function clearStaging(dataDir: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(joinPath(dataDir, STAGING + suffix), { force: true });
}

/**
 * Redeems an invitation into a staging log next to the real one. The caller renames it into place, so that a crash leaves either no community
 * or a whole one; a second attempt with the same invitation finds its own join in the pulled log and goes on from there.
 * @returns path of the finished staging log
 * @throws bad_request invite_invalid · expired invite_expired · unauthorized invitee_mismatch · partition bootstrap_unreachable, sync_failed ·
 *         invalid_signature community_manifest_invalid
 * @source 01 §7
 */
export async function redeem(text: string, o: JoinOptions): Promise<{ path: string; blob: InviteBlob }> {
  const blob = readInvite(text, { now: o.clock.now(), me: o.signer.nodeId });
  clearStaging(o.dataDir);
  const path = joinPath(o.dataDir, STAGING);
  const store = new EventStore(path);
  const log = new EventLog({ ...o, store });
  try {
    store.setMeta("community_id", blob.community_id);
    log.bootstrapping = true;
    const { peer, manifest } = await reachInviter(blob, o.link);
    await pullAll(log, peer, o.link);
    checkLog(log, blob, manifest);
    await recoverOwn(log, o, peer);
    if (!log.view().members.has(o.signer.nodeId)) await announce(log, blob, { ...o, peer });
    log.close();
    return { path, blob };
  } catch (error) {
    log.close();
    clearStaging(o.dataDir);
    throw error;
  }
}

async function reachInviter(blob: InviteBlob, link: PeerLink): Promise<{ peer: PeerAddress; manifest: CommunityManifest }> {
  let last: unknown;
  for (const { host, port, transport } of blob.bootstrap_endpoints) {
    if (transport !== "https") continue;
    const peer: PeerAddress = {
      node_id: blob.inviter_node_id,
      endpoints: [{ transport: "https", host, port }],
      community_id: blob.community_id,
    };
    try {
      const manifest = await link.communityManifest(peer);
      const genuine =
        manifest.root_key === blob.community_id &&
        manifest.community_id === blob.community_id &&
        verifyCommunityManifest(manifest);
      if (!genuine) throw new HnError("invalid_signature", { reason: "community_manifest_invalid" });
      return { peer, manifest };
    } catch (error) {
      // A refusal is an answer: other addresses of the same node would say the same.
      if (HnError.isHnError(error) && error.code !== "partition" && error.code !== "timeout") throw error;
      last = error;
    }
  }
  throw new HnError("partition", { reason: "bootstrap_unreachable", cause: last });
}

/** Whoever finds own events in others' log has lost some itself, and asks a second neighbour before it writes. @source network.md §5 */
async function recoverOwn(log: EventLog, o: JoinOptions, inviter: PeerAddress): Promise<void> {
  const me = o.signer.nodeId;
  if (log.store.heads(inviter.community_id).heads_by_author[me] === undefined) return;
  const own = new OwnState(log, me);
  own.doubt();
  own.heardFrom(inviter.node_id);
  for (const { node_id, endpoints } of log.view().members.values()) {
    if (own.isConfirmed) return;
    if (node_id === me || node_id === inviter.node_id || endpoints.length === 0) continue;
    try {
      await pullAll(log, { ...inviter, node_id, endpoints }, o.link);
      own.heardFrom(node_id);
    } catch {
      // Another one may answer; without one nothing is written.
    }
  }
  if (!log.view().members.has(me)) own.check();
}

async function pullAll(log: EventLog, peer: PeerAddress, link: PeerLink): Promise<void> {
  for (;;) {
    const mine = log.store.heads(peer.community_id);
    const reply = await link.syncEvents(peer, {
      community_id: peer.community_id,
      events: [],
      our_head: mine.head,
      our_heads_by_author: mine.heads_by_author,
    });
    const { accepted } = await log.receive(reply.events ?? []);
    if (reply.more !== true) return;
    if (accepted === 0) throw new HnError("partition", { reason: "sync_failed" });
  }
}

/** The log, not the paper, decides: inviter in good standing, this invitation in it, manifest signed by root, an anchor or the inviter (I-10, I-13). */
function checkLog(log: EventLog, blob: InviteBlob, manifest: CommunityManifest): void {
  const view = log.view();
  const signer = manifest.signed_by ?? manifest.root_key;
  // A plain member may invite, but only anchors may sign for others: its own node signs its own description, and the log settles the rest.
  const entitled =
    signer === blob.community_id ||
    view.levelOf(signer) === "anchor" ||
    (signer === blob.inviter_node_id && view.members.has(signer));
  if (!entitled) throw new HnError("invalid_signature", { reason: "community_manifest_invalid" });
  if (view.members.has(blob.invitee_node_id)) return;
  const match = [...view.invites.values()].find(
    (invite) =>
      invite.inviter === blob.inviter_node_id &&
      invite.invitee === blob.invitee_node_id &&
      (blob.invite_event_id === undefined || invite.event_id === blob.invite_event_id),
  );
  if (match === undefined || match.redeemed)
    throw new HnError("bad_request", { reason: "invite_invalid", message: "The community's log knows no such open invitation." });
}

async function announce(log: EventLog, blob: InviteBlob, o: JoinOptions & { peer: PeerAddress }): Promise<void> {
  const invite = [...log.view().invites.values()].find(
    (i) => i.inviter === blob.inviter_node_id && i.invitee === blob.invitee_node_id && !i.redeemed,
  );
  if (invite === undefined) throw new HnError("bad_request", { reason: "invite_invalid" });
  const manifest = await o.manifest(blob.community_id);
  const event = log.append({
    type: "community.member.joined",
    data: { invite_event_id: invite.event_id, node_manifest: { ...manifest } as never },
  });
  const heads = log.store.heads(blob.community_id);
  const reply = await o.link.syncEvents(o.peer, {
    community_id: blob.community_id,
    events: [event],
    our_head: heads.head,
    our_heads_by_author: heads.heads_by_author,
  });
  const refused = reply.rejected_reasons.find((row) => row.event_id === event.event_id);
  if (refused !== undefined)
    throw new HnError("partition", {
      reason: "sync_failed",
      message: `Your neighbour's node refused the join (${refused.reason}).`,
    });
  await log.receive(reply.events ?? []);
}

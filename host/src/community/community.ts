import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join as joinPath } from "node:path";
import type {
  Clock,
  Community,
  CommunityManifest,
  Event,
  EventPage,
  EventQuery,
  Log,
  LogCheck,
  LogStatus,
  Member,
  NodeId,
  NodeManifest,
  PeerLink,
  PeerPlace,
  Proposal,
  Random,
  RangeMessage,
  SnapshotFacts,
  Standing,
  SyncBrief,
  SyncHeads,
  SyncReply,
  SyncReport,
  SyncRequest,
  VerifyMany,
} from "../contract/index.ts";
import { formatTime, HnError, parseTime, type UlidFactory } from "../foundation/index.ts";
import { buildCommunityManifest, createInvite, parseNodeId, type Signer } from "../identity/index.ts";
import { found } from "./create.ts";
import { clearStaging, redeem } from "./join.ts";
import { act, targetHead } from "./levels.ts";
import { EventLog } from "./log/event-log.ts";
import { EventStore } from "./log/store.ts";
import { newestSnapshot, writeSnapshot } from "./log/snapshot.ts";
import { cosign, propose, readProposal, submit } from "./proposals.ts";
import { briefOf, clippedHeads, serveExchange, serveRanges } from "./sync/exchange.ts";
import { Manners } from "./sync/manners.ts";
import { OwnState } from "./sync/own-state.ts";
import { compareSalted, pushTo, type SyncTask, syncBothWays } from "./sync/pull.ts";
import { pushOwn } from "./sync/push.ts";
import { HALF_BYTES, SaltedAnswers } from "./sync/salted.ts";
import { atLeast } from "./views/membership.ts";

export interface CommunityOptions {
  /** Folder of this room; created with mode 0700. */
  dataDir: string;
  signer: Signer;
  clock: Clock;
  random: Random;
  newUlid: UlidFactory;
  log: Log;
  displayName: () => string;
  /** Self-description for the join event. */
  manifest: (communityId: string) => Promise<NodeManifest>;
  /** Absent: signatures are verified on the loop. */
  verify?: VerifyMany;
}

const FILE = "community.db";
const SNAPSHOTS = "snapshots";
/** @source 00 §4.2 EVENT_LOG_RETENTION_DAYS */
const RETENTION_MS = 30 * 86_400_000;
const INVITE_TTL_SECONDS = 86_400;

/**
 * Opens the community this node belongs to, or the empty place for one.
 * @source 01 §7, 04
 */
export function openCommunity(options: CommunityOptions): Community {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  clearStaging(options.dataDir);
  return new CommunityRoom(options);
}

class CommunityRoom implements Community {
  readonly #o: CommunityOptions;
  #log: EventLog;
  readonly #listeners: Set<(event: Event) => void> = new Set();
  readonly #stored: Set<() => void> = new Set();
  readonly #manners: Manners;
  readonly #salted: SaltedAnswers;
  #own: OwnState;
  /** What former logs had counted, so that the number only rises. */
  #formerRevisions = 0;

  constructor(options: CommunityOptions) {
    this.#o = options;
    this.#manners = new Manners(options.clock);
    this.#salted = new SaltedAnswers({ clock: options.clock, secret: options.random(HALF_BYTES) });
    this.#log = this.#openLog();
    this.#own = new OwnState(this.#log, options.signer.nodeId);
  }

  communityId(): string | null {
    return this.#log.store.communityId();
  }

  name(): string | null {
    return this.#joined()?.name ?? null;
  }

  policy(): ReturnType<Community["policy"]> {
    return this.#joined()?.policy ?? null;
  }

  size(): number {
    return this.#log.store.size();
  }

  head(): number {
    const id = this.communityId();
    return id === null ? 0 : this.#log.store.head();
  }

  standing(node: NodeId): Standing {
    const view = this.#joined();
    if (view === null) return { kind: "stranger" };
    if (view.revoked.has(node)) return { kind: "revoked" };
    const member = view.members.get(node);
    if (member !== undefined) return { kind: "member", level: member.level };
    const invite = [...view.invites.values()].find(
      (i) => i.invitee === node && !i.redeemed && parseTime(i.expires_at) > this.#o.clock.now(),
    );
    return invite === undefined ? { kind: "stranger" } : { kind: "invitee", expires_at: invite.expires_at };
  }

  levelOf(node: NodeId): ReturnType<Community["levelOf"]> {
    return this.#joined()?.levelOf(node) ?? "unknown";
  }

  members(): Member[] {
    return [...(this.#joined()?.members.values() ?? [])].map((record) => ({ ...record }));
  }

  openInvites(): ReturnType<Community["openInvites"]> {
    const now = this.#o.clock.now();
    return [...(this.#joined()?.invites.values() ?? [])]
      .filter((invite) => !invite.redeemed && parseTime(invite.expires_at) > now)
      .map(({ event_id, invitee, display_name, level, expires_at }) => ({
        event_id,
        invitee_node_id: invitee,
        display_name,
        initial_level: level,
        expires_at,
      }));
  }

  revokedNodes(): { node_id: NodeId; revoked_at: string }[] {
    return [...(this.#joined()?.revoked.values() ?? [])].map(({ node_id, revoked_at }) => ({ node_id, revoked_at }));
  }

  async create(o: { name: string; rootPassphrase: string }): Promise<{ community_id: string; rootKeyFile: string }> {
    this.#refuseMember();
    const { signer, clock, manifest } = this.#o;
    return found(this.#log, { ...o, founderName: this.#o.displayName(), signer, clock, manifest });
  }

  async invite(o: Parameters<Community["invite"]>[0]): ReturnType<Community["invite"]> {
    const view = this.#log.view();
    const me = this.#o.signer.nodeId;
    parseNodeId(o.invitee);
    if (!view.mayInvite(me) || !atLeast(view.levelOf(me), o.level))
      throw new HnError("unauthorized", { reason: "no_invite_right" });
    if (view.revoked.has(o.invitee))
      throw new HnError("revoked", { message: "This device was revoked and cannot come back under the same id." });
    if (view.members.has(o.invitee)) throw new HnError("bad_request", { message: "This device is a member already." });
    const expires_at = formatTime(this.#o.clock.now() + (o.ttlSeconds ?? INVITE_TTL_SECONDS) * 1000);
    // One open invitation per device: asking twice gives the same one, with the same event behind it (capability table: idempotent by invitee).
    const open = [...view.invites.values()].find(
      (i) =>
        i.invitee === o.invitee &&
        i.inviter === me &&
        !i.redeemed &&
        i.level === o.level &&
        parseTime(i.expires_at) > this.#o.clock.now() + 60_000,
    );
    if (open === undefined) this.#own.check();
    const event =
      open ??
      this.#log.append({
        type: "community.member.invited",
        data: { invitee_node_id: o.invitee, display_name: o.display_name, initial_level: o.level, expires_at },
      });
    const made = createInvite(this.#o.signer, {
      community_id: this.#log.communityId(),
      community_name: view.name ?? "HearthNet",
      invitee_node_id: o.invitee,
      initial_level: o.level,
      bootstrap_endpoints: o.endpoints.map(({ transport, host, port }) => ({ transport, host, port })),
      expires_at: open?.expires_at ?? expires_at,
      invite_event_id: event.event_id,
    });
    return { blob: made.blob, text: made.text, event_id: event.event_id };
  }

  async join(text: string, link: PeerLink): Promise<{ community_id: string; name: string }> {
    this.#refuseMember();
    const { dataDir, signer, clock, newUlid, manifest, verify } = this.#o;
    const { path, blob } = await redeem(text, {
      dataDir,
      signer,
      clock,
      newUlid,
      manifest,
      link,
      ...(verify === undefined ? {} : { verify }),
    });
    this.#replaceLog(() => renameSync(path, joinPath(dataDir, FILE)));
    return { community_id: blob.community_id, name: this.name() ?? blob.community_name };
  }

  async promote(o: Parameters<Community["promote"]>[0]): Promise<Event> {
    this.#own.check();
    return act(
      this.#log,
      {
        type: "community.member.promoted",
        target: o.target,
        data: { ...o.signed, new_level: o.level },
        coSigners: o.coSigners ?? [],
      },
      this.#o,
    );
  }

  async demote(o: Parameters<Community["demote"]>[0]): Promise<Event> {
    this.#own.check();
    return act(
      this.#log,
      {
        type: "community.member.demoted",
        target: o.target,
        data: { ...o.signed, new_level: o.level },
        coSigners: o.coSigners ?? [],
      },
      this.#o,
    );
  }

  async revoke(o: Parameters<Community["revoke"]>[0]): Promise<Event> {
    this.#own.check();
    // What others have signed stands as they signed it.
    const data = { ...(o.signed ?? targetHead(this.#log, o.target)), reason: o.reason };
    return act(
      this.#log,
      {
        type: "community.member.revoked",
        target: o.target,
        data,
        coSigners: o.coSigners ?? [],
        ...(o.rootKey === undefined ? {} : { rootKey: o.rootKey }),
      },
      this.#o,
    );
  }

  async leave(): Promise<void> {
    const id = this.#log.communityId();
    this.#own.check();
    this.#log.append({ type: "community.member.left", data: {} });
    const archive = joinPath(this.#o.dataDir, "left");
    mkdirSync(archive, { recursive: true, mode: 0o700 });
    const name = `${id.slice(8, 16)}-${formatTime(this.#o.clock.now()).replaceAll(":", "")}.db`;
    this.#replaceLog(() => renameSync(joinPath(this.#o.dataDir, FILE), joinPath(archive, name)));
  }

  async append(o: { type: string; data: Event["data"]; clientId?: string }): Promise<Event> {
    if (o.clientId !== undefined) {
      const known = this.#log.store.byClientId(this.#o.signer.nodeId, o.clientId, o.type);
      if (known !== null) return known;
    }
    this.#log.communityId();
    this.#own.check();
    return this.#log.append({ type: o.type, data: o.clientId === undefined ? o.data : { ...o.data, client_id: o.clientId } });
  }

  async manifest(): Promise<CommunityManifest> {
    const view = this.#log.view();
    return buildCommunityManifest(this.#o.signer, {
      community_id: this.#log.communityId(),
      name: view.name ?? "HearthNet",
      created_at: view.createdAt ?? formatTime(this.#o.clock.now()),
      policy: view.policy as NonNullable<typeof view.policy>,
      members: [...view.members.values()].map(({ node_id, level, added_at, added_by }) => ({
        node_id,
        level,
        added_at,
        added_by,
      })),
      revoked: this.revokedNodes(),
      head_lamport: this.head(),
    });
  }

  heads(): SyncHeads {
    return clippedHeads(this.#log);
  }

  brief(floor: number): SyncBrief {
    return briefOf(this.#log, floor);
  }

  async exchange(request: SyncRequest, from: NodeId): Promise<SyncReply> {
    return serveExchange(this.#log, request, { node: from, standing: this.standing(from), manners: this.#manners });
  }

  async reconcile(message: RangeMessage, from: NodeId): Promise<RangeMessage> {
    return serveRanges(this.#log, message, { node: from, standing: this.standing(from), salted: this.#salted });
  }

  async syncWith(peer: PeerPlace, link: PeerLink): Promise<SyncReport> {
    const report = await syncBothWays(this.#task(peer, link));
    this.#own.heardFrom(peer.node_id);
    return report;
  }

  compareSalted(peer: PeerPlace, link: PeerLink): Promise<SyncReport | null> {
    const { random, clock } = this.#o;
    return compareSalted(this.#task(peer, link), { half: random(HALF_BYTES), clock });
  }

  async pushTo(peer: PeerPlace, theirs: Record<NodeId, number>, link: PeerLink): Promise<SyncReport> {
    return pushTo(this.#task(peer, link), theirs);
  }

  status(): LogStatus {
    const log = this.#log;
    const community_id = log.communityId();
    const heads = clippedHeads(log);
    const sums = log.set.sumAbove(log.store.floor());
    return {
      community_id,
      head: heads.head,
      events: log.store.count(),
      counted: sums?.count ?? null,
      sum: sums?.sum ?? null,
      heads_by_author: heads.heads_by_author,
      members: log.view().members.size,
      size_bytes: log.store.sizeBytes(),
      waiting: log.waiting,
      floor: log.store.floor(),
      equivocations: log.store.equivocations(),
      own_state_confirmed: this.#own.isConfirmed,
    };
  }

  tail(limit: number): Event[] {
    this.#log.communityId();
    return this.#log.store.tail(limit);
  }

  verifyLog(): Promise<LogCheck> {
    return this.#log.check();
  }

  async snapshot(): Promise<SnapshotFacts> {
    await this.#log.set.built;
    return writeSnapshot(this.#log, this.#shelf());
  }

  async prune(): Promise<{ pruned: number; floor: number }> {
    const covered = newestSnapshot(this.#log, this.#shelf())?.covers_events_up_to ?? 0;
    const pruned = this.#log.prune({ upTo: covered, receivedBefore: this.#o.clock.now() - RETENTION_MS });
    return { pruned, floor: this.#log.store.floor() };
  }

  propose(o: Parameters<Community["propose"]>[0]): Proposal {
    return propose(this.#log, o, this.#o);
  }

  readProposal(text: string): Proposal {
    return readProposal(this.#log, text, this.#o);
  }

  cosign(text: string): Proposal {
    return cosign(this.#log, text, this.#o);
  }

  async submit(text: string): Promise<Event> {
    this.#own.check();
    return submit(this.#log, text, this.#o);
  }

  ownEvent(id: string): Event | null {
    return this.#log.store.find(this.#o.signer.nodeId, id);
  }

  push(
    event: Event,
    { peer, link }: { peer: { node_id: NodeId; endpoints: Member["endpoints"] }; link: PeerLink },
  ): Promise<boolean> {
    const { node_id, endpoints } = peer;
    return pushOwn(this.#log, event, { peer: { node_id, endpoints, community_id: this.#log.communityId() }, link });
  }

  read(query: EventQuery): EventPage {
    return this.#log.read(query);
  }

  revision(): number {
    return this.#formerRevisions + this.#log.revision();
  }

  onEvent(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onStored(listener: () => void): () => void {
    this.#stored.add(listener);
    return () => this.#stored.delete(listener);
  }

  close(): void {
    this.#salted.forget();
    this.#log.close();
  }

  #task(peer: PeerPlace, link: PeerLink): SyncTask {
    return {
      log: this.#log,
      peer: { ...peer, community_id: this.#log.communityId() },
      link,
      manners: this.#manners,
    };
  }

  #shelf(): { folder: string; signer: Signer; clock: Clock } {
    return { folder: joinPath(this.#o.dataDir, SNAPSHOTS), signer: this.#o.signer, clock: this.#o.clock };
  }

  #joined(): ReturnType<EventLog["view"]> | null {
    return this.communityId() === null ? null : this.#log.view();
  }

  #refuseMember(): void {
    if (this.communityId() !== null) throw new HnError("bad_request", { reason: "already_member" });
  }

  #openLog(): EventLog {
    const { dataDir, signer, clock, newUlid, verify } = this.#o;
    const store = new EventStore(joinPath(dataDir, FILE));
    const log = new EventLog({ store, signer, clock, newUlid, ...(verify === undefined ? {} : { verify }) });
    log.onEvent((event) => {
      for (const listener of this.#listeners) listener(event);
      for (const listener of this.#stored) listener();
    });
    return log;
  }

  /** Closes the log (which folds its WAL into the file), lets `swap` move files, opens what stands there then. */
  #replaceLog(swap: () => void): void {
    this.close();
    for (const suffix of ["-wal", "-shm"]) {
      const leftover = joinPath(this.#o.dataDir, FILE + suffix);
      if (existsSync(leftover)) rmSync(leftover);
    }
    swap();
    this.#formerRevisions = this.revision() + 1;
    this.#log = this.#openLog();
    this.#own = new OwnState(this.#log, this.#o.signer.nodeId);
    for (const listener of this.#stored) listener();
  }
}

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
  Member,
  NodeId,
  NodeManifest,
  PeerLink,
  Standing,
  SyncHeads,
  SyncReply,
  SyncRequest,
} from "../contract/index.ts";
import { formatTime, HnError, parseTime, type UlidFactory } from "../foundation/index.ts";
import { buildCommunityManifest, createInvite, parseNodeId, type Signer } from "../identity/index.ts";
import { found } from "./create.ts";
import { clearStaging, redeem } from "./join.ts";
import { act, targetHead } from "./levels.ts";
import { EventLog } from "./log/event-log.ts";
import { EventStore } from "./log/store.ts";
import { clippedHeads, serveExchange } from "./sync/exchange.ts";
import { syncBothWays } from "./sync/pull.ts";
import { atLeast } from "./views/membership.ts";

export interface CommunityOptions {
  /** Folder of this room; created with mode 0700. */
  dataDir: string;
  signer: Signer;
  clock: Clock;
  newUlid: UlidFactory;
  log: Log;
  displayName: () => string;
  /** Self-description for the join event. */
  manifest: (communityId: string) => Promise<NodeManifest>;
}

const FILE = "community.db";
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
  /** What former logs had counted, so that the number only rises. */
  #formerRevisions = 0;

  constructor(options: CommunityOptions) {
    this.#o = options;
    this.#log = this.#openLog();
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
    return id === null ? 0 : this.#log.store.heads(id).head;
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
    const { dataDir, signer, clock, newUlid, manifest } = this.#o;
    const { path, blob } = await redeem(text, { dataDir, signer, clock, newUlid, manifest, link });
    this.#replaceLog(() => renameSync(path, joinPath(dataDir, FILE)));
    return { community_id: blob.community_id, name: this.name() ?? blob.community_name };
  }

  promote(o: Parameters<Community["promote"]>[0]): Promise<Event> {
    return act(
      this.#log,
      { type: "community.member.promoted", target: o.target, data: { new_level: o.level }, coSigners: o.coSigners ?? [] },
      this.#o,
    );
  }

  demote(o: Parameters<Community["demote"]>[0]): Promise<Event> {
    return act(
      this.#log,
      { type: "community.member.demoted", target: o.target, data: { new_level: o.level }, coSigners: o.coSigners ?? [] },
      this.#o,
    );
  }

  revoke(o: Parameters<Community["revoke"]>[0]): Promise<Event> {
    const data = { reason: o.reason, ...targetHead(this.#log, o.target) };
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

  async exchange(request: SyncRequest, from: NodeId): Promise<SyncReply> {
    return serveExchange(this.#log, request, { node: from, standing: this.standing(from) });
  }

  async syncWith(
    peer: { node_id: NodeId; endpoints: Member["endpoints"] },
    link: PeerLink,
  ): Promise<{ received: number; sent: number }> {
    return syncBothWays(this.#log, { ...peer, community_id: this.#log.communityId() }, link);
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
    this.#log.store.close();
  }

  #joined(): ReturnType<EventLog["view"]> | null {
    return this.communityId() === null ? null : this.#log.view();
  }

  #refuseMember(): void {
    if (this.communityId() !== null) throw new HnError("bad_request", { reason: "already_member" });
  }

  #openLog(): EventLog {
    const { dataDir, signer, clock, newUlid } = this.#o;
    const log = new EventLog({ store: new EventStore(joinPath(dataDir, FILE)), signer, clock, newUlid });
    log.onEvent((event) => {
      for (const listener of this.#listeners) listener(event);
      for (const listener of this.#stored) listener();
    });
    return log;
  }

  /** Closes the log (which folds its WAL into the file), lets `swap` move files, opens what stands there then. */
  #replaceLog(swap: () => void): void {
    this.#log.store.close();
    for (const suffix of ["-wal", "-shm"]) {
      const leftover = joinPath(this.#o.dataDir, FILE + suffix);
      if (existsSync(leftover)) rmSync(leftover);
    }
    swap();
    this.#formerRevisions = this.revision() + 1;
    this.#log = this.#openLog();
    for (const listener of this.#stored) listener();
  }
}

import type {
  CommunityId,
  CommunityPolicy,
  Endpoint,
  Event,
  JsonValue,
  MemberLevel,
  NodeId,
  Time,
  TrustLevel,
} from "../../contract/index.ts";
import { isTime } from "../../foundation/index.ts";
import { compareEvents, compareText } from "../log/shape.ts";
import type { Cut } from "../log/store.ts";
import { genuineSigners } from "./cosign.ts";
import { readPolicy } from "./policy.ts";

export interface MemberRecord {
  node_id: NodeId;
  display_name: string;
  level: MemberLevel;
  added_at: Time;
  added_by: NodeId;
  endpoints: Endpoint[];
}

export interface InviteRecord {
  event_id: string;
  inviter: NodeId;
  invitee: NodeId;
  display_name: string;
  level: "member" | "trusted";
  expires_at: Time;
  redeemed: boolean;
}

export interface RevokedRecord {
  node_id: NodeId;
  revoked_at: Time;
  /** Last position of the author that still counts. */
  cut: Cut;
}

const RANK: Record<TrustLevel, number> = { unknown: 0, member: 1, trusted: 2, anchor: 3 };
export function atLeast(level: TrustLevel, needed: TrustLevel): boolean {
  return RANK[level] >= RANK[needed];
}

/**
 * Who belongs to the community, at which level: a pure function of the ordered events. A rule that an event fails leaves it without effect; it
 * never throws. No local clock, no arrival order, no settings of this node enter here, or nodes would disagree for ever (E-6).
 * @source 04 §5, §6, E-5 to E-10
 */
export class Membership {
  readonly #community: CommunityId;
  name: string | null = null;
  policy: CommunityPolicy | null = null;
  createdAt: Time | null = null;
  members: Map<NodeId, MemberRecord> = new Map();
  revoked: Map<NodeId, RevokedRecord> = new Map();
  /** Keyed by `author/event_id` of the invitation. */
  invites: Map<string, InviteRecord> = new Map();
  /** Everyone whose events may be stored: members now or earlier. */
  known: Set<NodeId> = new Set();
  /** Last event applied, for the caller to see whether a late one arrived. */
  last: Event | null = null;
  /** The same by the id of the event alone, as joins name them. */
  readonly #invitesById: Map<string, InviteRecord[]> = new Map();
  #done: Set<string> = new Set();
  #lamports: Map<NodeId, number> = new Map();
  readonly #cuts: Map<NodeId, Cut>;

  constructor(community: CommunityId, cuts: Map<NodeId, Cut> = new Map()) {
    this.#community = community;
    this.#cuts = cuts;
    this.known.add(community);
  }

  /** Last places of revoked authors that still count, as far as they were needed or known beforehand. */
  get cuts(): ReadonlyMap<NodeId, Cut> {
    return new Map([...this.#cuts, ...[...this.revoked.values()].map(({ node_id, cut }) => [node_id, cut] as const)]);
  }

  levelOf(node: NodeId): TrustLevel {
    return this.members.get(node)?.level ?? "unknown";
  }

  /** @returns false when the event reveals a cut below what was applied already: replay anew with `cuts`. */
  apply(event: Event): boolean {
    this.last = event;
    if (event.event_type === "community.created") this.#created(event);
    else if (this.createdAt !== null && this.#mayAct(event)) return this.#dispatch(event);
    return true;
  }

  #mayAct(event: Event): boolean {
    if (this.revoked.has(event.author)) return false;
    const cut = this.#cuts.get(event.author);
    if (cut !== undefined && beyond(event, cut)) return false;
    // Two events of one author with one lamport: the smaller id came first in order and stands (E-5).
    if (this.#lamports.get(event.author) === event.lamport) return false;
    this.#lamports.set(event.author, event.lamport);
    return true;
  }

  #dispatch(event: Event): boolean {
    switch (event.event_type) {
      case "community.member.invited":
        this.#invited(event);
        return true;
      case "community.member.joined":
        this.#joined(event);
        return true;
      case "community.member.left":
        this.members.delete(event.author);
        return true;
      case "community.member.promoted":
      case "community.member.demoted":
        this.#levelChanged(event);
        return true;
      case "community.member.revoked":
        return this.#revokedBy(event);
      case "community.policy.updated":
        if (event.author === this.#community) this.policy = readPolicy(event.data["policy"]);
        return true;
      default:
        return true;
    }
  }

  #created(event: Event): void {
    const founder = event.data["founder_node_id"];
    if (this.createdAt !== null || event.author !== this.#community || typeof founder !== "string") return;
    this.createdAt = event.wall_clock;
    this.name = text(event.data["name"], 64) || "HearthNet";
    this.policy = readPolicy(event.data["policy"]);
    this.#admit({
      node_id: founder,
      display_name: "",
      level: "anchor",
      added_at: event.wall_clock,
      added_by: event.author,
      endpoints: [],
    });
  }

  #invited(event: Event): void {
    const { invitee_node_id: invitee, initial_level: level, expires_at } = event.data;
    const author = this.levelOf(event.author);
    if (
      typeof invitee !== "string" ||
      (level !== "member" && level !== "trusted") ||
      !isTime(expires_at) ||
      this.revoked.has(invitee)
    )
      return;
    if (!this.mayInvite(event.author) || !atLeast(author, level)) return;
    if (
      this.policy !== null &&
      this.policy.min_signatures_to_invite > 1 &&
      !this.#coSigned(event, { target: invitee, wanted: this.policy.min_signatures_to_invite, level: "member" })
    )
      return;
    const key = `${event.author}/${event.event_id}`;
    if (this.invites.has(key)) return;
    const invite: InviteRecord = {
      event_id: event.event_id,
      inviter: event.author,
      invitee,
      display_name: text(event.data["display_name"], 64),
      level,
      expires_at,
      redeemed: false,
    };
    this.invites.set(key, invite);
    const alike = this.#invitesById.get(event.event_id);
    if (alike === undefined) this.#invitesById.set(event.event_id, [invite]);
    else alike.push(invite);
  }

  /** @source 03 §8 "Invite right" */
  mayInvite(node: NodeId): boolean {
    const level = this.levelOf(node);
    return atLeast(level, "trusted") || (level === "member" && this.policy?.default_member_can_invite === true);
  }

  #joined(event: Event): void {
    const id = event.data["invite_event_id"];
    const alike = typeof id === "string" ? (this.#invitesById.get(id) ?? []) : [];
    // Those of whoever was revoked since are withdrawn.
    const stands = (one: InviteRecord): boolean => this.invites.get(`${one.inviter}/${one.event_id}`) === one;
    const invite = alike.find((one) => one.invitee === event.author && !one.redeemed && stands(one));
    if (invite === undefined || event.wall_clock > invite.expires_at) return;
    invite.redeemed = true;
    const manifest = readManifest(event.data["node_manifest"], event.author);
    const present = this.members.get(event.author);
    if (present !== undefined) Object.assign(present, manifest, { display_name: manifest.display_name || invite.display_name });
    if (present === undefined || !atLeast(present.level, invite.level))
      this.#admit({
        node_id: event.author,
        level: invite.level,
        added_at: event.wall_clock,
        added_by: invite.inviter,
        endpoints: manifest.endpoints,
        display_name: manifest.display_name || invite.display_name,
      });
  }

  #admit(record: MemberRecord): void {
    this.members.set(record.node_id, record);
    this.known.add(record.node_id);
  }

  #levelChanged(event: Event): void {
    const { target_node_id: target, new_level: level } = event.data;
    const record = typeof target === "string" ? this.members.get(target) : undefined;
    if (record === undefined || (level !== "member" && level !== "trusted" && level !== "anchor") || !this.#firstUse(event))
      return;
    const up = RANK[level] > RANK[record.level];
    if (up !== (event.event_type === "community.member.promoted") || level === record.level) return;
    const needed = up ? 1 : (this.policy?.min_signatures_to_demote ?? 3);
    const anchors = this.#eligible("anchor", record.node_id).length;
    const enough =
      up && level === "anchor"
        ? this.#coSigned(event, { target: record.node_id, wanted: Math.min(3, anchors), level: "anchor" })
        : this.#coSigned(event, { target: record.node_id, wanted: needed, level: "trusted" });
    if (enough) {
      this.#use(event);
      record.level = level;
    }
  }

  #revokedBy(event: Event): boolean {
    const target = event.data["target_node_id"];
    if (typeof target !== "string" || this.revoked.has(target) || !this.#firstUse(event)) return true;
    const wanted = this.policy?.min_signatures_to_revoke ?? 3;
    if (!this.#coSigned(event, { target, wanted, level: "trusted" })) return true;
    this.#use(event);
    const cut = readCut(event);
    this.revoked.set(target, { node_id: target, revoked_at: event.wall_clock, cut });
    this.members.delete(target);
    for (const [key, invite] of this.invites) if (invite.inviter === target && !invite.redeemed) this.invites.delete(key);
    if (this.#cuts.has(target) || (this.#lamports.get(target) ?? 0) <= cut.lamport) return true;
    // The target acted between the cut and this revocation: those effects must go, so the caller replays with the cut known beforehand (E-9).
    this.#cuts.set(target, cut);
    return false;
  }

  #firstUse(event: Event): boolean {
    return !this.#done.has(useOf(event));
  }

  #use(event: Event): void {
    this.#done.add(useOf(event));
  }

  #eligible(level: TrustLevel, except: NodeId): MemberRecord[] {
    return [...this.members.values()].filter((m) => m.node_id !== except && atLeast(m.level, level));
  }

  /**
   * Root alone meets any threshold; otherwise as many eligible members as the policy wants, but never more than there are (E-8),
   * and the author is one of them.
   */
  #coSigned(event: Event, o: { target: NodeId; wanted: number; level: TrustLevel }): boolean {
    const signers = genuineSigners(event);
    if (signers.has(this.#community)) return true;
    const eligible = this.#eligible(o.level, o.target).filter((m) => !this.revoked.has(m.node_id));
    const needed = Math.max(1, Math.min(o.wanted, eligible.length));
    return signers.has(event.author) && eligible.filter((m) => signers.has(m.node_id)).length >= needed;
  }
}

/** A co-signed act counts once, whoever repeats it: this names it. */
function useOf({ event_type: type, data: { client_id: id } }: Event): string {
  return `${type}/${typeof id === "string" ? id : ""}`;
}

/** Replays a whole stream, again from the start whenever a revocation reaches back behind what was applied. */
export function replay(community: CommunityId, events: () => Iterable<Event>): Membership {
  const cuts = new Map<NodeId, Cut>();
  // Each restart adds one node to `cuts`, so this ends.
  for (;;) {
    const view = new Membership(community, cuts);
    let whole = true;
    for (const event of events()) {
      whole = view.apply(event);
      if (!whole) break;
    }
    if (whole) return view;
  }
}

/** True when the event lies after the cut. @source 04 E-9 */
export function beyond(event: { lamport: number; event_id: string }, cut: { lamport: number; event_id: string }): boolean {
  return event.lamport > cut.lamport || (event.lamport === cut.lamport && compareText(event.event_id, cut.event_id) > 0);
}

export function isLate(view: Membership, event: Event): boolean {
  return view.last !== null && compareEvents(event, view.last) < 0;
}

function readCut(event: Event): Cut {
  const head = event.data["target_head"];
  if (typeof head === "object" && head !== null && !Array.isArray(head)) {
    const { lamport, event_id, count, sum } = head;
    // A cut after the revocation itself would let the target go on acting.
    if (typeof lamport === "number" && Number.isSafeInteger(lamport) && typeof event_id === "string" && lamport < event.lamport)
      return { lamport, event_id, count: typeof count === "number" ? count : null, sum: typeof sum === "string" ? sum : null };
  }
  return { lamport: event.lamport, event_id: event.event_id, count: null, sum: null };
}

function text(value: JsonValue | undefined, max: number): string {
  return typeof value === "string" ? [...value.replace(/[\p{Cc}\p{Cf}]/gu, "")].slice(0, max).join("") : "";
}

/** Name and addresses out of a join's manifest; untrusted text, only shown and dialled (TLS proves the key). */
function readManifest(value: JsonValue | undefined, author: NodeId): { display_name: string; endpoints: Endpoint[] } {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value["node_id"] !== author)
    return { display_name: "", endpoints: [] };
  const list = Array.isArray(value["endpoints"]) ? value["endpoints"] : [];
  const endpoints = list.slice(0, 8).flatMap((item): Endpoint[] => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return [];
    const { transport, host, port } = item;
    if (
      transport !== "https" ||
      typeof host !== "string" ||
      host.length > 255 ||
      typeof port !== "number" ||
      !Number.isInteger(port) ||
      port < 1 ||
      port > 65_535
    )
      return [];
    return [{ transport, host, port }];
  });
  return { display_name: text(value["display_name"], 64), endpoints };
}

/** Public faces of the rooms, so that rooms above can be written and tested against them. Each room implements its own. */
import type { Bundles } from "./bundles.ts";
import type { EventPage, EventQuery } from "./commons.ts";
import type { ConfinementReport } from "./confinement.ts";
import type { LocalError } from "./errors.ts";
import type { FileKeeper } from "./files.ts";
import type { CommunityId, I18nText, JsonObject, JsonValue, NodeId, Time } from "./ids.ts";
import type { LedgerCheck, LedgerEntry, LedgerFilter, LedgerLine, LedgerRow } from "./ledger.ts";
import type {
  Grant,
  GrantMode,
  KeptRelease,
  MeterSample,
  PermissionRequest,
  PluginLogLine,
  PluginManifest,
  PluginOverrides,
  PluginStatus,
  StoredRelease,
} from "./plugin.ts";
import type { PeerLink } from "./ports.ts";
import type { Rights } from "./rights.ts";
import type {
  CommunityManifest,
  CommunityPolicy,
  CoSigner,
  Endpoint,
  Event,
  InviteBlob,
  MemberLevel,
  RangeMessage,
  SyncBrief,
  SyncHeads,
  SyncReply,
  SyncReport,
  SyncRequest,
  TrustLevel,
} from "./wire.ts";

// ---- community (floor 2)

export interface Member {
  node_id: NodeId;
  /** From the member's own join manifest; untrusted text. */
  display_name: string;
  level: MemberLevel;
  added_at: Time;
  added_by: NodeId;
  /** Addresses from the newest manifest this node has seen in the log. */
  endpoints: Endpoint[];
}

export type Standing =
  { kind: "member"; level: MemberLevel } | { kind: "invitee"; expires_at: Time } | { kind: "revoked" } | { kind: "stranger" };

export interface OpenInvite {
  event_id: string;
  invitee_node_id: NodeId;
  display_name: string;
  initial_level: "member" | "trusted";
  expires_at: Time;
}

/** An author has signed two events where one may stand: with one id (E-17), or with one lamport (E-5). Shown to the operator. */
export interface Equivocation {
  author: NodeId;
  /** Of the event that came second. */
  event_id: string;
  kind: "one_id" | "one_lamport";
  /** Unix milliseconds. */
  seen_at: number;
}

/** What the operator sees of the log. */
export interface LogStatus {
  community_id: CommunityId;
  head: number;
  /** Stored events, and those of them that count. The second is null while the log is still being read. */
  events: number;
  counted: number | null;
  /** Sum of the hashes of what counts, base64url; equal on nodes with equal logs. */
  sum: string | null;
  heads_by_author: Record<NodeId, number>;
  members: number;
  size_bytes: number;
  /** Events whose author is not known yet. */
  waiting: number;
  floor: number;
  equivocations: Equivocation[];
  /** False while this node may have lost its own last events: it writes nothing until enough neighbours were asked. */
  own_state_confirmed: boolean;
}

/** How the exchange of the log with one member went last. */
export interface GossipFacts {
  node_id: NodeId;
  /** Unix milliseconds; null when it has never succeeded in this run. */
  synced_at: number | null;
  stage: SyncReport["stage"] | null;
  /** In a row, until now. */
  failures: number;
}

/** What `verify` found when it read the whole log again. */
export interface LogCheck {
  events: number;
  /** Whose bytes, hash or signature do not fit. */
  broken: { author: NodeId; event_id: string }[];
  /** Whether the sums kept in memory are those of the table. */
  sums_fit: boolean;
}

export interface SnapshotFacts {
  path: string;
  lamport: number;
  covers_events_up_to: number;
  wall_clock: Time;
}

/** A co-signed act on its way from member to member. `text` is what is handed on. @source 04 E-7 */
export interface Proposal {
  text: string;
  action: "community.member.promoted" | "community.member.demoted" | "community.member.revoked";
  target_node_id: NodeId;
  new_level?: MemberLevel;
  reason?: string;
  not_after: Time;
  signers: NodeId[];
  /** Whether it would have effect if it were submitted now, by this node's log. */
  enough: boolean;
}

/** Who stands where; the transport's view of the community. */
export interface StandingLookup {
  communityId(): CommunityId | null;
  standing(node: NodeId): Standing;
}

/** Signatures of others, and what else they cover besides the act itself. @source 04 E-7 */
export interface CoSigned {
  coSigners?: CoSigner[];
  /** Must be what was signed: `client_id`, `not_after`, for a revocation `target_head`. */
  signed?: JsonObject;
}

/** A member and where it was met. */
export interface PeerPlace {
  node_id: NodeId;
  endpoints: Endpoint[];
}

export interface Community extends StandingLookup {
  name(): string | null;
  policy(): CommunityPolicy | null;
  head(): number;
  /** Events in the log. */
  size(): number;
  /** Creates the root key and the first three events. `rootKeyFile` is the encrypted export; it is not kept on the node (I-11). @throws bad_request already_member */
  create(o: { name: string; rootPassphrase: string }): Promise<{ community_id: CommunityId; rootKeyFile: string }>;
  /** @throws unauthorized no_invite_right · not_found no_community */
  invite(o: {
    invitee: NodeId;
    display_name: string;
    level: "member" | "trusted";
    endpoints: Endpoint[];
    ttlSeconds?: number;
  }): Promise<{ blob: InviteBlob; text: string; event_id: string }>;
  /** Redeems an invitation; 01 §7. */
  join(text: string, link: PeerLink): Promise<{ community_id: CommunityId; name: string }>;
  members(): Member[];
  openInvites(): OpenInvite[];
  revokedNodes(): { node_id: NodeId; revoked_at: Time }[];
  levelOf(node: NodeId): TrustLevel;
  promote(o: CoSigned & { target: NodeId; level: MemberLevel }): Promise<Event>;
  demote(o: CoSigned & { target: NodeId; level: MemberLevel }): Promise<Event>;
  revoke(
    o: CoSigned & {
      target: NodeId;
      reason: string;
      rootKey?: { file: string; passphrase: string };
    },
  ): Promise<Event>;
  leave(): Promise<void>;
  /** Appends one event by this node; durable when it resolves. */
  append(o: { type: string; data: JsonObject; clientId?: string }): Promise<Event>;
  /** One event by this node; null when there is none. */
  ownEvent(id: string): Event | null;
  /** Brings one own event, and what the peer lacks of this node's before it, to a peer. @returns whether the peer has it now @throws as the link */
  push(event: Event, o: { peer: { node_id: NodeId; endpoints: Endpoint[] }; link: PeerLink }): Promise<boolean>;
  manifest(): Promise<CommunityManifest>;
  heads(): SyncHeads;
  /** Sums of what counts from a lamport on. */
  brief(floor: number): SyncBrief;
  /** One step of a comparison by ranges; for members only. @throws bad_request · capacity_exceeded log_being_read */
  reconcile(message: RangeMessage, from: NodeId): Promise<RangeMessage>;
  /** Push and pull in one step, as `/sync/v1/events` serves it. `from` is the verified sender; an invitee may push only its own join. */
  exchange(request: SyncRequest, from: NodeId): Promise<SyncReply>;
  /** Brings both logs to the same events. @throws partition and what the peer refuses with */
  syncWith(peer: PeerPlace, link: PeerLink): Promise<SyncReport>;
  /**
   * Compares what both believe to be equal under a salt of both, and mends what is not.
   * @returns stage 3 where they differed, else stage 0; null when the peer knows no salts @throws as `syncWith`
   */
  compareSalted(peer: PeerPlace, link: PeerLink): Promise<SyncReport | null>;
  /** Hands over what a peer with these heads lacks, without asking it first. */
  pushTo(peer: PeerPlace, theirs: Record<NodeId, number>, link: PeerLink): Promise<SyncReport>;
  /** @throws not_found no_community */
  status(): LogStatus;
  /** The last events as stored, oldest first. */
  tail(limit: number): Event[];
  /** Reads the whole log again and verifies every signature. */
  verifyLog(): Promise<LogCheck>;
  /** Writes a signed snapshot; the last seven are kept. @source 04 §7 */
  snapshot(): Promise<SnapshotFacts>;
  /** Removes what is older than 30 days, covered by a snapshot and no trust history. @source 04 E-12 */
  prune(): Promise<{ pruned: number; floor: number }>;
  /** Makes the device key's first signature for a co-signed act. @throws not_found · unauthorized */
  propose(act: { action: Proposal["action"]; target: NodeId; level?: MemberLevel; reason?: string }): Proposal;
  /** What a proposal says, its signatures checked. @throws bad_request proposal_invalid · expired */
  readProposal(text: string): Proposal;
  /** Adds this node's signature. @throws as `readProposal` · unauthorized */
  cosign(text: string): Proposal;
  /** Appends the act. @throws unauthorized co_signer_insufficient */
  submit(text: string): Promise<Event>;
  /**
   * Events in log order as views see them: without what lies beyond a revoked author's cut, without the second of two events of one author with
   * one lamport, without a repeated `client_id`. @source 04 §5, E-5, E-9
   */
  read(query: EventQuery): EventPage;
  /** Rises whenever something changed that a reader may have passed already: a late event, a revocation, another log. */
  revision(): number;
  onEvent(listener: (event: Event) => void): () => void;
  /** After anything was stored, and after another log has taken this one's place. */
  onStored(listener: () => void): () => void;
  close(): void;
}

// ---- runtime (floor 5)

export interface Runtime {
  report(): ConfinementReport;
  list(): PluginStatus[];
  get(id: string): PluginStatus | undefined;
  release(id: string): StoredRelease | undefined;
  /** Takes a verified release. It starts beside a former one and takes over in one step, or after it; when it cannot, the former one runs on. */
  stage(release: StoredRelease, grants: Grant[]): Promise<PluginStatus>;
  /** Former releases that can come back, newest first. */
  kept(id: string): KeptRelease[];
  /** Goes back to a kept release, the newest by default. @throws not_found not_kept */
  rollback(id: string, o: { version?: string }): Promise<PluginStatus>;
  /** Remembers that a newer version waits for the operator, until another one is active. */
  awaitConsent(id: string, version: string): void;
  enable(id: string): Promise<PluginStatus>;
  disable(id: string): Promise<PluginStatus>;
  restart(id: string): Promise<PluginStatus>;
  /**
   * Gives a plugin a process of its own, or lets its present version run unconfined; or takes that back.
   * @throws bad_request where there is nothing to override · confinement confinement_lowered
   */
  setOverrides(id: string, change: Partial<PluginOverrides>): Promise<PluginStatus>;
  /** Ends a plugin whose files or standing can no longer be trusted; its data stays. */
  quarantine(id: string, reason: LocalError): Promise<void>;
  remove(id: string, o: { keepData: boolean }): Promise<void>;
  grants(id: string): Grant[];
  setGrants(id: string, grants: Grant[]): Promise<void>;
  /** Questions, trial runs, roles. */
  readonly rights: Rights;
  /** Files by their content, as the operator reaches them. */
  readonly files: FileKeeper;
  config(id: string): PluginConfig;
  setConfig(
    id: string,
    value: JsonObject,
    secrets: Record<string, string>,
  ): Promise<{ result: "applied" | "restart" | "restored" }>;
  logs(id: string, o: { before?: number; limit: number; level?: string }): PluginLogLine[];
  onLog(id: string, listener: (line: PluginLogLine) => void): () => void;
  readonly ledgerView: LedgerView;
  /** The last ten minutes, a sample a second, oldest first. */
  meters(id: string): MeterSample[];
  onMeter(id: string, listener: (sample: MeterSample) => void): () => void;
  onChange(listener: (status: PluginStatus | { id: string; state: "removed" }) => void): () => void;
  /**
   * One wish of a plugin's panel, of at most 64 KiB each way; its plugin answers under its own rights.
   * @throws permission_denied · not_found · not_implemented when it has no program · plugin_gone · what the plugin reports
   */
  panel(
    id: string,
    wish: { panel: string; method: string; input: JsonValue },
    o: { requestId: string; signal: AbortSignal },
  ): Promise<JsonValue>;
  /** Starts what is desired; resolves when every plugin has been tried once. */
  startAll(): Promise<void>;
  stopAll(): Promise<void>;
}

/** The ledger as operators see it. @source plugin-platform §8 */
export interface LedgerView {
  /** Newest first. */
  rows(filter: LedgerFilter): LedgerRow[];
  /** Walks the whole chain, in pieces between which the node goes on. */
  check(): Promise<LedgerCheck>;
  /** All segments that reach to `since` or further, oldest first. */
  lines(o: { since?: number }): Iterable<LedgerLine>;
  /** What an operator did, as a row among the plugins' wishes. */
  act(entry: LedgerEntry): void;
  onRow(listener: (row: LedgerRow) => void): () => void;
}

export interface PluginConfig {
  schema: JsonObject | null;
  order: string[];
  value: JsonObject;
  /** Pointers of secrets that are set; never their values. */
  secretsSet: string[];
  etag: string;
}

// ---- marketplace (floor 6)

export interface CatalogItem {
  id: string;
  latest: string;
  displayName: I18nText;
  description: I18nText;
  publisherKeyId: string;
  rating: number;
  sizeBytes: number;
  capabilities: string[];
  permissions: string[];
  registry: string;
  installedVersion: string | null;
  released: Time;
}

export interface CatalogDetail extends CatalogItem {
  manifest: PluginManifest;
  versions: { version: string; sha256: string; sizeBytes: number; status: "active" | "yanked" }[];
  readme: string;
  assetBytes: number;
}

export interface PermissionReview {
  id: string;
  version: string;
  displayName: I18nText;
  packageSha256: string;
  publisherKeyId: string;
  /** The installed version it is compared with; null when none is. */
  before: string | null;
  /** What it asks for more than that one; empty: it could follow without a question. */
  growth: Growth[];
  /** Package digest and everything shown, hashed; an install must echo it. */
  reviewDigest: string;
  rating: number;
  /** With everything optional as well. */
  ratingWithOptional: number;
  /** Label that this machine will give. */
  label: ConfinementReport["label"];
  required: ReviewRow[];
  optional: ReviewRow[];
  assets: { name: string; sizeBytes: number; license: string; present: boolean }[];
  totalBytes: number;
  /** Machine code in the package and among its assets, for whoever grants `native`. */
  binaries: PackagedBinary[];
  /** Whether this publisher may be granted `native` on this node. */
  nativeAllowed: boolean;
  licenses: string[];
  /** True when weight ≥ 4 is asked: the operator must type the id. */
  confirmId: boolean;
  /** Age in seconds of a catalogue that has ended: installing from it needs a word of the operator. Null: it is fresh. @source marketplace §2.3 */
  oldCatalogueSeconds: number | null;
}

export interface ReviewRow extends PermissionRequest {
  weight: number;
  /** Whether an earlier grant of this plugin already covers it. */
  granted: boolean;
  /** How the operator has decided before; null: not at all. */
  held: Grant | null;
  /** How it differs from what the installed version asks for; null: not, or none is installed. */
  change: RightChange | null;
}

/** `required`: it was optional before. */
export type RightChange = "new" | "wider" | "required";

/** Something that a new version asks for beyond the one before. @source plugin-platform §3.4.2 */
export interface Growth {
  kind: "permission" | "scope" | "required" | "native" | "tier" | "dependency" | "route" | "open";
  /** `net.lan {"hosts":[…]}`, a plugin's id, `GET /market/list`, `ocr.image@1`. */
  what: string;
}

/** Machine code that a plugin brings. */
export interface PackagedBinary {
  /** Inside the package, or inside the asset. */
  path: string;
  /** Name of the asset that it is in; absent: it lies in the package. */
  asset?: string;
  sha256: string;
  sizeBytes: number;
}

/** The operator's decision on one permission; without a scope all that is asked for. */
export interface GrantChoice {
  permission: string;
  scope?: JsonObject;
  /** Default `allow`. */
  mode?: Exclude<GrantMode, "audit">;
  /** Unix milliseconds. */
  expires?: number;
}

export interface InstallProgress {
  step: "resolve" | "fetch" | "verify" | "unpack" | "assets" | "consent" | "start" | "done";
  percent: number;
  detail?: string;
  /** Name of the neighbour whose node gives the bytes at this moment. */
  from?: string;
}

export interface InstallRequest {
  id: string;
  version?: string;
  /** From the review; required unless `grants` is `"all"` from the command line or config, or `"keep"`. */
  reviewDigest?: string;
  /** `"keep"`: what the installed version was granted, and no more; only for an update. */
  grants: "all" | "keep" | GrantChoice[];
  grantedBy: Grant["grantedBy"];
  confirmId?: string;
  useOldCatalogue?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: InstallProgress) => void;
}

export interface Marketplace {
  /** Refreshes metadata; never throws for an unreachable source, but says the catalogue's age. */
  refresh(): Promise<{ ageSeconds: number; registries: { id: string; error: LocalError | null }[] }>;
  search(o: { q?: string; limit?: number }): CatalogItem[];
  show(id: string): Promise<CatalogDetail>;
  /** Version in the catalogue that is above the installed one; null when there is none. */
  newer(id: string): string | null;
  review(id: string, version?: string): Promise<PermissionReview>;
  install(request: InstallRequest): Promise<PluginStatus>;
  /** As `install`, of a plugin that is installed; nothing happens when it is the version already. @throws not_found · unauthorized consent_required */
  update(request: InstallRequest): Promise<PluginStatus>;
  /**
   * Other rights for an installed plugin, under the same rules as at its installation.
   * @throws not_found · bad_request · unauthorized consent_required | policy
   */
  regrant(o: Pick<InstallRequest, "id" | "grantedBy" | "confirmId"> & { grants: GrantChoice[] }): Promise<Grant[]>;
  /** Accepts what a trial run proposes, under the same rules. @throws as `Rights.acceptTrial` and `regrant` */
  acceptTrial(o: Pick<InstallRequest, "id" | "confirmId"> & { digest: string }): Promise<Grant[]>;
  /** Goes back to a kept release. @throws not_found not_kept · revoked package_revoked · invalid_signature rolled_back */
  rollback(o: { id: string; version?: string }): Promise<PluginStatus>;
  /** Reads a `.hnp` handed over as file: verified like any other, then reviewable under its id. */
  importPackage(bytes: Uint8Array): Promise<{ id: string; version: string }>;
  /** Re-hashes every file of an installed release; a difference quarantines it. */
  recheck(id: string): Promise<{ ok: boolean; tampered: string[] }>;
  /** Plugins on a stick. */
  readonly bundles: Bundles;
}

// ---- host facts that the admin doors show

/** Where a word about a node came from. `log`: its own signed join; `inbound`: it has called us. @source network.md §4 */
export type PeerSource = "mdns" | "udp" | "manual" | "invite" | "log" | "dht" | "relay" | "inbound" | "federation";

/**
 * `probing`: somebody we look for · `verified`: a member whose signed manifest is fresh · `suspect`: it was, and did not answer since ·
 * `stranger`: proven to be somebody, but no member · `revoked`.
 */
export type PeerState = "probing" | "verified" | "suspect" | "stranger" | "revoked";

export interface PeerRow {
  node_id: NodeId;
  display_name: string;
  level: TrustLevel;
  state: PeerState;
  /** In the order in which they are dialled. */
  endpoints: Endpoint[];
  online: boolean;
  /** Unix milliseconds; 0 = never. */
  last_seen: number;
  /** Of the last answer at the address that worked last, milliseconds; null = none yet. */
  rtt_ms: number | null;
  /** Whose word it rests on, without repeats. */
  sources: PeerSource[];
  capabilities: string[];
  /** The peer session that is open with it; absent: none. */
  session?: SessionFacts;
}

/** A connection on which two nodes call each other. @source network.md §1 */
export interface SessionFacts {
  /** `suspect`: nothing was heard for a while. */
  state: "live" | "suspect";
  suite: string;
  /** Calls that began on it, in both directions. */
  calls: number;
  /** Signatures of this node on it, each over all that was said since the one before. */
  seals: number;
}

/** Why an address comes where it does in the order of dialling. @source network.md §4 */
export type PeerReach = "near" | "manual" | "public" | "relay";

/** Everything known about one node, and how. Times are Unix milliseconds. */
export interface PeerExplanation extends PeerRow {
  addresses: {
    host: string;
    port: number;
    source: PeerSource;
    reach: PeerReach;
    /** 0 = never. */
    last_ok: number;
    rtt_ms: number | null;
    failures: number;
  }[];
  /** `expires` null: as long as it is not taken back. */
  evidence: { source: PeerSource; at: number; expires: number | null; detail: string }[];
  /** When its manifest stops being fresh; null when there is none. */
  fresh_until: number | null;
  /** It is not asked again before then; null when it may be. */
  rests_until: number | null;
}

/** A whisper: somebody may be at this address. It is never believed, only looked into. @source network.md §4 */
export interface PeerHint {
  source: PeerSource;
  host: string;
  port: number;
  /** Whom it is said to be; only a signed word may say so, and nobody else is taken there. */
  nodeId?: NodeId;
  /** Milliseconds for which it is worth something; Infinity until it is taken back. */
  ttlMs: number;
  /** For people: where it comes from. */
  detail: string;
  /** IP addresses that may be dialled, when a stranger chose them; all when absent. @source 06 H-11 */
  admits?: (address: string) => boolean;
}

export interface NodeFacts {
  node_id: NodeId;
  short_id: string;
  display_name: string;
  profile: string;
  version: string;
  started_at: Time;
  bus: string;
  admin: string;
  data_dir: string;
  community: { id: CommunityId; name: string; level: TrustLevel } | null;
  as_root: boolean;
  dev_root: boolean;
  /** Takes plugins from an author's session, signed by nobody: the page shows a banner. */
  dev_mode: boolean;
}

/** The one table of known nodes. @source network.md §4 */
export interface Peers {
  list(): PeerRow[];
  /** @throws not_found */
  explain(node: NodeId): PeerExplanation;
  /** Fetches, verifies and remembers. @throws partition | invalid_signature */
  add(endpoint: Endpoint, expected?: NodeId): Promise<PeerRow>;
  remove(node: NodeId): void;
  /** Looked into when its turn comes; bounded, and dropped without a word when there are too many. */
  hint(hint: PeerHint): void;
  /** A signed word of this node has arrived: it lives. No address is learnt from it. */
  heard(node: NodeId): void;
  /** One round over all known peers. */
  refresh(): Promise<void>;
  onChange(listener: () => void): () => void;
}

export type AuditValue = JsonValue;

/** Public faces of the rooms, so that rooms above can be written and tested against them. Each room implements its own. */
import type { EventPage, EventQuery } from "./commons.ts";
import type { ConfinementReport } from "./confinement.ts";
import type { LocalError } from "./errors.ts";
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
  Endpoint,
  Event,
  InviteBlob,
  MemberLevel,
  SyncHeads,
  SyncReply,
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

/** Who stands where; the transport's view of the community. */
export interface StandingLookup {
  communityId(): CommunityId | null;
  standing(node: NodeId): Standing;
}

export interface Community extends StandingLookup {
  name(): string | null;
  policy(): CommunityPolicy | null;
  head(): number;
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
  promote(o: { target: NodeId; level: MemberLevel; coSigners?: { node_id: NodeId; signature: string }[] }): Promise<Event>;
  demote(o: { target: NodeId; level: MemberLevel; coSigners?: { node_id: NodeId; signature: string }[] }): Promise<Event>;
  revoke(o: {
    target: NodeId;
    reason: string;
    coSigners?: { node_id: NodeId; signature: string }[];
    rootKey?: { file: string; passphrase: string };
  }): Promise<Event>;
  leave(): Promise<void>;
  /** Appends one event by this node; durable when it resolves. */
  append(o: { type: string; data: JsonObject; clientId?: string }): Promise<Event>;
  manifest(): Promise<CommunityManifest>;
  heads(): SyncHeads;
  /** Push and pull in one step, as `/sync/v1/events` serves it. `from` is the verified sender; an invitee may push only its own join. */
  exchange(request: SyncRequest, from: NodeId): Promise<SyncReply>;
  /** Pulls and pushes until neither side has more. */
  syncWith(peer: { node_id: NodeId; endpoints: Endpoint[] }, link: PeerLink): Promise<{ received: number; sent: number }>;
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
  /** Machine code in the package, for whoever grants `native`. */
  binaries: PackagedBinary[];
  /** Whether this publisher may be granted `native` on this node. */
  nativeAllowed: boolean;
  licenses: string[];
  /** True when weight ≥ 4 is asked: the operator must type the id. */
  confirmId: boolean;
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

export interface PackagedBinary {
  path: string;
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
}

// ---- host facts that the admin doors show

export interface PeerRow {
  node_id: NodeId;
  display_name: string;
  level: TrustLevel;
  endpoints: Endpoint[];
  online: boolean;
  /** Unix milliseconds; 0 = never. */
  last_seen: number;
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

/** Keeps known peers' manifests fresh; the mesh issue adds discovery. */
export interface Peers {
  list(): PeerRow[];
  /** Fetches, verifies and remembers. @throws partition | invalid_signature */
  add(endpoint: Endpoint, expected?: NodeId): Promise<PeerRow>;
  remove(node: NodeId): void;
  /** One round over all known peers. */
  refresh(): Promise<void>;
  onChange(listener: () => void): () => void;
}

export type AuditValue = JsonValue;

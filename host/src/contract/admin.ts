/**
 * The operator's HTTP API below `/api/v1`, spoken by the page (loopback listener, cookie) and the command line (`<data>/admin.sock`).
 * Shapes only; both ends check them. Bodies are JSON unless said otherwise; errors are `LocalError`. Lists answer `{items}`.
 *
 * | Method and path | In → out | Role |
 * |---|---|---|
 * | GET  /setup/state | → SetupState, with the session of the browser that asks | none |
 * | POST /setup/claim | {token} → {setup_id} | none |
 * | POST /setup/finish | SetupFinish → {next:"/", root_key_file?} + cookie | setup |
 * | POST /login/password | {password} → Session + cookie | none |
 * | GET, DELETE /session | → Session / sign out | viewer |
 * | POST /step-up | {password} → Session | viewer |
 * | GET, DELETE /access/sessions | → {items: SignedInBrowser[]} / every other one ends → {ended} | owner, S to end |
 * | DELETE /access/sessions/:id | → {} | owner S |
 * | GET, PATCH /node | → NodeFacts / {display_name?} | viewer / owner |
 * | GET  /health | → {items: HealthCheck[], confinement: ConfinementReport} | viewer |
 * | GET  /plugins · /plugins/:ns/:name | → {items: PluginItem[]} · PluginDetail | viewer |
 * | POST /plugins/:ns/:name/{enable,disable,restart} | {} → PluginStatus | operator |
 * | PUT  /plugins/:ns/:name/overrides | OverridesBody → PluginStatus | owner S |
 * | DELETE /plugins/:ns/:name?keep_data=30d or no | → {} | owner S |
 * | GET, PUT /plugins/:ns/:name/grants | → {items: Grant[], etag} / {grants: GrantInput[], etag, confirm_id?} | viewer / owner S |
 * | GET, POST, DELETE /plugins/:ns/:name/trial | → {trial: TrialState or null} / {hours} → TrialState / {} | viewer / owner S |
 * | POST /plugins/:ns/:name/trial/accept | {digest, confirm_id?} → {items: Grant[]} | owner S |
 * | GET  /questions · POST /questions/:id/answer · /questions/:id/allow | → {items: Question[]} · {answer: "once" or "deny"} · {} → Question | viewer / operator / owner S |
 * | GET  /roles · PUT /roles/:role | → {items: RoleState[]} · {plugin, instead?} → RoleState | viewer / owner S |
 * | GET  /folders?path= | → FolderList, to choose what `fs.mount` lends | owner |
 * | GET, PUT /plugins/:ns/:name/config | → PluginConfig / {value, secrets, etag} → {result} | operator |
 * | GET  /plugins/:ns/:name/versions | → {items: KeptVersion[]} | viewer |
 * | POST /plugins/:ns/:name/{update,rollback} | UpdateBody / {version?, client_id} → 202 {job_id} | owner S |
 * | GET  /plugins/:ns/:name/logs?before&level&limit | → {items: PluginLogLine[]} | operator |
 * | GET  /plugins/:ns/:name/meters | → {items: MeterSample[]}; then live topic `meters:<id>` | viewer |
 * | GET  /metrics, also from the root | → Prometheus text | viewer |
 * | GET  /catalog?q= · /catalog/:ns/:name | → {items: CatalogItem[], age_seconds} · CatalogDetail | viewer |
 * | GET  /catalog/:ns/:name/review?version= | → PermissionReview | viewer |
 * | POST /installs | InstallBody → 202 {job_id} | owner S |
 * | POST /packages (application/octet-stream) | bytes of a .hnp → {items:[{id, version}]} | owner S |
 * | GET  /jobs · GET, DELETE /jobs/:id | → {items: Job[]} · Job / cancel | viewer / owner |
 * | GET  /capabilities | → {items: CallableCapability[]} | viewer |
 * | POST /try | TryBody → 202 {call_id}; frames on live topic `try:<call_id>` | operator |
 * | DELETE /try/:call_id | cancel | operator |
 * | POST /call | CallBodyIn → {output, meta, provider}, or NDJSON frames with `stream:true` | operator |
 * | GET  /files?q&after&limit | → FilesPage | operator |
 * | POST /uploads?visibility&name&type (application/octet-stream) | bytes → UploadDone | operator |
 * | GET  /files/:cid | → the bytes, as an attachment | operator |
 * | POST /files/:cid/{pin,unpin} · /files/:cid/share · DELETE /files/:cid | {} → {pinned} · {visibility} → {event_id?} · → {deleted, freed_bytes} | operator / owner / owner |
 * | POST /files/fetch | {cid, sources?} → FetchLine as NDJSON | operator |
 * | GET  /community · POST /community/{create,join,leave} | → CommunityFacts / {name, root_passphrase} → {community_id, root_key_file} / {invite} → {community_id, name} / {} | viewer / owner S |
 * | GET  /members · GET, POST /invites | → {items: Member[]} · {items: OpenInvite[]} / InviteBody → {invite_blob, event_id, expires_at} | viewer / owner S |
 * | POST /members/:node_id/{promote,demote,revoke} | {level?} / {level} / {reason} → {event_id} | owner S |
 * | GET, POST /tokens · DELETE /tokens/:id?reason= | → {items: IssuedToken[]} / TokenIssueBody → {token, token_id} once / {event_id} | operator / owner S / owner |
 * | POST /tokens/inspect | {token} → TokenReport | operator |
 * | GET, POST, DELETE /peers · /peers/:node_id | → {items: PeerRow[]} / {host, port, node_id?} → PeerRow / {} | viewer / owner |
 * | GET  /peers/:node_id | → PeerExplanation | viewer |
 * | GET  /calls?capability&node&result&trace_id&after&limit | → {items: CallTrace[]} newest first | operator |
 * | GET  /dht · /dht/values?kind&subject | → DhtStatus · {items: DhtValue[]} | operator |
 * | POST, DELETE /dht/own/:cid | → {stored} / {} | owner |
 * | GET  /audit?limit= | → {items: AuditRow[], chain_ok} | owner |
 * | GET  /ledger?plugin&op&verdict&since&before&after&limit · /ledger/check | → {items: LedgerRow[]} · LedgerCheck | operator |
 * | GET  /ledger/export?since= | → LedgerLine as NDJSON | owner |
 * | POST /setup/reset (operator socket only) | {password?} → {url?} | self |
 * | GET  /live (WebSocket, subprotocol hearthnet-admin.v1) | LiveClient / LiveServer | viewer |
 *
 * **S** = step-up needed: `unauthorized` reason `step_up_required`; the operator socket is always stepped up.
 * @source admin-ui §3
 */
import type { ConfinementReport } from "./confinement.ts";
import type { LocalError } from "./errors.ts";
import type { I18nText, JsonObject, JsonSchema, NodeId, Time } from "./ids.ts";
import type { Grant, PluginManifest, PluginStatus } from "./plugin.ts";
import type { InstallProgress } from "./services.ts";
import type { TrustRequirement } from "./wire.ts";

export type Role = "owner" | "operator" | "viewer";

export interface SetupState {
  set_up: boolean;
  /** Of the browser that asks; null when nobody is signed in there. */
  session: Session | null;
  /** True when a claim is under way and the browser holds its cookie. */
  claimed: boolean;
  /** True when the browser's claim no longer counts because the terminal has made a newer link. */
  replaced: boolean;
  node_id: NodeId;
  short_id: string;
  suggested_name: string;
  confinement: ConfinementReport["label"];
}

export interface SetupFinish {
  password: string;
  display_name: string;
  community: { kind: "create"; name: string; root_passphrase: string } | { kind: "join"; invite: string } | { kind: "later" };
}

export interface Session {
  role: Role;
  /** Unix milliseconds; 0 when not stepped up. */
  step_up_until: number;
  expires_at: number;
}

/** Why a live socket was closed with 4401: a person ended the session, its time was over, or the terminal reset the sign-in. */
export type SessionEnd = "signed_out" | "expired" | "reset";

/** One row of `/access/sessions`; times in Unix milliseconds. */
export interface SignedInBrowser {
  id: string;
  /** `Firefox`, `Linux`; empty where unknown. */
  browser: string;
  system: string;
  created: number;
  last_seen: number;
  /** The one that asks. */
  current: boolean;
}

export interface PluginItem extends PluginStatus {
  /** A newer version in the catalogue; null when there is none. */
  update: string | null;
}

export interface PluginDetail extends PluginItem {
  manifest: PluginManifest;
  grants: Grant[];
  /** How much each permission it asks for weighs, with its scope. */
  weights: Record<string, number>;
  /** Texts that come with the package, by language: `config.<field>.title`, `config.<field>.description`, `warning.<code>`, `hint.<name>`. */
  texts: Record<string, Record<string, string>>;
}

export interface GrantInput {
  permission: string;
  scope?: JsonObject;
  mode: "allow" | "ask" | "deny";
  /** Unix milliseconds; from then on it denies. */
  expires?: number;
}

export interface InstallBody {
  id: string;
  version: string;
  review_digest: string;
  grants: GrantInput[];
  confirm_id?: string;
  /** The catalogue has ended, and the person was told how old it is. */
  use_old_catalogue?: boolean;
  client_id: string;
}

/** A former version that can come back. */
export interface KeptVersion {
  version: string;
  sha256: string;
  /** Unix milliseconds. */
  kept_since: number;
  /** What it was allowed. */
  permissions: string[];
  /** Unix milliseconds: it comes back with the data of then, and what was written since is lost. Null where nothing is. */
  loses_since: number | null;
}

/** Without `grants` the new version gets what the one before was granted; when it asks for more it waits for the operator. */
export interface UpdateBody {
  version?: string;
  review_digest?: string;
  /** `"all"` in the terminal only. */
  grants?: "all" | GrantInput[];
  confirm_id?: string;
  use_old_catalogue?: boolean;
  client_id: string;
}

/** One folder of this machine, as the operator chooses one to lend. */
export interface FolderList {
  /** Whole. */
  path: string;
  parent: string | null;
  /** It can be lent itself. */
  lendable: boolean;
  /** Names of the folders in it, sorted; links are not among them. */
  folders: string[];
  /** There are more than are shown. */
  more: boolean;
}

/** What is left out stays. `unconfined` needs the plugin's id, typed. */
export interface OverridesBody {
  own_process?: boolean;
  unconfined?: boolean;
  confirm_id?: string;
}

export interface Job {
  id: string;
  kind: "install" | "update";
  subject: string;
  state: "running" | "done" | "failed" | "cancelled";
  step: InstallProgress["step"];
  percent: number;
  /** Name of the neighbour whose node gives the bytes at this moment; absent: nobody's. */
  from?: string;
  error?: LocalError;
}

export interface CallableCapability {
  name: string;
  version: string;
  node_id: NodeId;
  node_name: string;
  is_local: boolean;
  plugin_id?: string;
  trust_required: TrustRequirement;
  params: JsonObject;
  streams: boolean;
  /** Known for local ones only. */
  request_schema: JsonSchema | null;
  binary: string[];
  max_body_bytes: number;
  title?: I18nText;
}

export interface TryBody {
  capability: string;
  node?: NodeId;
  params: JsonObject;
  input: JsonObject;
  timeout_ms?: number;
}

export interface CallBodyIn extends TryBody {
  stream?: boolean;
  /** `X.Y`, default `1.0`. */
  version?: string;
}

export interface CommunityFacts {
  community_id: string | null;
  name: string | null;
  head_lamport: number;
  level: string;
  fresh_device_id: string;
}

export interface InviteBody {
  /** NodeID or `hearthnet-id://v1/…` text of the new device. */
  fresh_id: string;
  level: "member" | "trusted";
  /** Short id that the inviter read from the other screen; must match (I-15). */
  confirmed_short_id: string;
}

export interface AuditRow {
  seq: number;
  at: Time;
  actor: string;
  action: string;
  target: string;
  result: string;
}

export type LiveClient =
  /** `since` and `epoch` of the last message heard: what was missed follows, or a snapshot or gap when it cannot. */
  | { op: "sub"; topic: string; since?: number; epoch?: string }
  | { op: "unsub"; topic: string }
  | { op: "ack"; topic: string; seq: number }
  | { op: "pong" };
export type LiveServer =
  | { topic: string; epoch: string; seq: number; kind: "snapshot" | "change" | "gap" | "end"; data: unknown }
  | { op: "ping" }
  | { op: "refused"; topic: string; error: LocalError };

/** Data on `try:<call_id>`: frames, then exactly one `result` or `error`. */
export type TryEvent =
  | { kind: "frame"; event: string; data: JsonObject }
  | { kind: "result"; output: JsonObject; meta: JsonObject; provider: NodeId; trace_id: string }
  | { kind: "error"; error: LocalError };

/** The plugin manifest and what the host knows about an installed plugin. @source plugin-platform §2, §6 */
import type { ConfinementEvidence, ConfinementLabel } from "./confinement.ts";
import type { RouteAuth } from "./doors.ts";
import type { LocalError } from "./errors.ts";
import type { I18nText, JsonObject, JsonSchema, JsonValue } from "./ids.ts";
import type { PermissionName, RoleName } from "./permissions.ts";
import type { TrustRequirement } from "./wire.ts";

export interface PermissionRequest {
  name: PermissionName;
  scope?: JsonObject;
  reason: I18nText;
}

export interface ManifestContribution {
  name: string;
  /** `"X.Y"`. */
  version: string;
  /** Paths of schema files inside the package. */
  request: string;
  response: string | null;
  stream: string | null;
  params?: string;
  binary?: string[];
  maxBodyBytes?: number;
  trust: TrustRequirement;
  idempotent: boolean;
  maxConcurrent: number;
  timeoutSeconds: number;
  multi?: boolean;
  announceMissing?: boolean;
}

/** A program of the package or of an asset, run once for each message. @source plugin-platform §4.4 */
export interface WorkerProgram {
  /** Inside the package, with the mode of a program; or inside the asset. */
  path: string;
  /** Name of the asset that it is in; several: one for each kind of machine. */
  asset?: string | string[];
  /** Before those of the message. */
  args?: string[];
}

/** One of `entry` and `exec`. */
export interface WorkerDeclaration {
  name: string;
  entry?: string;
  exec?: WorkerProgram;
  warm?: number;
  max?: number;
  limits: { memoryMb: number; pids?: number; cpuSeconds?: number; wallMs: number };
}

export interface AssetFile {
  path: string;
  cid: string;
  sha256: string;
  sizeBytes: number;
  sources: string[];
}

export interface AssetDeclaration {
  name: string;
  license: string;
  licenseUrl?: string;
  attribution?: string;
  nonCommercial?: boolean;
  minRamMb?: number;
  platforms?: string[];
  optional?: boolean;
  usedBy?: string[];
  files: AssetFile[];
}

export interface PluginLimits {
  memoryMb?: number;
  cpu?: number;
  pids?: number;
  diskMb?: number;
  egressMbPerHour?: number;
  callsPerMinute?: number;
  callTimeoutMs?: number;
  startTimeoutMs?: number;
  shutdownMs?: number;
  maxBlockMs?: number;
}

/** One address of a plugin on the public port. @source plugin-platform §2.1 */
export interface DeclaredRoute {
  method: string;
  path: string;
  auth: RouteAuth;
  pseudo?: string;
  /** Of a body, or of one message of a WebSocket. */
  maxBodyBytes?: number;
  /** It speaks WebSocket; under one of `protocols`, if any are named. */
  ws?: boolean;
  protocols?: string[];
}

/** `hearthnet.plugin.json`, version 1. @source plugin-platform §2.1 */
export interface PluginManifest {
  $schema?: string;
  manifestVersion: 1;
  id: string;
  version: string;
  kind: "service" | "panel" | "assets";
  tier: { min: "process" | "isolate"; native?: boolean };
  displayName: I18nText;
  description: I18nText;
  license: string;
  homepage?: string;
  repository?: string;
  icon?: string;
  engines: { hearthnet: string };
  platforms: string[];
  entry: { main?: string; panel?: string };
  contributes: {
    capabilities?: ManifestContribution[];
    workers?: WorkerDeclaration[];
    panels?: { id: string; title: I18nText; entry: string; height?: number }[];
    schedules?: { id: string; every?: string; cron?: string; jitter?: number; catchUp?: boolean }[];
    http?: {
      prefix: string;
      routes: DeclaredRoute[];
    }[];
    views?: { name: string; types: string[]; snapshot: boolean }[];
    topics?: { publish?: string[]; subscribe?: string[] };
  };
  permissions: PermissionRequest[];
  optionalPermissions?: PermissionRequest[];
  limits?: PluginLimits;
  config?: { schema: JsonSchema; order?: string[]; secrets?: string[]; migrations?: JsonValue[] };
  assets?: AssetDeclaration[];
  data?: { schemaVersion: number; downgradable: boolean; shared?: boolean; migrations?: JsonValue[] };
  update?: { strategy: "overlap" | "stop-first" };
  dependencies?: Record<string, string>;
  roles?: RoleName[];
}

/** @source plugin-platform §6.1 */
export type PluginState =
  | "available"
  | "downloading"
  | "verifying"
  | "staged"
  | "needs_consent"
  | "needs_config"
  | "starting"
  | "probing"
  | "active"
  | "degraded"
  | "draining"
  | "stopped"
  | "removed"
  | "start_failed"
  | "backoff"
  | "crash_looped"
  | "hung"
  | "over_quota"
  | "quarantined"
  | "incompatible"
  | "blocked_by_policy";

/** `ask`: the operator is asked at each use; `audit`: what it would do is simulated and noted; `deny` beats every other row of that permission. */
export type GrantMode = "allow" | "ask" | "audit" | "deny";

/** One consent row. `scope` may be narrower than asked for. @source plugin-platform §3.4 */
export interface Grant {
  permission: PermissionName;
  scope: JsonObject;
  mode: GrantMode;
  grantedBy: "operator" | "config" | "setup";
  /** Unix milliseconds. */
  at: number;
  /** Unix milliseconds; from then on the row denies. */
  expires?: number;
  /** Whom it was given to, SHA-256 of the publisher's key; the journal fills it in, and the row counts for no other publisher's release. */
  publisherKey?: string;
}

/** A package that `format.verifyPackage` and the marketplace have accepted, unpacked in the store. */
export interface StoredRelease {
  id: string;
  version: string;
  /** SHA-256 of the archive bytes, hex: the release's identity. */
  sha256: string;
  /** Folder with the unpacked, read-only files. */
  dir: string;
  manifest: PluginManifest;
  /** SHA-256 of the publisher key's SPKI, hex. */
  publisherKeyId: string;
  /** True when the embedded root vouches for namespace `hearthnet`. */
  embeddedRoot: boolean;
  /** Asset name → path inside the asset → file in the asset store. */
  assets: Record<string, Record<string, string>>;
}

/** A former release that the operator can go back to. @source plugin-platform §6.4.6 */
export interface KeptRelease {
  release: StoredRelease;
  /** Unix milliseconds. */
  keptSince: number;
  /** The rights it had. */
  grants: Grant[];
  /** Unix milliseconds: it cannot read the data of now, so what was written since then would be lost. Null where nothing would. */
  losesSince: number | null;
}

/** What a running plugin uses, its workers included. */
export interface PluginResources {
  rssMb: number;
  /** Of one processor. */
  cpuPercent: number;
  pids: number;
  /** Its own folder, and what it sent within the hour; null where nothing measures it. */
  diskMb: number | null;
  egressMb: number | null;
  calls: number;
  callsPerMinute: number;
  /** Calls that it works on. */
  queue: number;
  p50Ms: number;
  p99Ms: number;
  /** Faults of the last minute that count against it. */
  strikes: number;
}

/** One second of it. */
export interface MeterSample extends PluginResources {
  /** Unix milliseconds. */
  at: number;
}

/** How full a plugin's data folder is. */
export interface PluginDataUse {
  bytes: number;
  files: number;
  limitBytes: number;
}

/** What the operator sees of one installed plugin. */
/** What the operator has decided against the usual. @source plugin-platform §1.2.4, §1.4 */
export interface PluginOverrides {
  /** It has a process of its own, although an isolate would do. */
  ownProcess: boolean;
  /** It may run although this machine cannot confine it: this version and no other. */
  unconfined: boolean;
}

export interface PluginStatus {
  id: string;
  version: string;
  sha256: string;
  publisherKeyId: string;
  displayName: I18nText;
  description: I18nText;
  kind: PluginManifest["kind"];
  tier: "process" | "isolate";
  overrides: PluginOverrides;
  state: PluginState;
  desired: "enabled" | "disabled";
  label: ConfinementLabel | null;
  evidence: ConfinementEvidence | null;
  /** 1 (harmless) to 6 (riskiest), from granted rights. @source plugin-platform §3.2 */
  rating: number;
  /** `name@X.Y` currently registered. */
  offers: string[];
  /** `METHOD /path` currently open on the public port, or at the operator socket. */
  routes: string[];
  resources: PluginResources | null;
  /** Null without data, and until they were measured. */
  data: PluginDataUse | null;
  /** Why it does not run, with what to do. */
  reason: LocalError | null;
  needsConsent: boolean;
  /** When its trial run is over, Unix milliseconds; null when none goes on. */
  trialUntil: number | null;
}

export interface PluginLogLine {
  seq: number;
  /** Unix milliseconds. */
  at: number;
  level: "debug" | "info" | "warn" | "error";
  source: "plugin" | "stdout" | "stderr" | "host";
  message: string;
}

/** What a plugin can see and do. @source plugin-platform §4.3 */
import type { DatabaseSync } from "node:sqlite";
import type {
  ConfinementLabel,
  Frame,
  Grant,
  JsonObject,
  JsonValue,
  NodeId,
  PermissionName,
  Principal,
  SessionProof,
} from "@hearthnet/host/contract";
import type { HnBytes } from "./bytes.ts";
import type { Fetch, Net, Secrets } from "./network.ts";
import type { Blobs, CommunityFacts, Dht, EventReader, Events, Identity, Pubsub } from "./commons.ts";

/** A capability and at least this version: `trans.text@1` or `trans.text@1.2`. */
export type CapRef = `${string}@${number}` | (string & {});

/** Body of a call. `Uint8Array` and `HnBytes` are welcome where the capability carries bytes. */
export interface Body {
  params?: object;
  input?: object;
}

export interface CallOptions {
  /** Only this node; absent: the router chooses. */
  node?: NodeId;
  timeoutMs?: number;
  signal?: AbortSignal;
  sessionId?: string;
  /**
   * Shown to the node that answers: `hntoken://v1/…` that was issued for this node, or for whoever holds it. Under the plugin's own authority alone
   * (`ctx.call`): what a caller may do is not widened by what the plugin holds. @source 05 §4
   */
  token?: string;
}

export interface StreamOptions extends CallOptions {
  /**
   * Follow the call, no faster than the other side takes them. Bytes are welcome at its pointers `/<event>/<field>`. To a neighbour they need its
   * WebSocket: without it the call fails with `partition`, or `bad_request` reason `upgrade_unsupported`.
   */
  frames?: AsyncIterable<Frame>;
  /** The call makes sense without them, as where they only answer questions: a neighbour that takes none is called all the same. */
  framesOptional?: true;
}

/** Answer of another capability; its binary fields hold `Uint8Array`. */
export interface CallReply {
  output: JsonObject;
  meta: JsonObject;
  /** Node that answered. */
  provider: NodeId;
}

/** Calls other capabilities. @throws HnError with the codes of the bus · permission_denied · AbortError when `signal` fires */
export interface Caller {
  call(capability: CapRef, body: Body, options?: CallOptions): Promise<CallReply>;
  /** Frames in order; the return value is the summary. Leaving the loop cancels. */
  stream(capability: CapRef, body: Body, options?: StreamOptions): AsyncGenerator<Frame, JsonObject, void>;
}

export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** What the operator granted, live, which may be narrower than what was asked for. A denied permission shows here and as `permission_denied`. */
export interface GrantView {
  /** True also where the operator is asked at each use, and in a trial run. */
  has(permission: PermissionName): boolean;
  /** Granted scope; undefined when it is not granted. */
  scope(permission: PermissionName): JsonObject | undefined;
  list(): Grant[];
  /** Called after every change. @returns a function that ends it */
  on(listener: () => void): () => void;
}

export interface CapabilityInstance {
  /** What the router matches against; 03 §1. */
  params?: object;
  maxConcurrent?: number;
}

export interface CapabilityRegistration {
  update(params: object): Promise<void>;
  remove(): Promise<void>;
}

export interface Capabilities {
  /**
   * Offers an instance of a capability that the manifest declares and `definePlugin` handles.
   * @param ref  `name@X.Y` exactly as declared
   * @throws bad_request when it is not declared or not handled · permission_denied without `bus.provide`
   */
  register(ref: string, instance?: CapabilityInstance): Promise<CapabilityRegistration>;
}

export interface KvEntry {
  value: JsonValue;
  /** Counts from 1 with every change of this key. */
  version: number;
}

/** Small values that outlive the process, kept by the host. Needs `storage.kv`. @throws permission_denied | quota_exceeded */
export interface Kv {
  get(key: string): Promise<KvEntry | null>;
  /**
   * @param options.ifVersion  write only if this is the present version; 0: only if the key is not there
   * @returns `written: false` with the present version when `ifVersion` does not fit
   */
  put(key: string, value: JsonValue | object, options?: { ifVersion?: number }): Promise<{ written: boolean; version: number }>;
  /** @returns whether something was deleted */
  delete(key: string, options?: { ifVersion?: number }): Promise<boolean>;
  /** In order of the keys; `next` goes into `after` of the following call and is null at the end. */
  list(options?: { prefix?: string; after?: string; limit?: number }): Promise<{
    items: ({ key: string } & KvEntry)[];
    next: string | null;
  }>;
  /** Adds `by` (default 1) in one step and gives the new value; a missing key counts as 0. */
  increment(key: string, by?: number): Promise<number>;
}

/** Files of the plugin's assets, read-only. */
export interface Assets {
  /** Paths like `tessdata/deu.traineddata.gz`, sorted. @param glob  `*`, `**`, `?`, `{a,b}`; default everything */
  list(glob?: string): Promise<string[]>;
  /** File to open, for `asset` or `asset/file`. @throws not_found when it is not installed */
  path(name: string): string;
  /** Called when an asset has arrived. @returns a function that ends it */
  on(listener: () => void): () => void;
}

export interface WorkOptions {
  bytes?: readonly (HnBytes | Uint8Array)[];
  /** Ends the worker's process at once. */
  signal?: AbortSignal;
  onProgress?: (data: JsonObject) => void;
}

export interface WorkResult {
  /** What the worker answered: JSON that its author knows the shape of. */
  json: unknown;
  bytes: HnBytes[];
}

/** Declared workers: separate, confined processes without data, network or bus. Needs `proc.worker`. @source plugin-platform §4.4 */
export interface Workers {
  /**
   * A worker that is a program takes `{ args }`, at most one piece of bytes, and answers `{ code }` with what it has written.
   * @throws what the worker threw as HnError · internal_error reason worker_crashed · capacity_exceeded · timeout · AbortError · of a program that
   *   is an asset: not_implemented reason program_absent | program_changed | program_platform
   */
  run(name: string, message: object, options?: Omit<WorkOptions, "bytes"> & { bytes?: HnBytes[] }): Promise<WorkResult>;
  run(name: string, message: object, options?: WorkOptions): Promise<WorkResult>;
  /**
   * A worker of your own until you close it: the same process for every message, so it keeps what it has loaded or learnt. It counts among the
   * `max` that run; without a free place it is refused. Its limits hold for each message.
   * @param options.signal  closes it
   * @throws capacity_exceeded slots_full · internal_error worker_crashed · bad_request for a worker that is a program
   */
  open(name: string, options?: { signal?: AbortSignal }): Promise<OpenWorker>;
}

/** A worker process that is held open. */
export interface OpenWorker {
  /**
   * One message after the other. Cancelling one, or a limit that it passes, ends the process and with it what it knew.
   * @throws as `Workers.run` · plugin_gone reason worker_closed
   */
  run(message: object, options?: Omit<WorkOptions, "bytes"> & { bytes?: HnBytes[] }): Promise<WorkResult>;
  run(message: object, options?: WorkOptions): Promise<WorkResult>;
  /** Ends the process, and what runs in it. */
  close(): void;
  /** Fires when the process has ended, whoever ended it. */
  readonly ended: AbortSignal;
}

/** SQLite by `node:sqlite`: synchronous, WAL, foreign keys on. Long work blocks the plugin, so do it in pieces. */
export type Database = DatabaseSync;

export interface Files {
  /** The plugin's own folder, `/data` in the sandbox; null without `fs.data`, and until the data are open: in `setup` there are none yet. */
  readonly dir: string | null;
  /** Folders that the operator has picked, by their names in the manifest. Needs `fs.mount`. */
  readonly mounts: Readonly<Record<string, string>>;
}

/** What this node can count on at the moment, such as `internet`; the plugin with the role `availability` says so. */
export interface Availability {
  /** True for what nobody says is missing. */
  get(flag: string): boolean;
  /**
   * `false` holds for so many seconds, 3600 at most, unless it is said again; a minute after the plugin's end it counts as there. Needs
   * `availability.set` and the role.
   * @throws permission_denied
   */
  set(flag: string, value: boolean, ttlSeconds: number): Promise<void>;
  /** Called after every change. @returns a function that ends it */
  on(listener: () => void): () => void;
}

/** Same object in `setup`, handlers, schedules and `onConfig`. */
export interface Ctx<Config extends object = JsonObject> extends Caller {
  readonly plugin: { readonly id: string; readonly version: string; readonly label: ConfinementLabel };
  /** Valid against the manifest's schema, defaults filled in; the present one on every access. */
  readonly config: Readonly<Config>;
  readonly grants: GrantView;
  /** Fires when the process is about to end. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly capabilities: Capabilities;
  readonly kv: Kv;
  readonly assets: Assets;
  readonly workers: Workers;
  readonly files: Files;
  /**
   * Opens or creates a database in the data folder; the same one for the same name, closed when the plugin stops. Needs `fs.data` and `storage.sqlite`.
   * @param name  of the file: lower case, digits, `.`, `-`, `_`
   * @throws permission_denied · confinement where the operating system does not confine plugins · bad_request before the data are open
   */
  sql(name: string): Promise<Database>;
  /** HTTP through the host. Needs `net.internet`, `net.lan` or `net.loopback` for the host and port. */
  readonly fetch: Fetch;
  readonly net: Net;
  readonly secrets: Secrets;
  readonly identity: Identity;
  readonly events: Events;
  readonly pubsub: Pubsub;
  readonly blobs: Blobs;
  readonly community: CommunityFacts;
  readonly dht: Dht;
  readonly availability: Availability;
  /** Nodes that offer a capability at the moment, this one included. Needs `community.read`. */
  providers(capability: CapRef): Promise<{ node: NodeId; params: JsonObject }[]>;
  readonly health: { report(state: { ok: boolean; detail?: string }): void };
  /** Counters on the operator's page; names are `[a-z][a-z0-9_]*`. */
  readonly metrics: { inc(name: string, labels?: Record<string, string>, by?: number): void };
  /** Tells the operator. Needs `notify`; title ≤ 80, body ≤ 400 characters. */
  notify(notice: { title: string; body?: string }): Promise<void>;
}

/** One call that this plugin answers. `call`, `stream`, `blobs` and `events` run under the caller's rights, those of `ctx` under the plugin's own. */
export interface Req<Params extends object = JsonObject, Input extends object = JsonObject> extends Caller {
  readonly id: string;
  readonly traceId: string;
  /** `name@X.Y` under which it was registered. */
  readonly capability: string;
  /** Fields that carry bytes hold null here; see `binary`. */
  readonly params: Params;
  readonly input: Input;
  readonly caller: Principal;
  readonly sessionId: string | undefined;
  /** Under the caller's right: of the files and events that the plugin may see, those that the caller may see too. */
  readonly blobs: Blobs;
  readonly events: EventReader;
  /** Unix milliseconds. */
  readonly deadline: number;
  /** Fires on cancel, deadline and drain. End within 200 ms of it. */
  readonly signal: AbortSignal;
  /** Bytes at a declared pointer such as `/input/image_b64`; undefined when none were sent. */
  binary(pointer: string): HnBytes | undefined;
  /**
   * What the caller sends after the call, in order; reading sets the pace. Ends with the caller's last frame, at once when nothing follows, and
   * throws when the call is cancelled. May be read once.
   */
  frames(): AsyncIterable<Frame>;
  /** Whole milliseconds since the call arrived. */
  elapsedMs(): number;
  /**
   * Shows any third party that the caller asked for just this, for as long as you keep it: the caller's signature, and the call as it was signed.
   * There is one for calls of neighbours on a peer session that change something (not `idempotent`), up to 64 KiB and without a token; for all
   * others null. Ask while the call runs.
   */
  proof(): Promise<SessionProof | null>;
}

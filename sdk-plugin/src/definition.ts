/** How a plugin and its workers are written down. @source plugin-platform §4.1 */
import type { Frame, JsonObject } from "@hearthnet/host/contract";
import type { HnBytes } from "./bytes.ts";
import type { Message, Roles, View } from "./commons.ts";
import type { Ctx, Req } from "./context.ts";
import type { HttpHandler, PanelMethod, SocketHandler } from "./doors.ts";

/** Shape that `hearthnet plugin types` generates from manifest and schemas. */
export interface Manifest {
  config: object;
  capabilities: Record<string, CapabilityTypes>;
}

export interface CapabilityTypes {
  params: object;
  input: object;
  output: object;
}

/** What an untyped plugin works with. */
export interface AnyManifest extends Manifest {
  config: JsonObject;
  capabilities: Record<string, { params: JsonObject; input: JsonObject; output: object }>;
}

/** `Uint8Array` and `HnBytes` may stand anywhere in it. */
export interface Result<Output extends object = object> {
  output: Output;
  meta?: object;
}

/** Returns one answer, or yields frames and returns the summary. */
export type Handler<T extends CapabilityTypes, Config extends object> = (
  req: Req<T["params"], T["input"]>,
  ctx: Ctx<Config>,
) => Promise<Result<T["output"]>> | AsyncGenerator<Frame, object | void, void>;

/** From which layout of the data to which. `from` is 0 when there is nothing yet. */
export interface DataStep {
  from: number;
  to: number;
}

/** What a migration works with: the data and a log. */
export type DataCtx = Pick<Ctx, "files" | "sql" | "log" | "signal" | "plugin">;

export interface DataDefinition<Config extends object = JsonObject> {
  /**
   * By the manifest's `data.schemaVersion`: brings data of the version before to this one. They run forward, one after the other, on a copy; when one
   * throws, the version before runs on with its own data. Meanwhile the plugin has no rights but its data.
   */
  migrations?: Record<number, (ctx: DataCtx) => Promise<void> | void>;
  /** The data are there, in layout `to` once the migrations have run; after `setup`, at every start, before the first call. */
  open?(step: DataStep, ctx: Ctx<Config>): Promise<void> | void;
}

export interface PluginDefinition<M extends Manifest = AnyManifest> {
  /** Runs once before the first call: register capabilities, load models. There are no data yet. What it throws keeps the plugin from starting. */
  setup?(ctx: Ctx<M["config"]>): Promise<void> | void;
  /** What is done with `/data`. Needs `fs.data`. */
  data?: DataDefinition<M["config"]>;
  /** By `name@X.Y`, exactly the capabilities of the manifest. */
  capabilities?: { [Ref in keyof M["capabilities"]]: Handler<M["capabilities"][Ref], M["config"]> };
  /** By the manifest's schedule id. */
  schedules?: Record<string, (ctx: Ctx<M["config"]>) => Promise<void> | void>;
  /** By the manifest's view name: state that follows from the community's log. */
  views?: Record<string, View>;
  /** By the manifest's pattern, as `chat.message.<recipient>`. One at a time; a slow one loses the oldest. */
  topics?: Record<string, (message: Message, ctx: Ctx<M["config"]>) => Promise<void> | void>;
  /** What others reach through the host where this plugin is assigned the role. */
  roles?: Roles<Ctx<M["config"]>>;
  /** By `METHOD /path`, exactly the routes of `contributes.http` without `ws`. */
  http?: Record<string, HttpHandler<M["config"]>>;
  /** By `GET /path`, exactly the routes of `contributes.http` with `ws`. */
  sockets?: Record<string, SocketHandler<M["config"]>>;
  /** What the panels of the manifest may ask for, by name. */
  panel?: { methods: Record<string, PanelMethod<M["config"]>> };
  /** New settings. `"restart"`, an error or more than 10 s: the plugin is started anew with them. */
  onConfig?(next: Readonly<M["config"]>, previous: Readonly<M["config"]>, ctx: Ctx<M["config"]>): Promise<"applied" | "restart">;
}

/** What `definePlugin` gives: the default export of the entry module. */
export interface Plugin {
  readonly kind: "plugin";
  readonly sdk: number;
}

const PLUGIN = Symbol.for("hearthnet.plugin");
const WORKER = Symbol.for("hearthnet.worker");
/** Raised when a runner could not work with an older definition any more. */
const GENERATION = 1;

/**
 * Describes a plugin; the default export of its entry module. Nothing runs before the host calls `setup`.
 *
 * @example
 * export default definePlugin({
 *   async setup(ctx) {
 *     await ctx.capabilities.register("ext.demo.echo@1.0", { params: {} });
 *   },
 *   capabilities: {
 *     "ext.demo.echo@1.0": async (req) => ({ output: { text: req.input["text"] ?? "" } }),
 *   },
 * });
 */
export function definePlugin<M extends Manifest = AnyManifest>(definition: PluginDefinition<M>): Plugin {
  return brand({ kind: "plugin" as const, sdk: GENERATION }, PLUGIN, definition);
}

export interface WorkContext {
  /** What the parent sent along. */
  bytes: Uint8Array[];
  /** Fires when the work is no longer wanted; shortly after, the process ends. */
  signal: AbortSignal;
  /** Folder of the plugin's assets; null when it has none. */
  assetsDir: string | null;
  /** Reaches the parent's `onProgress`. */
  progress: (data: object) => void;
}

export interface WorkerDefinition {
  /** One message at a time. @returns JSON, and bytes beside it */
  message(
    message: JsonObject,
    work: WorkContext,
  ):
    | Promise<{ json: unknown; bytes?: readonly (Uint8Array | HnBytes)[] }>
    | { json: unknown; bytes?: readonly (Uint8Array | HnBytes)[] };
}

export interface Worker {
  readonly kind: "worker";
  readonly sdk: number;
}

/**
 * Describes a worker process; the default export of its entry module. Use one for whatever strangers sent, and for work that must
 * be stopped at any time.
 *
 * @example
 * export default defineWorker({
 *   async message(message, { bytes, progress }) {
 *     progress({ stage: "counting" });
 *     return { json: { op: message["op"] ?? null, size: bytes[0]?.byteLength ?? 0 } };
 *   },
 * });
 */
export function defineWorker(definition: WorkerDefinition): Worker {
  return brand({ kind: "worker" as const, sdk: GENERATION }, WORKER, definition);
}

/**
 * One frame of a streaming answer.
 *
 * @example
 * async function* count() {
 *   yield frame("progress", { current: 1, total: 2 });
 *   yield frame("progress", { current: 2, total: 2 });
 *   return { pages: 2 };
 * }
 */
export function frame(event: string, data: object): Frame {
  return { event, data: data as JsonObject };
}

/** The definition behind a value of `definePlugin`, from any bundle; undefined for anything else. */
export function pluginDefinition(value: unknown): PluginDefinition | undefined {
  return branded<PluginDefinition>(value, PLUGIN);
}

/** The definition behind a value of `defineWorker`, from any bundle; undefined for anything else. */
export function workerDefinition(value: unknown): WorkerDefinition | undefined {
  return branded<WorkerDefinition>(value, WORKER);
}

function brand<T extends object>(value: T, symbol: symbol, definition: object): T {
  return Object.freeze(Object.defineProperty(value, symbol, { value: definition }));
}

function branded<T>(value: unknown, symbol: symbol): T | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as Record<symbol, unknown>)[symbol] as T | undefined;
}

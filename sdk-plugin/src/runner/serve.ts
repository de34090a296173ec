/** The plugin's side of the conversation, from the greeting to the end. @source plugin-platform §5.2, §6 */
import type { Attachments, FrameChannel } from "@hearthnet/host/format";
import type {
  HostMessage,
  JsonObject,
  JsonValue,
  PluginMessage,
  TopicMessage,
  WorkerHostMessage,
  WorkerMessage,
} from "@hearthnet/host/contract";
import type { Ctx, Log } from "../context.ts";
import type { DataStep, PluginDefinition } from "../definition.ts";
import type { OpenAssets } from "./assets.ts";
import { Calls } from "./calls.ts";
import { createSurface, openLog, type Surface } from "./context.ts";
import { stepsOf, type OpenDatabase } from "./data.ts";
import { CallLink } from "./doors.ts";
import { abortError, describeFailure, stackOf } from "./failure.ts";
import { HostLink } from "./host-link.ts";
import { BrokenPlugin, importEntry, readPlugin, type LoadModule } from "./load.ts";
import { kindOf, split } from "./json.ts";
import { CallRequest } from "./request.ts";
import { viewStep } from "./view-steps.ts";
import { WorkerRole } from "./worker.ts";

type In = HostMessage | WorkerHostMessage;
type Out = PluginMessage | WorkerMessage;
export type Connection = Pick<FrameChannel<In, Out>, "send" | "nextId" | "abort" | "closed" | "flush">;

export interface ServeOptions {
  /** Opens the way to the host. */
  connect: (handlers: { onMessage: (message: In, attachments: Attachments) => void; onClose: () => void }) => Connection;
  openAssets: OpenAssets;
  openDatabase: OpenDatabase;
  /** Imports an entry module by its path in the sandbox. */
  load: LoadModule;
  /** The manifest beside the bundle; null when it cannot be read. */
  manifest: () => Promise<JsonObject | null>;
  /** Ends the process once everything sent has left. */
  exit: (code: number) => void;
}

export interface Served {
  /** For faults outside any call. */
  log: Log;
  /** Reports the fault and ends. */
  fail: (error: unknown) => void;
}

export const PROTOCOL = 1;
export const SDK_VERSION = "0.1.0";
const FEATURES = ["data.open", "availability", "http.socket"];

/** Speaks with one host until it says `stop` or the connection ends. */
export function serve(options: ServeOptions): Served {
  const ending = new AbortController();
  let calls: Calls | undefined;
  let surface: Surface | undefined;
  let definition: PluginDefinition | undefined;
  let worker: WorkerRole | undefined;
  let ended = false;

  const channel = options.connect({ onMessage: receive, onClose: () => end(1) });
  const log = openLog(channel);
  const link = new HostLink(channel);

  function end(code: number): void {
    if (ended) return;
    ended = true;
    ending.abort(abortError("The plugin is being stopped."));
    calls?.cancelAll("the plugin is being stopped");
    worker?.cancelAll();
    link.failAll(abortError("The plugin is being stopped."));
    surface?.data.close();
    channel.flush();
    options.exit(code);
  }

  function fail(error: unknown): void {
    if (ended) return;
    log.error(error instanceof BrokenPlugin ? explain(error) : stackOf(error));
    send({ t: "bye", why: "failed" });
    end(1);
  }

  function send(message: Out): void {
    channel.send(message).catch(() => {});
  }

  function receive(message: In, attachments: Attachments): void {
    switch (message.t) {
      case "hello":
        return send({ t: "hello.ok", protocol: PROTOCOL, sdk: SDK_VERSION, features: FEATURES });
      case "init":
        return void startPlugin(message).catch(fail);
      case "worker.init":
        worker = new WorkerRole({ channel, log, load: options.load, init: message });
        return void worker.start().catch(fail);
      case "call":
      case "role":
      case "http":
      case "panel":
        return calls === undefined
          ? fail(new Error("A call came before the plugin was ready."))
          : calls.receive(message, attachments);
      case "work":
        return worker?.receive(message, attachments);
      case "cancel":
        calls?.cancel(message.id, message.why);
        return worker?.cancel(message.id, message.why);
      case "frame":
      case "frame.end":
        return calls?.frame(message, attachments);
      case "credit":
        // Even ids are calls of the host, odd ones ops of ours.
        return (message.id % 2 === 0 ? calls : link)?.credit(message.id, message.frames ?? 0);
      case "op.ok":
      case "op.err":
      case "op.frame":
        return link.receive(message, attachments);
      case "schedule":
        return void answer(message.id, () => schedule(message.name));
      case "data.open":
        return void answer(message.id, () => openData(message));
      case "event":
        return void answer(message.id, () => view(message, attachments));
      case "topic":
        return void answer(message.id, () => topic(message.pattern, message.message));
      case "config":
        return void answer(message.id, () => configure(message.config));
      case "grants":
        return surface?.grants.replace(message.grants);
      case "assets":
        return surface?.assets.changed();
      case "availability":
        return surface?.availability.replace(message.flags);
      case "ping":
        return send({ t: "pong", n: message.n });
      case "drain":
        return void drain();
      case "stop":
        send({ t: "bye", why: message.why });
        return end(0);
      default:
        // Fields and messages of a later host that this runner did not announce as a feature.
        return;
    }
  }

  async function startPlugin(init: Extract<HostMessage, { t: "init" }>): Promise<void> {
    const [module, manifest] = await Promise.all([importEntry(options.load, init.plugin.entry), options.manifest()]);
    definition = readPlugin(module, { entry: init.plugin.entry, manifest });
    const parts = { init, definition, log, signal: ending.signal };
    const made = createSurface({ ...options, ...parts, link });
    surface = made;
    const boundCtx = (bound: HostLink): Ctx => {
      const { ctx } = createSurface({ ...options, ...parts, link: bound, openAssets: () => made.assets });
      return Object.freeze({ ...ctx, config: made.ctx.config, grants: made.ctx.grants });
    };
    calls = new Calls({
      channel,
      definition,
      ctx: surface.ctx,
      link,
      panelCtx: (live) => boundCtx(new CallLink(channel, link, live)),
      request: (message, attachments, live) => new CallRequest(link, { message, attachments, live }),
      onFault: (detail, fields) => log.error(detail, fields),
    });
    try {
      await definition.setup?.(surface.ctx);
    } catch (cause) {
      throw new BrokenPlugin("setup failed.", { cause });
    }
    if (!ended) await channel.send({ t: "ready", registered: [] });
  }

  /** Migrations have the data and a log, whatever else the plugin may do; the host sees to that as well. */
  async function openData(step: DataStep): Promise<JsonValue> {
    if (surface === undefined) throw new Error("Data came before the plugin was ready.");
    const { ctx, data } = surface;
    const steps = stepsOf(definition?.data, step);
    data.open();
    const { files, signal, plugin } = ctx;
    for (const migrate of steps) await migrate({ files, sql: (name) => ctx.sql(name), log, signal, plugin });
    await definition?.data?.open?.({ from: step.from, to: step.to }, ctx);
    return null;
  }

  async function schedule(name: string): Promise<JsonValue> {
    const run = definition?.schedules?.[name];
    if (run === undefined || surface === undefined) throw new Error(`There is no schedule ${name}.`);
    await run(surface.ctx);
    return null;
  }

  async function view(message: Extract<HostMessage, { t: "event" }>, attachments: Attachments): Promise<unknown> {
    if (definition === undefined) throw new Error("A step of a view came before the plugin was ready.");
    return viewStep(definition, { message, attachments, onFault: (detail) => log.error(detail) });
  }

  async function topic(pattern: string, message: TopicMessage): Promise<JsonValue> {
    const listen = definition?.topics?.[pattern];
    if (listen === undefined || surface === undefined) throw new Error(`Nothing listens to ${pattern}.`);
    await listen(message, surface.ctx);
    return null;
  }

  async function configure(next: JsonObject): Promise<JsonValue> {
    if (definition?.onConfig === undefined || surface === undefined) return "restart";
    const outcome: unknown = await definition.onConfig(next, surface.ctx.config, surface.ctx);
    if (outcome !== "applied" && outcome !== "restart") {
      throw new TypeError(`onConfig must return "applied" or "restart"; it returned ${kindOf(outcome)}.`);
    }
    if (outcome === "applied") surface.setConfig(next);
    return outcome;
  }

  async function answer(id: number, work: () => Promise<unknown>): Promise<void> {
    try {
      const { json, attachments } = split({ value: await work() });
      await channel.send({ t: "ok", id, value: json["value"] ?? null }, attachments);
    } catch (error) {
      const { wire, detail } = describeFailure(error, ending.signal.aborted);
      log.error(detail ?? stackOf(error));
      send({ t: "error", id, ...wire });
    }
  }

  async function drain(): Promise<void> {
    await calls?.drain();
    send({ t: "drained" });
  }

  return { log, fail };
}

function explain(error: BrokenPlugin): string {
  return error.cause === undefined ? error.message : `${error.message} ${stackOf(error.cause)}`;
}

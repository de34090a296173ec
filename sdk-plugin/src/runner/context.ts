/** Builds `ctx` over the link. @source plugin-platform §4.3 */
import type { HostMessage, JsonObject, PluginMessage } from "@hearthnet/host/contract";
import type { Ctx, Kv, Log } from "../context.ts";
import type { PluginDefinition } from "../definition.ts";
import { HnError } from "../error.ts";
import type { AssetFolder, OpenAssets } from "./assets.ts";
import { openAvailability, type LiveAvailability } from "./availability.ts";
import { openBlobs } from "./blobs.ts";
import { openCaller } from "./caller.ts";
import { openData, type DataSide, type OpenDatabase } from "./data.ts";
import { openCommunity, openDht, openEvents, openIdentity, openPubsub } from "./commons.ts";
import { openGrants, type LiveGrants } from "./grants.ts";
import { stackOf } from "./failure.ts";
import type { HostLink, PluginChannel } from "./host-link.ts";
import { fetchOver } from "./net/fetch.ts";
import { openNet } from "./net/open.ts";
import { openWorkers } from "./workers.ts";

export interface Surface {
  ctx: Ctx;
  assets: AssetFolder;
  grants: LiveGrants;
  availability: LiveAvailability;
  data: DataSide;
  /** Takes new settings over once the plugin has. */
  setConfig(config: JsonObject): void;
}

const LOG_MAX = 12_000;

/** Log lines go over the link, so that they carry level and fields. */
export function openLog(channel: PluginChannel): Log {
  const write =
    (level: Extract<PluginMessage, { t: "log" }>["level"]) =>
    (message: string, fields?: object): void => {
      const msg = clip(String(message), LOG_MAX);
      const safe = fields === undefined ? {} : { fields: safeFields(fields) };
      channel.send({ t: "log", level, msg, ...safe }).catch(() => {});
    };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

export function createSurface(o: {
  init: Extract<HostMessage, { t: "init" }>;
  link: HostLink;
  definition: PluginDefinition;
  log: Log;
  signal: AbortSignal;
  openAssets: OpenAssets;
  openDatabase: OpenDatabase;
}): Surface {
  const { init, link, definition, log, signal, openAssets, openDatabase } = o;
  const { plugin } = init;
  let config = freeze(init.config);
  const onFault = (error: unknown): void => log.error(stackOf(error));
  const assets = openAssets(plugin.assetsDir, onFault);
  const grants = openGrants(init.grants, onFault);
  const availability = openAvailability(link, { first: init.availability ?? {}, onFault });
  const data = openData({ facts: plugin, grants, openDatabase });
  /** For reports nobody waits for. */
  const report = (what: string, sent: Promise<unknown>): void =>
    void sent.catch((error: unknown) => {
      if (!signal.aborted) log.warn(`${what} was refused: ${stackOf(error).split("\n")[0] ?? ""}`);
    });
  const ctx: Ctx = {
    plugin: Object.freeze({ id: plugin.id, version: plugin.version, label: plugin.label }),
    get config() {
      return config;
    },
    grants,
    signal,
    log,
    capabilities: {
      async register(ref, instance = {}) {
        if (!Object.hasOwn(definition.capabilities ?? {}, ref)) {
          const known = Object.keys(definition.capabilities ?? {}).join(", ") || "none";
          throw new HnError("bad_request", {
            message: `definePlugin has no handler for ${ref}, so it cannot be registered. Handlers: ${known}.`,
          });
        }
        const { params = {}, maxConcurrent } = instance;
        const { handle } = await link.op("capabilities.register", {
          ref,
          params,
          ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
        });
        return {
          update: async (next) => void (await link.op("capabilities.update", { handle, params: next })),
          remove: async () => void (await link.op("capabilities.remove", { handle })),
        };
      },
    },
    kv: openKv(link),
    assets,
    workers: openWorkers(link),
    files: data.files,
    sql: (name) => data.sql(name),
    fetch: (url, init) => fetchOver(link, url, init),
    net: openNet(link),
    secrets: {
      read: async (name) => (await link.op("secrets.read", { name })).value,
      derive: async (label) => (await link.op("secrets.derive", { label })).key,
    },
    identity: openIdentity(link, { nodeId: plugin.nodeId, communityId: plugin.communityId }),
    events: openEvents(link),
    pubsub: openPubsub(link),
    blobs: openBlobs(link, undefined),
    community: openCommunity(link),
    dht: openDht(link),
    availability,
    providers: async (cap) => (await link.op("providers", { cap })).providers,
    health: { report: (state) => report("health.report", link.op("health.report", { ...state })) },
    metrics: {
      inc: (name, labels, by) =>
        report("metrics.inc", link.op("metrics.inc", { name, ...(labels && { labels }), ...(by === undefined ? {} : { by }) })),
    },
    notify: async (notice) => void (await link.op("notify", { ...notice })),
    ...openCaller(link, undefined),
  };
  return { ctx: Object.freeze(ctx), assets, grants, availability, data, setConfig: (next) => void (config = freeze(next)) };
}

function openKv(link: HostLink): Kv {
  return {
    get: (key) => link.op("kv.get", { key }),
    put: (key, value, options = {}) => link.op("kv.put", { key, value, ...options }),
    delete: async (key, options = {}) => (await link.op("kv.delete", { key, ...options })).deleted,
    list: (options = {}) => link.op("kv.list", options),
    increment: async (key, by = 1) => (await link.op("kv.increment", { key, by })).value,
  };
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`;
}

/** A log line must never be what breaks: what is no JSON is left out. */
function safeFields(fields: object): JsonObject {
  try {
    const text = JSON.stringify(fields);
    return text.length <= LOG_MAX ? (JSON.parse(text) as JsonObject) : { left_out: `${text.length} characters` };
  } catch {
    return { left_out: "fields that are no JSON" };
  }
}

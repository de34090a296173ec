/**
 * Messages on the socket pair between host and plugin process (fd 3). Every message is one frame:
 * `u32be length | u32be headerLength | header JSON | attachment bytes`. Ids: host even, plugin odd, never reused in a connection.
 * @source plugin-platform §5
 */
import type { AnyErrorCode } from "./errors.ts";
import type { ConfinementLabel } from "./confinement.ts";
import type { Grant } from "./plugin.ts";
import type { JsonObject, JsonValue } from "./ids.ts";
import type { Principal } from "./bus.ts";
import type { PlacedEvent, TopicMessage } from "./commons.ts";

/** Bytes that belong at JSON pointer `ptr`, where the header holds null: inline behind the header, or as stream `stream`. */
export type Attachment = { ptr: string; size: number } | { ptr: string; size: number; stream: number };

/** Error as it crosses fd 3 in either direction. */
export interface PluginError {
  error: AnyErrorCode;
  message?: string;
  reason?: string;
  retry_after_ms?: number;
  action?: JsonObject;
}

export interface PluginFacts {
  id: string;
  version: string;
  label: ConfinementLabel;
  /** Path of the bundle to load, as the plugin process sees it. */
  entry: string;
  assetsDir: string | null;
  dataDir: string | null;
  /** Folders that the operator picked, by the names of the manifest, as the plugin process sees them; absent when there are none. */
  mounts?: Record<string, string>;
  nodeId: string;
  communityId: string | null;
}

export interface RegisteredCapability {
  /** `name@X.Y`. */
  ref: string;
  params: JsonObject;
  maxConcurrent?: number;
}

export type HostMessage =
  | { t: "hello"; protocols: number[]; host: string; limits: JsonObject; features: string[] }
  /** `availability`: what is missing at the moment; absent when nothing is. */
  | {
      t: "init";
      plugin: PluginFacts;
      config: JsonObject;
      grants: Grant[];
      dataSchema: number;
      availability?: Record<string, boolean>;
    }
  | {
      t: "call";
      id: number;
      cap: string;
      body: JsonObject;
      caller: Principal;
      trace: string;
      requestId: string;
      deadlineMs: number;
      stream: boolean;
      /** Frames follow under its id until `frame.end`. */
      frames?: true;
      att?: Attachment[];
    }
  /** A call to the role that the plugin holds; answered as a `call` is. */
  | {
      t: "role";
      id: number;
      role: string;
      method: string;
      body: JsonObject;
      caller: Principal;
      trace: string;
      requestId: string;
      deadlineMs: number;
      stream: boolean;
      att?: Attachment[];
    }
  /** A request on a mounted route, `METHOD /path` as declared; `body` holds `json` (`encoded`: its text as bytes, from 256 KiB on), or `bytes`, or nothing. Answered with `result` or `error`; where it opens a WebSocket, with frames as a stream is. */
  | {
      t: "http";
      id: number;
      route: string;
      /** A WebSocket under this subprotocol, if any. What the client sends follows under its id until `frame.end`, both ways as `socketFrame` says. */
      socket?: { protocol: string | null };
      path: string;
      params: Record<string, string>;
      query: Record<string, string>;
      headers: Record<string, string>;
      body: JsonObject;
      caller: Principal | null;
      trace: string;
      requestId: string;
      deadlineMs: number;
      att?: Attachment[];
    }
  /** A wish of one of its panels. Answered with `result`, whose output is `{value}`, or `error`. */
  | { t: "panel"; id: number; panel: string; method: string; input: JsonValue; trace: string; deadlineMs: number }
  /** Frames towards a call or role that works on them; the plugin gives `credit`. */
  | { t: "frame"; id: number; event: string; data: JsonObject; att?: Attachment[] }
  | { t: "frame.end"; id: number }
  /** One step of a view. `apply` brings events in log order; `cursor` counts those that it has then, and the answer acknowledges it. */
  | { t: "event"; id: number; view: string; step: "reset" | "snapshot" }
  | { t: "event"; id: number; view: string; step: "restore"; state: JsonValue; att?: Attachment[] }
  | { t: "event"; id: number; view: string; step: "apply"; events: PlacedEvent[]; cursor: number }
  | { t: "topic"; id: number; pattern: string; message: TopicMessage }
  | { t: "cancel"; id: number; why: string }
  | { t: "op.ok"; id: number; value: JsonValue; att?: Attachment[] }
  | ({ t: "op.err"; id: number } & PluginError)
  | { t: "op.frame"; id: number; event: string; data: JsonObject; att?: Attachment[] }
  | { t: "schedule"; id: number; name: string }
  /** The data folder is there, laid out as version `from`, 0 for nothing; sent to runners that announce the feature of that name. */
  | { t: "data.open"; id: number; from: number; to: number }
  | { t: "config"; id: number; config: JsonObject }
  | { t: "grants"; grants: Grant[] }
  | { t: "assets" }
  /** What is missing from now on, `false` each; sent to runners that announce the feature of that name. */
  | { t: "availability"; flags: Record<string, boolean> }
  | { t: "credit"; id: number; frames?: number; bytes?: number }
  | { t: "chunk"; stream: number; seq: number; size: number }
  | { t: "chunk.end"; stream: number; ok: boolean }
  | { t: "ping"; n: number }
  | { t: "drain"; deadlineMs: number }
  | { t: "stop"; why: string };

export type PluginMessage =
  | { t: "hello.ok"; protocol: number; sdk: string; features: string[] }
  | { t: "ready"; registered: RegisteredCapability[] }
  | { t: "result"; id: number; output: JsonObject; meta: JsonObject; att?: Attachment[] }
  /** Of an answer, under the call's id; or towards an op that takes frames, under the op's. */
  | { t: "frame"; id: number; event: string; data: JsonObject; att?: Attachment[] }
  | { t: "frame.end"; id: number }
  | { t: "done"; id: number; data: JsonObject }
  | ({ t: "error"; id: number } & PluginError)
  /** Answer to `schedule`, `data.open`, `config`, `event` and `topic`. */
  | { t: "ok"; id: number; value: JsonValue; att?: Attachment[] }
  | { t: "cancel"; id: number; why: string }
  /** `op` is an SDK method such as `kv.put`; `parent` is the live call under whose caller it runs. */
  | { t: "op"; id: number; op: string; args: JsonObject; parent?: number; att?: Attachment[] }
  | { t: "credit"; id: number; frames?: number; bytes?: number }
  | { t: "chunk"; stream: number; seq: number; size: number }
  | { t: "chunk.end"; stream: number; ok: boolean }
  | { t: "pong"; n: number }
  | { t: "log"; level: "debug" | "info" | "warn" | "error"; msg: string; fields?: JsonObject }
  | { t: "drained" }
  | { t: "bye"; why: string };

/**
 * Between host and a worker process (§4.4) the same frames are used with these messages; a worker has no `op`.
 */
export type WorkerHostMessage =
  | { t: "hello"; protocols: number[]; host: string; limits: JsonObject; features: string[] }
  | { t: "worker.init"; entry: string; assetsDir: string | null }
  | { t: "work"; id: number; msg: JsonObject; att?: Attachment[] }
  | { t: "cancel"; id: number; why: string }
  | { t: "credit"; id: number; frames?: number; bytes?: number }
  | { t: "chunk"; stream: number; seq: number; size: number }
  | { t: "chunk.end"; stream: number; ok: boolean }
  | { t: "ping"; n: number }
  | { t: "stop"; why: string };

export type WorkerMessage =
  | { t: "hello.ok"; protocol: number; sdk: string; features: string[] }
  | { t: "ready"; registered: [] }
  | { t: "work.ok"; id: number; json: JsonValue; att?: Attachment[] }
  | ({ t: "error"; id: number } & PluginError)
  | { t: "progress"; id: number; data: JsonObject }
  | { t: "credit"; id: number; frames?: number; bytes?: number }
  | { t: "chunk"; stream: number; seq: number; size: number }
  | { t: "chunk.end"; stream: number; ok: boolean }
  | { t: "pong"; n: number }
  | { t: "log"; level: "debug" | "info" | "warn" | "error"; msg: string; fields?: JsonObject }
  | { t: "bye"; why: string };

/** Ops a plugin may ask for in this release, and the permission each one needs (`null`: none). Anything else is denied. */
export const PLUGIN_OPS = {
  "capabilities.register": "bus.provide",
  "capabilities.update": "bus.provide",
  "capabilities.remove": "bus.provide",
  "bus.call": "bus.call",
  "bus.stream": "bus.call",
  "kv.get": "storage.kv",
  "kv.put": "storage.kv",
  "kv.delete": "storage.kv",
  "kv.list": "storage.kv",
  "kv.increment": "storage.kv",
  "workers.run": "proc.worker",
  "workers.open": "proc.worker",
  "health.report": null,
  "metrics.inc": null,
  notify: "notify",
  /** `null`: which of `net.internet`, `net.lan` and `net.loopback` it needs is known when the address is. */
  "net.fetch": null,
  "net.connect": null,
  "net.websocket": null,
  "net.udp": "net.udp",
  /** To what one of these has opened. */
  "net.write": null,
  "net.end": null,
  "secrets.read": "secret.read",
  "secrets.derive": "secret.derive",
  "events.append": "events.append",
  "events.query": "events.read",
  "events.push": "events.push",
  "pubsub.publish": "pubsub.publish",
  "community.members": "community.read",
  "community.policy": "community.read",
  providers: "community.read",
  "identity.signPlugin": "identity.sign",
  "identity.signDoc": "identity.sign",
  "identity.dh": "identity.dh",
  /** Of a call that the plugin has already; and what others show is theirs to show. */
  "identity.proof": null,
  "identity.readProof": null,
  "availability.set": "availability.set",
  "dht.findCommunity": "dht.find",
  "dht.findSources": "dht.find",
  "dht.advertiseCid": "dht.advertise",
  "dht.withdrawCid": "dht.advertise",
  "blobs.stat": "blobs.read",
  "blobs.open": "blobs.read",
  "blobs.fetch": "blobs.read",
  "blobs.put": "blobs.write",
} as const;

export type PluginOp = keyof typeof PLUGIN_OPS;

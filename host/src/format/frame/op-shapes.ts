/** What `op` messages carry: arguments and answers by name. Bytes stand as `Uint8Array` here and travel as attachments. @source plugin-platform §4.3, §5.2 */
import type {
  Cid,
  CommunityId,
  DhtEndpoint,
  EventQuery,
  JsonObject,
  JsonValue,
  NodeId,
  ProvenCall,
  SessionProof,
  Signature,
  Visibility,
} from "../../contract/index.ts";

type Call = {
  /** `name@major` or `name@X.Y`. */
  cap: string;
  body: { params?: JsonObject; input?: JsonObject };
  node?: NodeId;
  timeoutMs?: number;
  sessionId?: string;
  /** Under the plugin's own authority alone. */
  token?: string;
};
type Empty = Record<string, never>;

/**
 * `op.frame` messages come before the `op.ok` of `bus.stream` (frames) and `workers.run` (event `progress`); the plugin gives `credit`
 * `{id, frames}` back for every 8 of them. `kv` versions count from 1; `ifVersion: 0` means "only if it is not there".
 */
export interface OpShapes {
  "capabilities.register": { args: { ref: string; params: JsonObject; maxConcurrent?: number }; value: { handle: number } };
  "capabilities.update": { args: { handle: number; params: JsonObject }; value: Empty };
  "capabilities.remove": { args: { handle: number }; value: Empty };
  "bus.call": { args: Call; value: { output: JsonObject; meta: JsonObject; provider: NodeId } };
  "bus.stream": { args: Call; value: JsonObject };
  "kv.get": { args: { key: string }; value: { value: JsonValue; version: number } | null };
  /** Refused with `{written: false}` when `ifVersion` does not fit; `version` is then the present one, 0 if there is none. */
  "kv.put": { args: { key: string; value: JsonValue; ifVersion?: number }; value: { written: boolean; version: number } };
  "kv.delete": { args: { key: string; ifVersion?: number }; value: { deleted: boolean } };
  /** In order of the key's UTF-8 bytes; `after` continues behind a key; `next` is null at the end. */
  "kv.list": {
    args: { prefix?: string; after?: string; limit?: number };
    value: { items: { key: string; value: JsonValue; version: number }[]; next: string | null };
  };
  "kv.increment": { args: { key: string; by?: number }; value: { value: number } };
  /** `handle`: of a worker that is held open; otherwise any that is free. */
  "workers.run": {
    args: { name: string; msg: JsonObject; bytes: Uint8Array[]; handle?: number };
    value: { json: JsonValue; bytes: Uint8Array[] };
  };
  /** Frame `open {handle}`; then it goes on until it is withdrawn, or its process ends. */
  "workers.open": { args: { name: string }; value: Empty };
  "health.report": { args: { ok: boolean; detail?: string }; value: Empty };
  "metrics.inc": { args: { name: string; by?: number; labels?: Record<string, string> }; value: Empty };
  /** Frames `open {handle}` with `upload`, `head {status, headers, url, redirected}`, `data {bytes}`. */
  "net.fetch": {
    args: {
      url: string;
      method?: string;
      headers?: [string, string][];
      body?: Uint8Array;
      /** More than 1 MiB, or of unknown size: it follows with `net.write`. */
      upload?: boolean;
      uploadBytes?: number;
      secrets?: { header: string; secret: string; prefix?: string }[];
      redirect?: "follow" | "manual" | "error";
      timeoutMs?: number;
    };
    value: { bytes: number };
  };
  /** Frames `open {handle}`, `data {bytes}`. */
  "net.connect": { args: { host: string; port: number; tls: boolean }; value: Empty };
  /** Frames `open {handle, protocol}`, `message {bytes, text}`. */
  "net.websocket": {
    args: {
      url: string;
      protocols?: string[];
      headers?: [string, string][];
      secrets?: { header: string; secret: string; prefix?: string }[];
    };
    value: { code: number; reason: string };
  };
  /** Frames `open {handle}`, `datagram {bytes, host, port}`. */
  "net.udp": { args: { ipv6?: boolean }; value: Empty };
  /** Answered when the bytes were taken. `host` and `port` with datagrams alone. */
  "net.write": { args: { handle: number; bytes: Uint8Array; text?: boolean; host?: string; port?: number }; value: Empty };
  "net.end": { args: { handle: number; code?: number; reason?: string }; value: Empty };
  "secrets.read": { args: { name: string }; value: { value: string } };
  "secrets.derive": { args: { label: string }; value: { key: Uint8Array } };
  notify: { args: { title: string; body?: string }; value: Empty };
  /** The same `clientId` gives the same event, also after a restart. */
  "events.append": { args: { type: string; data: JsonObject; clientId: string }; value: { event_id: string; lamport: number } };
  /** In `op.frame` messages `events` with `{events: [{event, level}]}`, in log order. */
  "events.query": { args: Partial<Omit<EventQuery, "limit">> & { limit?: number }; value: Empty };
  "events.push": { args: { id: string; to: NodeId }; value: { delivered: "direct" | "offline" } };
  "pubsub.publish": { args: { topic: string; data: JsonValue }; value: Empty };
  "community.members": { args: Empty; value: { members: JsonObject[] } };
  "community.policy": { args: Empty; value: { policy: JsonObject } };
  providers: { args: { cap: string }; value: { providers: { node: NodeId; params: JsonObject }[] } };
  "identity.signPlugin": { args: { payload: JsonObject }; value: { signature: Signature } };
  "identity.signDoc": { args: { type: string; doc: JsonObject }; value: { signature: Signature } };
  "identity.dh": { args: { peer: string }; value: { shared: Uint8Array } };
  /** Of the call that the op belongs to; null when nothing shows others who made it. */
  "identity.proof": { args: Empty; value: { proof: SessionProof | null } };
  /** Null for what does not hold. */
  "identity.readProof": { args: { proof: JsonObject }; value: { call: ProvenCall | null } };
  /** `false` holds for so long, unless it is said again; needs the role `availability`. */
  "availability.set": { args: { flag: string; value: boolean; ttlSeconds: number }; value: Empty };
  "dht.findCommunity": { args: { id: CommunityId }; value: { endpoints: DhtEndpoint[] } };
  "dht.findSources": { args: { cid: Cid }; value: { sources: NodeId[] } };
  "dht.advertiseCid": { args: { cid: Cid }; value: Empty };
  "dht.withdrawCid": { args: { cid: Cid }; value: Empty };
  "blobs.stat": { args: { cid: Cid }; value: JsonObject };
  /** `op.frame` messages: `head` with what `blobs.stat` gives, then `data` with `{bytes}`, 256 KiB at most each. */
  "blobs.open": { args: { cid: Cid }; value: Empty };
  "blobs.fetch": { args: { cid: Cid; sources?: NodeId[] }; value: JsonObject };
  /** With `stream`, the bytes follow as `frame` messages `data` with `{bytes}` under the op's id, and `frame.end`. */
  "blobs.put": {
    args: { visibility: Visibility; mime?: string; meta?: JsonObject; data?: Uint8Array; stream?: boolean };
    value: { cid: Cid };
  };
}

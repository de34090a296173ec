/** What a test asks of the host, and what it gets. @source plugin-platform §4.7 */
import type {
  ConfinementLabel,
  Event,
  Frame,
  Grant,
  JsonObject,
  JsonValue,
  PermissionName,
  PlacedEvent,
  PluginLogLine,
  PluginManifest,
  PluginStatus,
  RouteAnswer,
  SocketEnd,
  TrustLevel,
} from "@hearthnet/host/contract";
import type { FakeClock } from "./fake-clock.ts";
import type { Mode } from "./modes.ts";
import type { TestNetwork } from "./network.ts";
import type { Stub } from "./stubs.ts";

export interface TestHostOptions {
  /** Folder with `hearthnet.plugin.json`; default the working folder. */
  dir?: string;
  /** Takes the place of the manifest in the folder, for other limits or rights. */
  manifest?: PluginManifest;
  /** Default `confined`. What `hearthnet plugin test` asks for outweighs it. */
  mode?: Mode;
  /** What the operator grants; default everything the manifest asks for. */
  grants?: "manifest" | Grant[];
  config?: JsonObject;
  /** By JSON pointer, such as `/key`; with `config`. */
  secrets?: Readonly<Record<string, string>>;
  /** What answers the plugin's requests; without it only what listens on this machine's loopback, with the right for it. */
  network?: TestNetwork;
  /** Of the host; default the machine's. */
  clock?: FakeClock;
  /**
   * The community that the node belongs to, with a log of its own: `true` has it founded by the node, `{ level }` by somebody else who has invited it. Default:
   * one where the manifest asks for `events.*`, `community.*` or `identity.*`.
   */
  community?: boolean | { level?: "member" | "trusted" | "anchor" };
  /**
   * Has the node take part in a DHT of real nodes in memory; default none, as on a node whose operator has not switched it on. `advertise: false`:
   * plugins may find, and not say what is here.
   */
  dht?: boolean | { advertise?: boolean };
  /** By `name@X.Y`: what answers the plugin's own calls. */
  capabilities?: Readonly<Record<string, Stub>>;
  /** Folders of other plugins of the same node, with all rights they ask for: such as the one that keeps the files. They start before it. */
  beside?: readonly string[];
}

/** Another version of the plugin under test. */
export interface UpdateOptions {
  /** Folder of that version, with a manifest of its own. */
  dir: string;
  /** Default everything that its manifest asks for. */
  grants?: "manifest" | Grant[];
}

export interface CallAs {
  /** Default `member`; `self` is the node's operator, a neighbour of `host.community` somebody in particular. */
  as?: TrustLevel | "self" | { nodeId: string };
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface StreamAs extends CallAs {
  /** Follow the call, as the plugin reads them with `req.frames()`. */
  frames?: AsyncIterable<Frame>;
}

/** `Uint8Array` may stand where the capability carries bytes. */
export interface CallInput {
  params?: object;
  input?: object;
}

/** A request on a route that the plugin has mounted. */
export interface HttpAsk extends CallAs {
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** A JSON body, or one of bytes. */
  json?: JsonObject;
  bytes?: Uint8Array;
}

/** A WebSocket on a route of the plugin. */
export interface SocketAsk extends Omit<CallAs, "timeoutMs"> {
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Default the first that the route names. */
  protocol?: string;
}

export interface TestSocket {
  send(message: string | Uint8Array): void;
  /** What the plugin sends next; undefined once it has ended. @throws Error when nothing comes for 5 s */
  next(): Promise<string | Uint8Array | undefined>;
  /** Closes as a client does; resolves when the plugin has ended it too. */
  close(): Promise<SocketEnd>;
  /** The connection is gone, without a word. */
  leave(): void;
  /** How the plugin has closed it. Rejects with what it, or the node, reports. */
  readonly closed: Promise<SocketEnd>;
}

/** The community around the plugin: each has a log of their own, under the rules of the protocol. */
export interface TestCommunity {
  readonly id: string;
  /** The node that the plugin runs on. */
  readonly nodeId: string;
  /** What stands in the node's log, in its order. @param types  exact, or all below `chat.*` */
  events(types: readonly string[]): PlacedEvent[];
  /** An event that the node writes beside the plugin, as its operator or another plugin would. */
  append(type: string, data: JsonObject): Promise<Event>;
  /** Somebody new, who joins at once. @throws HnError unauthorized where the node may not invite */
  neighbour(name: string, options?: { level?: "member" | "trusted" }): Promise<TestNeighbour>;
}

export interface TestNeighbour {
  readonly nodeId: string;
  readonly name: string;
  /** Writes an event; the node has it at once, unless it is `offline()`. */
  append(type: string, data: JsonObject): Promise<Event>;
  /** Both logs become equal, as when two nodes meet. @throws HnError partition while the node is `offline()` */
  meet(): Promise<void>;
  /** What has reached this neighbour: by `events.push`, or when they met. */
  received(types: readonly string[]): PlacedEvent[];
  /** Leaves the community. */
  leave(): Promise<void>;
  /** The node takes the neighbour's membership away. @throws HnError unauthorized where it may not */
  revoke(): Promise<void>;
}

/** The DHT around the plugin. */
export interface TestDht {
  /** What the node says that it holds at the moment. */
  readonly advertised: string[];
  /** Somebody elsewhere says that they hold it. @returns their node id */
  holder(cid: string): Promise<string>;
  /** Somebody elsewhere says that they are an anchor of that community, and where. @returns their node id */
  anchor(communityId: string, endpoint: { host: string; port: number }): Promise<string>;
  /** Who is said to hold it, as somebody else hears. */
  sources(cid: string): Promise<string[]>;
}

export interface TestStream extends AsyncGenerator<Frame, JsonObject, void> {
  /** Leaves the stream. Resolves when the plugin has let go of the call, or the host of the plugin. */
  cancel(): Promise<void>;
}

export interface TestHost {
  readonly manifest: PluginManifest;
  mode: Mode;
  /** @throws Error where the node belongs to none; see the option of that name */
  readonly community: TestCommunity;
  /** @throws Error where the node takes no part in it; see the option of that name */
  readonly dht: TestDht;
  /** What the process really runs under: `seat-belt` where bubblewrap is missing, `none` in the test's own process. */
  label(): ConfinementLabel | null;
  status(): PluginStatus;
  /** @param ref  `name@X.Y` @throws HnError as a caller on the bus gets it */
  call(ref: string, body: CallInput, options?: CallAs): Promise<{ output: JsonObject; meta: JsonObject }>;
  /**
   * A request as the node hands it over once its sender is proven; on `public` and `bearer` routes it is nobody's.
   * @param address  `METHOD /path`
   * @throws HnError not_found when no such route is open · what the plugin answers with
   */
  http(address: string, options?: HttpAsk): Promise<RouteAnswer>;
  /**
   * A WebSocket as the node hands it over once its client is proven; on `public` and `bearer` routes it is nobody's.
   * @param path  of a route with `ws`
   * @throws HnError not_found when no such route is open
   */
  socket(path: string, options?: SocketAsk): TestSocket;
  /** What a panel asks for. @throws HnError as the panel gets it */
  panel(panel: string, method: string, input?: JsonValue): Promise<JsonValue>;
  /** Leaving the loop cancels. */
  stream(ref: string, body: CallInput, options?: StreamAs): TestStream;
  /** Calls that the plugin has not ended yet, those included whose callers have left. */
  inFlight(): number;
  /** Worker processes at work or in waiting. */
  workers(): { name: string; pid: number }[];
  /** What the operator has allowed at this moment. */
  grants(): Grant[];
  revoke(permission: PermissionName): Promise<void>;
  /** Gives back what was revoked. */
  grant(permission: PermissionName): Promise<void>;
  /** The plugin's settings, as the operator has set them. */
  config(): JsonObject;
  configure(value: JsonObject): Promise<"applied" | "restart" | "restored">;
  /** Schema of the request of something it offers; null for what it does not. */
  requestSchema(ref: string): JsonObject | null;
  /** Newest last. */
  logs(): PluginLogLine[];
  /**
   * Ends the plugin without warning; resolves when the host knows. It is started again. In its test's process only its link breaks.
   * @throws Error for a plugin without a process
   */
  kill9(): Promise<void>;
  /** Nothing passes between host and plugin for that long on the host's clock; nothing is lost. */
  stallFd3(ms: number): void;
  /**
   * The plugin's store is full from now on: every further `kv.put` is refused with `quota_exceeded`, what lies there can be read.
   * @throws Error for a plugin without `storage.kv`; files below /data are not limited here
   */
  fillDisk(): Promise<void>;
  /**
   * Nobody else can be reached from now on: what stands in for other capabilities answers `partition`, as a neighbour's node would, and no log is exchanged.
   * @returns the way back
   */
  offline(): () => void;
  restart(): Promise<PluginStatus>;
  /**
   * Another version follows this one as on a node: it starts beside it, its data are brought to its layout on a copy, it takes over. `manifest` is then its own.
   * @throws HnError reason start_failed | probe_failed | migration_failed; this version then runs on with its own data
   */
  update(options: UpdateOptions): Promise<PluginStatus>;
  close(): Promise<void>;
}

import { randomBytes } from "node:crypto";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import type { InjectOptions, LightMyRequestResponse } from "fastify";
import { createUlidFactory, HnError } from "../foundation/index.ts";
import type { Signer, TlsIdentity } from "../identity/index.ts";
import type {
  Bus,
  Clock,
  Doors,
  Log,
  NodeId,
  NodeManifest,
  PackageShelf,
  Random,
  TokenDesk,
  TopicGuard,
  Topics,
} from "../contract/index.ts";
import { Answerer } from "./http/answer.ts";
import { BodyBudget } from "./http/body.ts";
import type { DhtDesk } from "./http/dht-route.ts";
import type { CommunityDoor, Room } from "./http/room.ts";
import { createServer, PATIENCE, type Patience } from "./http/server.ts";
import { switchUpgrades } from "./http/upgrade.ts";
import { upgradeTable } from "./http/upgrade-table.ts";
import type { Gate } from "./inbound/gate.ts";
import { TokenWatch } from "./inbound/token-watch.ts";
import { Visits } from "./inbound/visits.ts";
import { AddressGuard } from "./limits/address-guard.ts";
import { readBootId } from "./limits/boot-id.ts";
import { CallerRates, DEFAULT_RATES, type Rates } from "./limits/caller-rates.ts";
import { CONNECTION_LIMITS, Connections, type ConnectionLimits } from "./limits/connections.ts";
import { UPLOAD_LIMITS, Uploads, type UploadLimits } from "./limits/uploads.ts";
import { ReplayCache } from "./limits/replay-cache.ts";
import { mountedSockets } from "./mounts/sockets.ts";
import type { MountTable } from "./mounts/table.ts";
import { Desk, NOBODY_MORE } from "./pubsub/desk.ts";
import { Sockets } from "./websocket/sockets.ts";
import { peerDoor } from "./session/accept.ts";
import type { PeerSessions } from "./session/sessions.ts";

const QUEUED_BYTES_MAX = 268_435_456;
const DRAIN_MS = 5000;
/** What a revoked node's connection has to carry its last answer. @source network.md §2.1 */
const FAREWELL_MS = 500;

const SILENCE: Topics = {
  publish: () => undefined,
  receive: () => undefined,
  subscribe: () => () => undefined,
  since: () => ({ epoch: "0", messages: [], last_seq: 0 }),
};

export interface ListenerOptions {
  signer: Signer;
  tls: TlsIdentity;
  bus: Bus;
  community: CommunityDoor;
  /** This node's manifest, current and signed; asked for on every `GET /manifest`. */
  manifest: (contract: "1.0" | "2.0") => NodeManifest | Promise<NodeManifest>;
  ready: () => boolean;
  /** What is published on this node; absent: nothing. */
  topics?: Topics;
  /** Who may hear what only a plugin knows of; nobody by default. */
  topicGuard?: TopicGuard;
  /** Routes of plugins; absent: none. */
  mounts?: MountTable;
  /** Answers questions of the DHT; absent or undefined: this node takes no part in it. */
  dht?: () => DhtDesk | undefined;
  /** What members may fetch of packages; absent or undefined: nothing. */
  packages?: () => PackageShelf | undefined;
  /** Checks capability tokens; absent: none is taken. */
  tokens?: TokenDesk;
  clock: Clock;
  random?: Random;
  log: Log;
  /** The node's data folder; the record of received requests lies below it in `replay/`. */
  dataDir: string;
  /** Address to listen on; default all. */
  host?: string;
  /** 0: the system chooses; null: no socket at all, requests come through `inject` (a simulation). */
  port: number | null;
  /** The node's key was made in this run. @source 02 T-2 */
  firstStart?: boolean;
  featuresOf?: (node: NodeId) => readonly string[];
  /** Of the link; absent: this node has no peer sessions. */
  sessions?: PeerSessions;
  /** The node's figures as Prometheus text, for trusted members; absent: none. @source 02 T-7 */
  metrics?: () => Promise<string>;
  /** A request was turned away before the bus; `hard_limit`: without an answer. */
  onRefused?: (refusal: { code: string; reason: string | undefined; capability: string }) => void;
  /** A request has come whose signature proves that this node lives. */
  onProven?: (node: NodeId) => void;
  /** The operator's own rates (bench, LAN). @source 02 T-12 */
  rates?: Partial<Rates> & { perAddress?: number };
  connections?: Partial<ConnectionLimits>;
  uploads?: Partial<UploadLimits>;
  patience?: Partial<Patience>;
  bootId?: string;
}

export interface Listener extends Doors {
  host: string;
  port: number;
  /** `https://host:port`, for people and tests on this machine. */
  url: string;
  /** Handles a request that came by no socket. */
  inject(request: InjectOptions): Promise<LightMyRequestResponse>;
  /** How many neighbours listen to how many topics at this moment. */
  subscriptions(): number;
  /** Takes no more calls, lets running ones end for up to 5 s, then cuts. Asking again changes nothing. */
  close(o?: { drainMs?: number }): Promise<void>;
}

/**
 * Opens the node's public port.
 * @throws the system's own error when the port cannot be taken (`EADDRINUSE`, `EACCES`)
 * @source 02
 */
export async function openListener(o: ListenerOptions): Promise<Listener> {
  const rates = { ...DEFAULT_RATES, ...o.rates };
  const replays = new ReplayCache({
    folder: join(o.dataDir, "replay"),
    clock: o.clock,
    log: o.log,
    bootId: o.bootId ?? readBootId(o.clock.now()),
    perSecond: rates.softTotal,
    firstStart: o.firstStart ?? false,
  });
  const gate: Gate = {
    nodeId: o.signer.nodeId,
    clock: o.clock,
    standing: o.community,
    addresses: new AddressGuard(o.rates?.perAddress === undefined ? {} : { perSecond: o.rates.perAddress }),
    replays,
    rates: new CallerRates(rates),
    tokens: o.tokens,
    isIdempotent: (capability) => isIdempotent(o.bus, capability),
    featuresOf: o.featuresOf ?? ((): string[] => []),
    onProven: o.onProven ?? ((): undefined => undefined),
  };
  const limits = { ...CONNECTION_LIMITS, ...o.connections };
  const connections = new Connections(limits);
  const visits = new Visits();
  const newId = createUlidFactory(o.clock, o.random ?? ((n) => randomBytes(n)));
  const sockets = new Sockets();
  const desk = new Desk({ topics: o.topics ?? SILENCE, standing: o.community, guard: o.topicGuard ?? NOBODY_MORE });
  const tokenWatch = o.tokens === undefined ? undefined : new TokenWatch(o.tokens, o.clock);
  const unwatch = tokenWatch === undefined ? undefined : o.tokens?.onChange(() => tokenWatch.look());
  let closing = false;
  const room: Room = {
    bus: o.bus,
    community: o.community,
    manifest: o.manifest,
    ready: o.ready,
    mounts: o.mounts,
    newId,
    metrics: o.metrics ?? (async () => ""),
    onRefused: o.onRefused ?? ((): void => undefined),
    dht: o.dht ?? ((): undefined => undefined),
    packages: o.packages ?? ((): undefined => undefined),
    uploads: new Uploads({ ...UPLOAD_LIMITS, ...o.uploads }),
    gate,
    answerer: new Answerer({ signer: o.signer, clock: o.clock, log: o.log, newId }),
    budget: new BodyBudget(QUEUED_BYTES_MAX),
    clock: o.clock,
    log: o.log,
    connections,
    visits,
    sockets,
    desk,
    tokenWatch,
    isClosing: () => closing,
  };
  const app = createServer(room, { tls: o.tls, patience: { ...PATIENCE, ...o.patience } });
  app.server.maxConnections = limits.total;
  app.server.on("connection", (socket: Socket) => connections.opened(socket));
  switchUpgrades(app.server, room, {
    table: [...upgradeTable(room), ...(o.sessions === undefined ? [] : [peerDoor(room, o.sessions)])],
    mounted: mountedSockets(room),
  });
  o.sessions?.serveWith(room);
  const host = o.host ?? "::";
  try {
    if (o.port === null) await app.ready();
    else await app.listen({ host, port: o.port });
  } catch (error) {
    replays.close();
    throw error;
  }
  let closed: Promise<void> | undefined;
  const close = async (drainMs: number): Promise<void> => {
    closing = true;
    sockets.leave();
    o.sessions?.drain();
    const cut = o.clock.setTimeout(() => connections.cutAll(), drainMs);
    const ended = app.close();
    if (drainMs <= 0) connections.cutAll();
    await ended;
    cut.cancel();
    desk.close();
    unwatch?.();
    tokenWatch?.close();
    replays.close();
  };
  const shut = (node: NodeId): void => {
    const busy = visits.of(node);
    connections.cut(
      node,
      busy.map((visit) => visit.socket),
    );
    for (const visit of busy) visit.refuse(new HnError("revoked"));
    if (busy.length > 0)
      o.clock.setTimeout(() => {
        for (const { socket } of busy) socket.destroy();
      }, FAREWELL_MS);
  };
  const port = (app.server.address() as AddressInfo | null)?.port ?? 0;
  return {
    host,
    port,
    url: `https://${host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host}:${port}`,
    shutRevoked: () => {
      for (const node of new Set([...visits.nodes(), ...connections.speakers()]))
        if (o.community.standing(node).kind === "revoked") shut(node);
    },
    inject: (request) => app.inject(request),
    subscriptions: () => desk.open,
    close: ({ drainMs = DRAIN_MS } = {}) => (closed ??= close(drainMs)),
  };
}

function isIdempotent(bus: Bus, capability: string): boolean {
  if (capability.startsWith("sys.")) return true;
  const own = bus.entries({ name: capability }).filter((entry) => entry.is_local);
  return own.length > 0 && own.every((entry) => entry.descriptor.idempotent);
}

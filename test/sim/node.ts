/** One node of a simulated world: the host's own rooms, from the log to the listener, on a clock and a network that are made up. */
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openBus, type OpenBus } from "../../host/src/bus/index.ts";
import { Gossip, openCommunity } from "../../host/src/community/index.ts";
import type {
  Community,
  Endpoint,
  Log,
  NodeId,
  NodeManifest,
  PeerLink,
  Peers,
  Principal,
  TokenRoom,
} from "../../host/src/contract/index.ts";
import { openPeers } from "../../host/src/discovery/index.ts";
import { createUlidFactory, silentLog } from "../../host/src/foundation/index.ts";
import { buildManifest, importSeed, Signer, verifyManifest, type TlsIdentity } from "../../host/src/identity/index.ts";
import { leastRequirement } from "../../host/src/offer-lookup.ts";
import { openTokens } from "../../host/src/tokens/index.ts";
import { followMembership } from "../../host/src/membership-watch.ts";
import { KnownPeers } from "../../host/src/transport/outbound/peers.ts";
import type { ListenerOptions } from "../../host/src/transport/listener.ts";
import type { Ways } from "../../host/src/transport/outbound/pools.ts";
import { createLink, openListener, type Link, type Listener } from "../../host/src/transport/index.ts";
import { SimDispatcher, type Exchange, type OnReply } from "./connection.ts";
import { Dialler, type Line, type SessionDoor } from "./dial.ts";
import type { Network, Place } from "./network.ts";
import type { SimRandom } from "./random.ts";
import type { SimClock } from "./scheduler.ts";

const PORT = 7080;
const FEATURES = ["req-to", "resp-sig", "heads-by-author", "cosign-v1", "sync-ranges"];
const HARDWARE: NodeManifest["hardware"] = { gpu: null, vram_gb: 0, ram_gb: 4, cpu_cores: 4, disk_free_gb: 16 };

export interface NodeSetting {
  network: Network;
  random: SimRandom;
  tls: TlsIdentity;
  folder: string;
  /** Who listens at an address. */
  doorOf: (host: string) => SimNode | undefined;
  onRequest: (from: SimNode, to: string, exchange: Exchange) => void;
  onReply: OnReply;
  rates: () => ListenerOptions["rates"];
  /** Nodes offer each other peer sessions, over this. */
  sessions?: Omit<Line, "network" | "random" | "doorOf">;
  log?: Log;
}

interface NodeOptions {
  name: string;
  number: number;
  clock: SimClock;
  setting: NodeSetting;
  /** Whose key and folder it has. */
  original?: SimNode;
}

/** What one process of the node has open. */
interface House {
  bus: OpenBus;
  community: Community;
  link: Link;
  peers: Peers & { close(): void };
  listener: Listener;
  gossip: Gossip;
  tokens: TokenRoom;
  door: SessionDoor;
  unfollow: () => void;
}

export class SimNode {
  readonly name: string;
  readonly host: string;
  readonly signer: Signer;
  readonly place: Place;
  readonly #setting: NodeSetting;
  readonly #random: SimRandom;
  readonly #dispatchers: Map<string, SimDispatcher> = new Map();
  #house: House | undefined;
  #known: KnownPeers;
  #starts = 0;

  private constructor(o: NodeOptions) {
    this.name = o.name;
    this.host = `10.${o.number >> 16}.${(o.number >> 8) & 255}.${o.number & 255}`;
    this.#setting = o.setting;
    this.#random = o.setting.random.fork(o.name);
    const { nodeId, key } = importSeed(this.#random.bytes(32));
    this.signer = o.original?.signer ?? new Signer(nodeId, key);
    this.#known = new KnownPeers(o.clock);
    this.place = { name: o.name, clock: o.clock, isDown: true };
  }

  static async open(o: NodeOptions): Promise<SimNode> {
    const node = new SimNode(o);
    if (o.original !== undefined) cpSync(o.original.folder, node.folder, { recursive: true });
    await node.start();
    return node;
  }

  /** Where all that it keeps lies. */
  get folder(): string {
    return join(this.#setting.folder, this.name);
  }

  get nodeId(): NodeId {
    return this.signer.nodeId;
  }

  get clock(): SimClock {
    return this.place.clock;
  }

  get endpoint(): Endpoint {
    return { transport: "https", host: this.host, port: PORT };
  }

  get isUp(): boolean {
    return this.#house !== undefined;
  }

  get bus(): OpenBus {
    return this.#open.bus;
  }

  get community(): Community {
    return this.#open.community;
  }

  get link(): PeerLink {
    return this.#open.link;
  }

  get peers(): Peers {
    return this.#open.peers;
  }

  get tokens(): TokenRoom {
    return this.#open.tokens;
  }

  /** Open connections on which both sides call. */
  get sessions(): SessionDoor["sessions"] {
    return this.#open.door.sessions;
  }

  /** Undefined while the process is gone. */
  get door(): SessionDoor | undefined {
    return this.#house?.door;
  }

  get listener(): Listener {
    return this.#open.listener;
  }

  /** This node's own operator. */
  get operator(): Principal {
    const { community, nodeId } = this;
    return { kind: "self", node_id: nodeId, community_id: community.communityId(), level: community.levelOf(nodeId) };
  }

  /** The process begins, on the folder that the former has left. */
  async start(): Promise<void> {
    if (this.#house !== undefined) return;
    if (this.#starts > 0) this.place.clock = this.place.clock.next();
    this.#starts += 1;
    const { clock } = this.place;
    this.#known = new KnownPeers(clock);
    const { tls, log = silentLog } = this.#setting;
    const { signer } = this;
    const random = this.#random.fork(`start ${this.#starts}`).bytes;
    const dataDir = this.folder;
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const newUlid = createUlidFactory(clock, random);
    const late: { link?: Link; listener?: Listener } = {};
    const bus = openBus({
      nodeId: signer.nodeId,
      communityId: () => community.communityId(),
      clock,
      random,
      log,
      link: () => late.link,
    });
    const community = openCommunity({
      dataDir: join(dataDir, "community"),
      signer,
      clock,
      random,
      newUlid,
      log,
      displayName: () => this.name,
      manifest: (id) => Promise.resolve(this.#manifest(id)),
    });
    const tokens = openTokens({
      dataDir: join(dataDir, "tokens"),
      signer,
      clock,
      newUlid,
      community,
      offers: { requirement: (name, version) => leastRequirement(bus, { name, version }) },
      topics: { publish: () => undefined },
    });
    const real = createLink({
      signer,
      communityId: () => community.communityId(),
      standing: (node) => community.standing(node),
      clock,
      random,
      log,
      ways: this.#ways(),
      peers: this.#known,
    });
    // The certificate is the one thing that a connection without a socket has not.
    const link: Link = { ...real, fetchManifest: (endpoint, expected) => this.#fetchManifest(endpoint, expected) };
    late.link = link;
    const peers = openPeers({
      path: join(dataDir, "peers.db"),
      nodeId: signer.nodeId,
      clock,
      random,
      log,
      link,
      bus,
      community: {
        communityId: () => community.communityId(),
        standing: (node) => community.standing(node),
        members: () => community.members(),
        levelOf: (node) => community.levelOf(node),
        onEvent: (listener) => community.onEvent(listener),
        syncWith: (place) => gossip.meet(place),
      },
      networks: () => ["10.0.0.0/8"],
    });
    const gossip = new Gossip({
      nodeId: signer.nodeId,
      community,
      link,
      reachable: () => peers.list().filter(({ online }) => online),
      clock,
      random,
      log,
    });
    const unreach = peers.onChange(() => gossip.look());
    const unfollowMembers = followMembership({
      community,
      bus,
      peers,
      doors: () => [link, late.listener],
      log,
      onChange: () => undefined,
    });
    const rates = this.#setting.rates();
    const listener = await openListener({
      signer,
      tls,
      bus,
      community,
      manifest: () => this.#manifest(community.communityId() ?? signer.nodeId),
      ready: () => true,
      clock,
      random,
      log,
      dataDir,
      tokens,
      port: null,
      firstStart: this.#starts === 1,
      bootId: "simulated",
      ...(rates === undefined ? {} : { rates }),
      featuresOf: (node) => link.featuresOf(node),
      ...(this.#setting.sessions === undefined ? {} : { sessions: real.sessions }),
      onProven: (node) => peers.heard(node),
    });
    late.listener = listener;
    const door: SessionDoor = {
      place: this.place,
      host: this.host,
      sessions: real.sessions,
      standing: (node) => community.standing(node),
      communityId: () => community.communityId() ?? signer.nodeId,
      nodeId: signer.nodeId,
      sockets: new Set(),
    };
    if (this.#setting.sessions !== undefined) this.#dials(this.#setting.sessions, door);
    const unfollow = (): void => {
      unfollowMembers();
      unreach();
    };
    this.#house = { bus, community, link, peers, gossip, tokens, listener, door, unfollow };
    this.place.isDown = false;
  }

  /** Puts all that it keeps aside, as a backup would. Its process may run. @returns puts it back; the process must not run then */
  backup(): () => void {
    const kept = `${this.folder} kept ${this.#starts}`;
    cpSync(this.folder, kept, { recursive: true });
    return () => {
      rmSync(this.folder, { recursive: true });
      cpSync(kept, this.folder, { recursive: true });
    };
  }

  /** The disk is gone, the key is not. Its process must not run. */
  wipe(): void {
    rmSync(this.folder, { recursive: true });
  }

  /**
   * The process ends at once: what it had not written is lost.
   * @param o.unheard  nor does its machine tell anybody, as with a pulled plug
   */
  async kill(o: { unheard?: boolean } = {}): Promise<void> {
    const house = this.#house;
    if (house === undefined) return;
    this.#house = undefined;
    this.place.isDown = true;
    this.place.clock.isGone = true;
    if (o.unheard !== true) for (const dispatcher of this.#dispatchers.values()) dispatcher.cut(new Error("the process is gone"));
    this.#dispatchers.clear();
    for (const socket of house.door.sockets) socket.vanish(o.unheard !== true);
    // Only so that files can be opened again; nothing of it reaches the others.
    house.unfollow();
    house.gossip.close();
    house.peers.close();
    house.bus.close();
    house.tokens.close();
    house.community.close();
    await house.listener.close({ drainMs: 0 });
  }

  async #fetchManifest(endpoint: Endpoint, expected?: NodeId): Promise<NodeManifest> {
    const reply = await this.#dispatcher(endpoint).request({
      origin: "https://simulated",
      method: "GET",
      path: "/manifest",
      headers: { accept: "application/json" },
    });
    const manifest = verifyManifest(new Uint8Array(await reply.body.arrayBuffer()), {
      now: this.clock.now(),
      memory: this.#known,
      ...(expected === undefined ? {} : { expected }),
    });
    this.#known.learnManifest(manifest);
    this.#house?.door.sessions.manifestSeen(manifest.node_id);
    return manifest;
  }

  #manifest(community: string): NodeManifest {
    const { bus } = this;
    return buildManifest(this.signer, {
      now: this.clock.now(),
      facts: {
        display_name: this.name,
        community_id: community,
        profile: "hearth",
        endpoints: [this.endpoint],
        hardware: HARDWARE,
        capabilities: bus
          .entries()
          .filter(({ is_local }) => is_local)
          .map(({ descriptor, schema_hash }) => ({
            name: descriptor.name,
            version: descriptor.version.join("."),
            stability: descriptor.stability,
            schema_hash,
            params: descriptor.params,
            max_concurrent: descriptor.max_concurrent,
            trust_required: descriptor.trust_required,
            timeout_seconds: descriptor.timeout_seconds,
            idempotent: descriptor.idempotent,
            streaming: descriptor.stream_schema !== null,
          })),
        uptime_seconds: Math.round(this.clock.monotonic() / 1000),
        load: { cpu: 0, in_flight_total: 0 },
        features: this.#setting.sessions === undefined ? FEATURES : [...FEATURES, "peer-session"],
      },
    });
  }

  #dials(sessions: NonNullable<NodeSetting["sessions"]>, door: SessionDoor): void {
    const { network, doorOf } = this.#setting;
    const random = this.#random.fork(`connections ${this.#starts}`);
    new Dialler({ ...sessions, network, random, doorOf: (host) => doorOf(host)?.door }, door);
  }

  #ways(): Ways {
    const byNode = new Map<NodeId, Set<SimDispatcher>>();
    return {
      for: (node, endpoint) => {
        const dispatcher = this.#dispatcher(endpoint);
        byNode.set(node, (byNode.get(node) ?? new Set()).add(dispatcher));
        return dispatcher;
      },
      drop: (node, error) => {
        for (const dispatcher of byNode.get(node) ?? []) dispatcher.cut(error);
        byNode.delete(node);
      },
      nodes: () => new Set(byNode.keys()),
      close: () => Promise.resolve(),
    };
  }

  #dispatcher({ host }: Endpoint): SimDispatcher {
    const known = this.#dispatchers.get(host);
    if (known !== undefined) return known;
    const { network, doorOf, onRequest, onReply } = this.#setting;
    const dispatcher = new SimDispatcher({
      network,
      from: this.place,
      address: this.host,
      door: () => {
        const there = doorOf(host);
        return there && { place: there.place, inject: (request) => there.listener.inject(request) };
      },
      onRequest: (exchange) => onRequest(this, host, exchange),
      onReply,
    });
    this.#dispatchers.set(host, dispatcher);
    return dispatcher;
  }

  get #open(): House {
    if (this.#house === undefined) throw new Error(`${this.name} is not running`);
    return this.#house;
  }
}

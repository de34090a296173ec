import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openAdmin, type Admin } from "./admin/index.ts";
import { openBus, openTopics, type OpenBus } from "./bus/index.ts";
import { watchCatalogue } from "./catalogue-watch.ts";
import { offerCommunity } from "./community-capabilities.ts";
import { Gossip, openCommunity } from "./community/index.ts";
import type { Clock, Endpoint, Log, NodeFacts, PackageShelf, Random } from "./contract/index.ts";
import type { NodeConfig } from "./define-config.ts";
import { DHT_OFF, openDhtService } from "./dht-service.ts";
import { openLan, openLocalNetwork, openPeers } from "./discovery/index.ts";
import { createUlidFactory, Disposer, formatTime, privateFolder, systemClock } from "./foundation/index.ts";
import { checkMachine, checkNode } from "./health.ts";
import {
  createFreshDeviceId,
  openKeystore,
  openSignaturePool,
  readFreshDeviceId,
  sameShortId,
  selfTest,
  shortId,
} from "./identity/index.ts";
import { anyAddress, isLoopback, portError, readEndpoints } from "./listen-address.ts";
import { invitedBy } from "./invited-by.ts";
import { lockDataFolder } from "./lock.ts";
import { openDevDesk, openMarketplace } from "./marketplace/index.ts";
import { directDelivery } from "./direct-delivery.ts";
import { followMembership } from "./membership-watch.ts";
import { givesPackages, packageFeatures, packageNeighbours } from "./package-neighbours.ts";
import { PATHS, readBuildFacts } from "./paths.ts";
import { followNeighbours } from "./neighbour-topics.ts";
import { registrySources } from "./configured-registries.ts";
import { Metrics, openTraceExport } from "./telemetry/index.ts";
import { openRuntime, type NodeRuntime } from "./runtime/index.ts";
import { SelfDescription } from "./self.ts";
import { watchSnapshots } from "./snapshot-watch.ts";
import { leastRequirement } from "./offer-lookup.ts";
import { openTokens, tokenOffers } from "./tokens/index.ts";
import { createLink, MountTable, openListener, readProof, type Link, type Listener } from "./transport/index.ts";
import { tellTopics } from "./topic-tales.ts";
import { VERSION } from "./version.ts";

/** Running calls may take this long to end when the node stops; plugins have 5 s after that. */
const DRAIN_MS = 3000;

export interface NodeOptions extends Omit<NodeConfig, "logLevel"> {
  dataDir: string;
  allowDevRoot?: boolean;
  log: Log;
  /** The machine's own unless it is handed in. @source network.md N-7 */
  clock?: Clock;
}

/** A running node. */
export interface Node {
  nodeId: string;
  bus: string;
  admin: string;
  /** For the first run; null when the node is set up. */
  setupLink(): string | null;
  /** Resolves when every plugin has been tried once. */
  pluginsStarted: Promise<void>;
  /** Lets running calls end, stops the plugins, closes everything top-down. */
  close(): Promise<void>;
}

/**
 * Builds the house floor by floor. An opened thing is registered for closing on the next line, so that a later floor that fails leaves nothing
 * behind, and closing goes the same way back.
 * @throws bad_request data_locked | port_taken · internal_error keys_invalid | keys_permissions | db_corrupt
 */
export async function openNode(options: NodeOptions): Promise<Node> {
  const disposer = new Disposer();
  try {
    return await build(options, disposer);
  } catch (error) {
    await disposer.close();
    throw error;
  }
}

async function build(options: NodeOptions, disposer: Disposer): Promise<Node> {
  const { log } = options;
  const dataDir = privateFolder(options.dataDir);
  disposer.add("lock", lockDataFolder(dataDir));
  const clock = options.clock ?? systemClock;
  const random: Random = (n) => randomBytes(n);
  const newUlid = createUlidFactory(clock, random);
  const startedAt = formatTime(clock.now());
  const buildFacts = readBuildFacts();

  // floor 1
  await selfTest();
  const firstStart = !existsSync(join(dataDir, "keys", "device.ed25519"));
  const keystore = openKeystore(dataDir);
  const { nodeId, signer } = keystore;
  disposer.add("key", () => signer.destroy());
  const tlsIdentity = await keystore.tls();

  // floors 2 and 3
  /** Opened further up, asked for from below. */
  const late: {
    listener?: Listener;
    link?: Link;
    admin?: Admin;
    metrics?: Metrics;
    shelf?: () => PackageShelf | undefined;
    lan?: { close(): Promise<void> };
  } = {};
  const listen = options.listen ?? anyAddress();
  const endpoints = (): Endpoint[] =>
    readEndpoints(listen, late.listener?.port ?? 0).map((endpoint) => ({ ...endpoint, tls_spki_sha256: tlsIdentity.spkiSha256 }));
  const bus: OpenBus = openBus({
    nodeId,
    communityId: () => community.communityId(),
    clock,
    random,
    log: log.child({ room: "bus" }),
    link: () => late.link,
    onQuarantine: (resting) => late.metrics?.quarantined(resting),
  });
  disposer.add("bus", () => bus.close());
  const self = new SelfDescription({
    dataDir,
    signer,
    clock,
    bus,
    endpoints,
    features: () => packageFeatures(late.shelf?.()),
    profile: options.profile ?? "hearth",
    communityId: () => community.communityId(),
    ...(options.name === undefined ? {} : { name: options.name }),
  });
  const signatures = openSignaturePool({ script: PATHS.signatureWorker, clock });
  disposer.add("signatures", () => signatures.close());
  const community = openCommunity({
    dataDir: join(dataDir, "community"),
    signer,
    clock,
    random,
    newUlid,
    log: log.child({ room: "community" }),
    displayName: () => self.displayName(),
    manifest: async (id) => self.manifestFor(id),
    verify: signatures.verify,
  });
  disposer.add("community", () => community.close());
  const topics = openTopics({ epoch: newUlid() });
  const tokens = openTokens({
    dataDir: join(dataDir, "tokens"),
    signer,
    clock,
    newUlid,
    community,
    offers: { requirement: (name, version) => leastRequirement(bus, { name, version }) },
    topics,
    settings: options.auth ?? {},
  });
  disposer.add("tokens", () => tokens.close());
  if (options.auth?.enabled !== false) for (const offer of tokenOffers(tokens)) bus.offer(offer);

  // floor 4, outbound half
  const wire = createLink({
    signer,
    communityId: () => community.communityId(),
    standing: (node) => community.standing(node),
    clock,
    random,
    log: log.child({ room: "transport" }),
    sealsPath: join(dataDir, "seals.db"),
  });
  late.link = wire;
  disposer.add("link", () => wire.close());
  const discovery = { enabled: true, mdns: true, udp: true, emergency: false, ...options.discovery };
  const localNetwork = openLocalNetwork({ clock, log: log.child({ room: "discovery" }) });
  const peers = openPeers({
    path: join(dataDir, "peers.db"),
    nodeId,
    clock,
    random,
    log: log.child({ room: "discovery" }),
    link: wire,
    bus,
    community: {
      communityId: () => community.communityId(),
      standing: (node) => community.standing(node),
      members: () => community.members(),
      levelOf: (node) => community.levelOf(node),
      onEvent: (listener) => community.onEvent(listener),
      // Who was met is exchanged with by the one that knows how the last exchange with it went.
      syncWith: (place) => gossip.meet(place),
    },
    networks: () => localNetwork.networks(),
    emergency: () => discovery.emergency,
  });
  disposer.add("peers", () => peers.close());
  const gossip = new Gossip({
    nodeId,
    community,
    link: wire,
    reachable: () => peers.list().filter(({ online }) => online),
    emergency: () => discovery.emergency,
    clock,
    random,
    log: log.child({ room: "community" }),
  });
  disposer.add("gossip", () => gossip.close());
  disposer.add(
    "reach",
    peers.onChange(() => gossip.look()),
  );
  disposer.add("snapshots", watchSnapshots({ community, clock, log }));
  offerCommunity({ bus, community, endpoints });
  disposer.add(
    "membership",
    followMembership({ community, bus, peers, doors: () => [wire, late.listener], log, onChange: () => self.forget() }),
  );

  const dht =
    options.dht?.enabled === true && discovery.enabled
      ? openDhtService({
          settings: options.dht,
          dataDir: join(dataDir, "dht"),
          signer,
          clock,
          random,
          newUlid,
          log: log.child({ room: "dht" }),
          link: wire,
          peers,
          community,
        })
      : undefined;
  if (dht !== undefined) disposer.add("dht", () => dht.close());

  const traces =
    options.telemetry?.tracesTo === undefined
      ? undefined
      : await openTraceExport({
          endpoint: options.telemetry.tracesTo,
          bus,
          nodeId,
          instance: newUlid(),
          version: VERSION,
          clock,
          log: log.child({ room: "telemetry" }),
        });
  if (traces !== undefined) disposer.add("traces", () => traces.close());
  const metrics = new Metrics({
    bus,
    community,
    peers,
    spansDropped: () => traces?.dropped() ?? 0,
    tokenCalls: () => tokens.calls(),
  });
  late.metrics = metrics;

  // floors 5 and 6
  const mounts = new MountTable();
  disposer.add("topics", tellTopics({ topics, community, bus, nodeId, clock, manifest: () => self.manifest("2.0"), log }));
  const runtime = await openRuntime({
    dataDir,
    bus,
    mounts,
    clock,
    random,
    log: log.child({ room: "runtime" }),
    identity: {
      nodeId,
      communityId: () => community.communityId(),
      // Before there is a community a plugin's own calls reach this node alone, and a plugin must be able to use another, or itself.
      level: () => (community.communityId() === null ? "member" : community.levelOf(nodeId)),
    },
    signHead: (head) => signer.signLedgerHead(head),
    community,
    ...(dht === undefined ? {} : { dht: dht.plugins }),
    deliver: directDelivery({ community, peers, link: wire, log: log.child({ room: "discovery" }) }),
    topics,
    signer,
    readProof,
    runnerPath: PATHS.runner,
    // Before every start, the first after boot included, each file of the release is hashed again.
    admit: (release) => marketplace.admit(release),
    // Offers that need the internet stand aside while a plugin says that there is none.
    onAvailability: ({ internet }) => bus.setInternet(internet !== false),
    onNotice: ({ plugin, title }) => log.info("a plugin has something to say", { plugin, title }),
  });
  disposer.add("runtime", () => runtime.stopAll());
  const isWanted = options.marketplace?.servePackages !== false;
  const givers =
    options.marketplace?.askPeers === false
      ? undefined
      : packageNeighbours({ peers, community, link: wire, lists: () => marketplace.shelf.lists() });
  const marketplace = await openMarketplace({
    dataDir,
    runtime,
    clock,
    newUlid,
    log: log.child({ room: "marketplace" }),
    registries: registrySources(options.registries ?? []),
    nativePublishers: options.policy?.nativePublishers ?? [],
    hostVersion: VERSION,
    buildTime: buildFacts.time,
    allowDevRoot: buildFacts.profile === "development" || options.allowDevRoot === true,
    keepsArchives: isWanted,
    ...(givers === undefined ? {} : { neighbours: givers }),
  });
  disposer.add("marketplace", () => marketplace.close());
  late.shelf = () =>
    givesPackages({ isWanted, profile: buildFacts.profile, devRoot: marketplace.devRoot }) ? marketplace.shelf : undefined;
  self.forget();
  const tidy = (): void =>
    void marketplace.tidy().catch((error: unknown) => log.warn("what a removed plugin left could not be deleted", { error }));
  disposer.add(
    "tidying",
    runtime.onChange(({ state }) => state === "removed" && tidy()),
  );
  const native = options.policy?.nativePublishers?.includes("dev") === true;
  const dev = openDevDesk({ dataDir, runtime, clock, newUlid, hostVersion: VERSION, enabled: options.dev === true, native });
  disposer.add("dev", () => dev.close());

  // floor 4, inbound half: nobody is let in before there is somebody to answer; goodbye is said when nobody answers any more
  disposer.add("lan", () => late.lan?.close());
  const listener = await openListener({
    signer,
    tls: tlsIdentity,
    bus,
    community,
    manifest: (contract) => self.manifest(contract),
    mounts,
    topics,
    dht: () => dht?.answer,
    packages: () => late.shelf?.(),
    tokens,
    // What the host itself offers makes no node useful to its neighbours.
    ready: () =>
      bus.entries({ node_id: nodeId }).some(({ plugin_id }) => plugin_id !== undefined) &&
      peers.list().some((peer) => peer.online && peer.level !== "unknown"),
    clock,
    random,
    log: log.child({ room: "transport" }),
    dataDir,
    host: listen,
    port: options.port ?? 7080,
    firstStart,
    featuresOf: (node) => wire.featuresOf(node),
    sessions: wire.sessions,
    metrics: () => metrics.text(),
    onRefused: (refusal) => metrics.refused(refusal),
    onProven: (node) => {
      peers.heard(node);
      bus.peerHeard(node);
    },
    ...(options.rates === undefined ? {} : { rates: options.rates }),
  }).catch((error: unknown) => {
    throw portError(error, options.port ?? 7080);
  });
  late.listener = listener;
  disposer.add("listener", () => listener.close({ drainMs: DRAIN_MS }));
  dht?.start();
  late.lan = await openLan({
    clock,
    random,
    log: log.child({ room: "discovery" }),
    network: localNetwork,
    facts: () => self.lanFacts(listener.port),
    neighbours: () => peers.list().filter(({ online }) => online).length,
    emergency: () => discovery.emergency,
    hint: (hint) => peers.hint(hint),
    // Who is told to listen on one machine alone has nothing to say to others.
    mdns: discovery.enabled && discovery.mdns && !isLoopback(listen),
    udp: discovery.enabled && discovery.udp && !isLoopback(listen),
  });
  disposer.add("neighbours' topics", followNeighbours({ nodeId, topics, link: wire, runtime, peers, community }));

  // floor 7
  const catalogue = watchCatalogue({ marketplace, neighbours: givers, clock, log });
  disposer.add("catalogue", () => catalogue.stop());
  const facts = (): NodeFacts => {
    const id = community.communityId();
    return {
      node_id: nodeId,
      short_id: shortId(nodeId),
      display_name: self.displayName(),
      profile: options.profile ?? "hearth",
      version: VERSION,
      started_at: startedAt,
      bus: listener.url,
      admin: late.admin?.url ?? "",
      data_dir: dataDir,
      community: id === null ? null : { id, name: community.name() ?? "", level: community.levelOf(nodeId) },
      as_root: runtime.report().asRoot,
      dev_root: marketplace.devRoot,
      dev_mode: options.dev === true,
    };
  };
  const admin = await openAdmin({
    dataDir,
    port: options.adminPort ?? 7860,
    uiDir: PATHS.page,
    services: {
      bus,
      community,
      tokens,
      runtime,
      mounts,
      metrics,
      marketplace,
      dev,
      peers,
      dht: dht ?? DHT_OFF,
      gossip,
      link: wire,
      clock,
      log: log.child({ room: "admin" }),
      random,
      newUlid,
      facts,
      setDisplayName: (name) => self.setDisplayName(name),
      endpoints,
      freshDeviceId: () => createFreshDeviceId({ nodeId, displayName: self.displayName() }),
      invitedBy: (text) => invitedBy(text, clock.now()),
      readFreshDeviceId,
      shortId,
      sameShortId,
      health: async () => [
        ...checkMachine({ dataDir, build: buildFacts, now: clock.now(), report: runtime.report() }),
        ...checkNode({
          bus: listener.url,
          page: late.admin?.url ?? "",
          plugins: runtime.list(),
          peers: peers.list(),
          hasCommunity: community.communityId() !== null,
          catalogue: catalogue.last(),
          devRoot: marketplace.devRoot,
          registries: marketplace.registries(),
          givers: givers?.near().map(({ name }) => name) ?? null,
          keyConflicts: wire.sessions.conflicts().map(({ node, own }) => ({ node: shortId(node), own })),
        }),
      ],
      confinement: () => runtime.report(),
      operator: () => ({
        kind: "self",
        node_id: nodeId,
        community_id: community.communityId(),
        level: community.levelOf(nodeId),
      }),
    },
  });
  late.admin = admin;
  disposer.add("admin", () => admin.close());

  return {
    nodeId,
    bus: listener.url,
    admin: admin.url,
    setupLink: () => admin.setupLink(),
    pluginsStarted: startPlugins(runtime, log),
    close: async () => {
      for (const { name, error } of await disposer.close()) log.error("could not be closed", { name, error });
    },
  };
}

async function startPlugins(runtime: NodeRuntime, log: Log): Promise<void> {
  try {
    await runtime.startAll();
  } catch (error) {
    log.error("plugins could not be started", { error });
  }
}

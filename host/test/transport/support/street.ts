/**
 * Nodes as far as their fourth floor, on real disks, keys and TLS ports of this machine, on one clock that moves only when told.
 * @example
 * const street = new Street(t);
 * const [anna, ben] = await street.neighbours();
 * anna.offer({ name: "ext.demo.echo" });
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBus, openTopics, type OpenBus } from "../../../src/bus/index.ts";
import { openCommunity } from "../../../src/community/index.ts";
import type {
  CapabilityDescriptor,
  CommunityId,
  Community,
  Endpoint,
  Handler,
  NodeManifest,
  Offer,
  OriginateRequest,
  PeerAddress,
  Registration,
  VerifyMany,
  TokenRoom,
} from "../../../src/contract/index.ts";
import { createUlidFactory, Disposer, encodeBase64url, ManualClock, silentLog } from "../../../src/foundation/index.ts";
import { buildManifest, buildManifestV1, openKeystore, type Signer, type TlsIdentity } from "../../../src/identity/index.ts";
import { leastRequirement } from "../../../src/offer-lookup.ts";
import { openTokens, tokenOffers } from "../../../src/tokens/index.ts";
import { createLink, openListener, type Link, type Listener, type ListenerOptions } from "../../../src/transport/index.ts";
import { descriptor, echo } from "../../bus/make.ts";
import { seededRandom } from "../../support/people.ts";

const PASSPHRASE = "correct horse battery";

export interface HouseOptions {
  /** 32 bytes; absent: a key of its own. */
  seed?: Uint8Array;
  /** Absent: the street's. */
  clock?: ManualClock;
  features?: string[];
  listener?: Partial<ListenerOptions>;
  /** Absent: signatures of events are verified on the loop. */
  verify?: VerifyMany;
  tokens?: Parameters<typeof openTokens>[0]["settings"];
}

export interface House {
  name: string;
  dataDir: string;
  signer: Signer;
  nodeId: string;
  tls: TlsIdentity;
  bus: OpenBus;
  community: Community;
  tokens: TokenRoom;
  link: Link;
  listener: Listener;
  endpoint: Endpoint;
  /** The community that calls are made from. */
  communityId(): CommunityId;
  address(): PeerAddress;
  offer(change?: Partial<CapabilityDescriptor>, handler?: Handler, more?: Partial<Offer>): Registration;
  /** What `self` calls of a neighbour or of itself. */
  ask(change: Partial<OriginateRequest> & { capability: string }): OriginateRequest;
  manifest(contract?: "1.0" | "2.0"): NodeManifest;
  /** Closes the port and opens it on the same data folder, as a new start does. */
  restart(o?: Partial<ListenerOptions>): Promise<void>;
}

/** A test's context, or what stands for it where several tests share a street. */
export interface Scope {
  after(fn: () => unknown): void;
}

/** For a street that several tests share: `after(() => endings.run())`. */
export class Endings implements Scope {
  readonly #steps: (() => unknown)[] = [];

  after(fn: () => unknown): void {
    this.#steps.push(fn);
  }

  async run(): Promise<void> {
    for (const step of this.#steps.splice(0)) await step();
  }
}

export class Street {
  readonly clock: ManualClock = new ManualClock();
  readonly #closing: Disposer = new Disposer();
  #count = 0;

  constructor(scope: Scope) {
    scope.after(async () => {
      const failed = await this.#closing.close();
      if (failed.length > 0) throw new AggregateError(failed.map(({ error }) => error));
    });
  }

  async house(name: string, o: HouseOptions = {}): Promise<House> {
    const clock = o.clock ?? this.clock;
    const dataDir = mkdtempSync(join(tmpdir(), "hn-transport-"));
    this.#closing.add("folder", () => rmSync(dataDir, { recursive: true, force: true }));
    if (o.seed) placeSeed(dataDir, o.seed);
    const keystore = openKeystore(dataDir);
    const { signer, nodeId } = keystore;
    const tls = await keystore.tls();
    const number = ++this.#count;
    const link = createLink({
      signer,
      communityId: () => community.communityId(),
      standing: (node) => community.standing(node),
      clock,
      sealsPath: join(dataDir, "seals.db"),
    });
    const bus = openBus({ nodeId, communityId: () => community.communityId(), clock, log: silentLog, link: () => link });
    const community: Community = openCommunity({
      dataDir: join(dataDir, "community"),
      signer,
      clock,
      random: seededRandom(number + 700),
      newUlid: createUlidFactory(clock, seededRandom(number)),
      log: silentLog,
      displayName: () => name,
      manifest: async () => house.manifest(),
      ...(o.verify === undefined ? {} : { verify: o.verify }),
    });
    const tokens = openTokens({
      dataDir: join(dataDir, "tokens"),
      signer,
      clock,
      newUlid: createUlidFactory(clock, seededRandom(number + 100)),
      community,
      offers: { requirement: (of, version) => leastRequirement(bus, { name: of, version }) },
      topics: openTopics(),
      ...(o.tokens === undefined ? {} : { settings: o.tokens }),
    });
    for (const offer of tokenOffers(tokens)) bus.offer(offer);
    const open = (more: Partial<ListenerOptions> = {}): Promise<Listener> =>
      openListener({
        signer,
        tls,
        bus,
        community,
        tokens,
        manifest: (contract) => house.manifest(contract),
        ready: () => bus.entries({ node_id: nodeId }).some(({ descriptor: { name } }) => !name.startsWith("auth.")),
        clock,
        log: silentLog,
        dataDir,
        host: "127.0.0.1",
        port: 0,
        firstStart: true,
        featuresOf: (node) => link.featuresOf(node),
        sessions: link.sessions,
        ...o.listener,
        ...more,
      });
    const listener = await open();
    const house: House = {
      name,
      dataDir,
      signer,
      nodeId,
      tls,
      bus,
      community,
      tokens,
      link,
      listener,
      endpoint: { transport: "https", host: "127.0.0.1", port: listener.port },
      communityId: () => community.communityId() ?? nodeId,
      address: () => ({ node_id: nodeId, endpoints: [house.endpoint], community_id: house.communityId() }),
      offer: (change = {}, handler = echo, more = {}) => bus.offer({ descriptor: descriptor(change), handler, ...more }),
      ask: (change) => ({
        version: [1, 0],
        body: { params: {}, input: {} },
        caller: { kind: "self", node_id: nodeId, community_id: community.communityId(), level: community.levelOf(nodeId) },
        ...change,
      }),
      manifest: (contract = "2.0") => describe(house, { clock, contract, features: o.features ?? ["req-to", "resp-sig"] }),
      restart: async (more = {}) => {
        await house.listener.close({ drainMs: 0 });
        house.listener = await open({ firstStart: false, ...more });
        house.endpoint = { transport: "https", host: "127.0.0.1", port: house.listener.port };
      },
    };
    community.onEvent(() => {
      for (const door of [link, house.listener]) door.shutRevoked();
    });
    this.#closing.add(name, async () => {
      await link.close();
      await house.listener.close({ drainMs: 0 });
      bus.close();
      tokens.close();
      community.close();
    });
    return house;
  }

  /** Anna has founded a community and Ben has joined it, over the wire. Each knows what the other offers from now on. */
  async neighbours(o: { anna?: HouseOptions; ben?: HouseOptions } = {}): Promise<[anna: House, ben: House]> {
    const [anna, ben] = [await this.house("Anna", o.anna), await this.house("Ben", o.ben)];
    await found(anna);
    await this.welcome(anna, ben);
    return [anna, ben];
  }

  /** Invites and joins in one go. */
  async welcome(host: House, guest: House, level: "member" | "trusted" = "member"): Promise<void> {
    await guest.community.join(await invite(host, guest, level), guest.link);
  }

  /** `here` learns from `there`'s manifest, as discovery does it. */
  async meet(here: House, there: House): Promise<void> {
    here.bus.peerSeen({ ...(await here.link.fetchManifest(there.endpoint, there.nodeId)), endpoints: [there.endpoint] });
  }
}

export function found(house: House): Promise<unknown> {
  return house.community.create({ name: "Mill Street", rootPassphrase: PASSPHRASE });
}

export async function invite(host: House, guest: House, level: "member" | "trusted" = "member"): Promise<string> {
  const { text } = await host.community.invite({
    invitee: guest.nodeId,
    display_name: guest.name,
    level,
    endpoints: [host.endpoint],
  });
  return text;
}

export function temporaryFolder(scope: Scope): string {
  const path = mkdtempSync(join(tmpdir(), "hn-transport-"));
  scope.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function placeSeed(dataDir: string, seed: Uint8Array): void {
  mkdirSync(join(dataDir, "keys"), { mode: 0o700 });
  writeFileSync(join(dataDir, "keys", "device.ed25519"), `${encodeBase64url(seed)}\n`, { mode: 0o600 });
}

function describe(house: House, o: { clock: ManualClock; contract: "1.0" | "2.0"; features: string[] }): NodeManifest {
  const facts = {
    display_name: house.name,
    community_id: house.communityId(),
    profile: "hearth" as const,
    endpoints: [{ ...house.endpoint, tls_spki_sha256: house.tls.spkiSha256 }],
    hardware: { gpu: null, vram_gb: 0, ram_gb: 1, cpu_cores: 1, disk_free_gb: 1 },
    capabilities: house.bus.entries({ node_id: house.nodeId }).map(({ descriptor: d, schema_hash }) => ({
      name: d.name,
      version: d.version.join("."),
      stability: d.stability,
      schema_hash,
      params: d.params,
      max_concurrent: d.max_concurrent,
      trust_required: d.trust_required,
      timeout_seconds: d.timeout_seconds,
      idempotent: d.idempotent,
      streaming: d.stream_schema !== null,
    })),
    uptime_seconds: 1,
    load: { cpu: 0, in_flight_total: 0 },
    features: o.features,
  };
  const build = o.contract === "1.0" ? buildManifestV1 : buildManifest;
  return build(house.signer, { facts, now: o.clock.now() });
}

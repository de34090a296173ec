/** The DHT of a running node: opened from its settings, joined in the background, kept joined. @source 06 §6, §7 */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { DhtAdverts } from "./dht-adverts.ts";
import { readPlace } from "./configured-dht.ts";
import { meetHolders } from "./meet-holders.ts";
import { pluginDht } from "./plugin-dht.ts";
import type {
  CidAdverts,
  Clock,
  Community,
  DhtContact,
  DhtEndpoint,
  DhtKind,
  DhtStatus,
  DhtValue,
  Log,
  PeerLink,
  Peers,
  PluginDht,
  Random,
  Timer,
} from "./contract/index.ts";
import type { DhtSettings } from "./define-config.ts";
import { contactsIn, Dht, openValueShelf } from "./dht/index.ts";
import {
  classOf,
  formatTime,
  HnError,
  parseStrictJson,
  privateFolder,
  readFileBounded,
  writeFileAtomic,
} from "./foundation/index.ts";
import { verifyTyped, type Signer } from "./identity/index.ts";
import { createDhtWire, type DhtDesk } from "./transport/index.ts";

const CONTACTS_KEPT = 32;
const CONTACTS_MAX_BYTES = 65_536;
const ROUND_MS = 60_000;
const SAVE_EVERY = 5;
/** Of one search; nobody can make this node knock at more doors. @source H-11 */
const DIALS_MAX = 5;
/** Members out of reach that are asked for in one round. */
const SOUGHT_MAX = 8;
const BACKOFF_MS = { first: 5000, most: 600_000 };

export interface DhtServiceOptions {
  settings: DhtSettings;
  /** Folder of its own. */
  dataDir: string;
  signer: Signer;
  clock: Clock;
  random: Random;
  newUlid: () => string;
  log: Log;
  link: Pick<PeerLink, "fetchManifest">;
  peers: Pick<Peers, "list" | "hint" | "onChange">;
  community: Pick<Community, "communityId" | "standing" | "members" | "levelOf">;
}

export interface DhtService {
  answer: DhtDesk;
  /** Joins, and stays joined. Once this node can be reached: whoever is asked asks back. */
  start(): void;
  status(): DhtStatus;
  /** @throws partition reason dht_lookup_failed */
  find(kind: DhtKind, subject: string): Promise<DhtValue[]>;
  /** Says that this node holds a file, until it stops or `withdraw`. @returns how many contacts keep it @throws partition reason dht_lookup_failed */
  offer(cid: string): Promise<number>;
  withdraw(cid: string): void;
  readonly plugins: PluginDht;
  close(): Promise<void>;
}

export function openDhtService(o: DhtServiceOptions): DhtService {
  return new Service(o);
}

class Service implements DhtService {
  readonly #o: DhtServiceOptions;
  readonly #dht: Dht;
  readonly #wire: ReturnType<typeof createDhtWire>;
  readonly #shelf: ReturnType<typeof openValueShelf>;
  readonly #contactsFile: string;
  /** What the operator has asked for by hand. */
  readonly #operators: CidAdverts;
  readonly plugins: PluginDht;
  #timer: Timer | undefined;
  #backoffMs: number = BACKOFF_MS.first;
  #rounds = 0;
  #closed = false;

  constructor(o: DhtServiceOptions) {
    this.#o = o;
    const { settings, signer, clock, random, newUlid, log, community } = o;
    const folder = privateFolder(o.dataDir);
    this.#contactsFile = join(folder, "contacts.json");
    this.#shelf = openValueShelf(join(folder, "store.sqlite"));
    const isPrivate = settings.privateMode === true;
    const admits = this.#admits;
    this.#wire = createDhtWire({ clock, admits });
    this.#dht = new Dht(
      signer.nodeId,
      {
        clock,
        random,
        newId: newUlid,
        log,
        shelf: this.#shelf,
        crypto: { sign: (kind, value) => signer.signDht(kind, value), verify: verifyTyped },
        rpc: (question) => this.#wire.ask(question),
      },
      {
        // A name is looked up when it is dialled, and its addresses are judged then.
        admits: ({ host }) => isIP(host) === 0 || admits(host),
        mayCrowd: isPrivate,
        endpoint: () => this.#publicEndpoint(),
        isNear: (payload) => payload.kind === "community" && payload.community_id === community.communityId(),
      },
    );
    const adverts = new DhtAdverts({
      publish: (cid) => this.#publish(cid),
      withdraw: (cid) => this.#dht.withdraw("cid", cid),
    });
    this.#operators = adverts.open();
    this.plugins = pluginDht({
      self: signer.nodeId,
      advertises: settings.advertiseCids === true,
      adverts,
      find: (kind, subject) => this.find(kind, subject),
      admits,
      meet: (nodes) =>
        meetHolders(nodes, {
          most: DIALS_MAX,
          peers: o.peers,
          community,
          find: (node) => this.#dht.findValues("presence", node),
          hint: (values) => this.#hint(values),
          clock,
          log,
        }),
    });
  }

  /** Which addresses may be dialled because of what strangers say. @source H-11 */
  readonly #admits = (address: string): boolean => {
    const found = classOf(address);
    return this.#o.settings.privateMode === true ? found !== null : found === "internet";
  };

  start(): void {
    void this.#round();
  }

  readonly answer: DhtDesk = (rpc, body, address) => this.#dht.answer(rpc, body, address);

  status(): DhtStatus {
    return this.#dht.status;
  }

  find(kind: DhtKind, subject: string): Promise<DhtValue[]> {
    return this.#dht.findValues(kind, subject);
  }

  offer(cid: string): Promise<number> {
    return this.#operators.offer(cid);
  }

  withdraw(cid: string): void {
    this.#operators.withdraw(cid);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#save();
    this.#dht.close();
    await this.#wire.close();
    this.#shelf.close();
  }

  #publish(cid: string): Promise<number> {
    if (this.#dht.status.contacts === 0) return Promise.reject(new HnError("partition", { reason: "dht_lookup_failed" }));
    return this.#dht.publish("cid", () => ({ cid, last_seen: Math.floor(this.#o.clock.now() / 1000) }));
  }

  #publicEndpoint(): DhtEndpoint | undefined {
    const { publicEndpoint } = this.#o.settings;
    return publicEndpoint === undefined ? undefined : readPlace(publicEndpoint, "dht/publicEndpoint");
  }

  async #round(): Promise<void> {
    let pauseMs = ROUND_MS;
    try {
      if (this.#dht.status.contacts === 0) pauseMs = await this.#join();
      if (this.#dht.status.contacts > 0) {
        await this.#advertise();
        await this.#seekMembers();
        this.#rounds += 1;
        if (this.#rounds % SAVE_EVERY === 1) this.#save();
      }
    } catch (error) {
      if (!this.#closed) this.#o.log.warn("a round of the DHT failed", { error });
    }
    if (!this.#closed) this.#timer = this.#o.clock.setTimeout(() => void this.#round(), pauseMs);
  }

  /** @returns milliseconds until the next look */
  async #join(): Promise<number> {
    const { settings, log, random } = this.#o;
    const named = await Promise.all((settings.bootstrap ?? []).map((place) => this.#identify(place)));
    const contacts = [...named.filter((one) => one !== undefined), ...this.#remembered()];
    if ((await this.#dht.join(contacts)) > 0) {
      this.#backoffMs = BACKOFF_MS.first;
      log.info("joined the DHT", { contacts: this.#dht.status.contacts });
      return ROUND_MS;
    }
    if (contacts.length > 0 || (settings.bootstrap ?? []).length > 0) log.warn("no node of the DHT could be reached");
    const pauseMs = this.#backoffMs * (0.75 + ((random(1)[0] ?? 0) / 255) * 0.5);
    this.#backoffMs = Math.min(BACKOFF_MS.most, this.#backoffMs * 2);
    return pauseMs;
  }

  /** Who sits at a place that the owner has named; what it proves holds from then on. @source H-12 */
  async #identify(place: string): Promise<DhtContact | undefined> {
    const endpoint = readPlace(place, "dht/bootstrap");
    const known = this.#remembered().find((one) => one.endpoint.host === endpoint.host && one.endpoint.port === endpoint.port);
    if (known !== undefined) return known;
    try {
      const { node_id } = await this.#o.link.fetchManifest({ transport: "https", ...endpoint });
      return { node_id_full: node_id, endpoint };
    } catch (error) {
      this.#o.log.debug("a bootstrap node did not answer", { place, error });
      return undefined;
    }
  }

  #remembered(): DhtContact[] {
    if (!existsSync(this.#contactsFile)) return [];
    try {
      return contactsIn(parseStrictJson(readFileBounded(this.#contactsFile, CONTACTS_MAX_BYTES)), CONTACTS_KEPT);
    } catch {
      return [];
    }
  }

  #save(): void {
    const contacts = this.#dht.contacts.slice(-CONTACTS_KEPT);
    if (contacts.length > 0) writeFileAtomic(this.#contactsFile, JSON.stringify(contacts));
  }

  async #advertise(): Promise<void> {
    const endpoint = this.#publicEndpoint();
    if (endpoint === undefined) return;
    const { status } = this.#dht;
    const offers = (kind: DhtKind): boolean => status.own.some((one) => one.kind === kind);
    if (!offers("presence")) await this.#dht.publish("presence", () => ({ endpoints: [endpoint] }));
    const { community, signer, settings } = this.#o;
    const id = community.communityId();
    // Membership is nobody's business; where an anchor stands is, if it wants to be found (H-8).
    const isAnchor = id !== null && community.levelOf(signer.nodeId) === "anchor";
    if (!isAnchor || settings.advertiseCommunity === false || offers("community")) return;
    const host = isIP(endpoint.host) === 6 ? `[${endpoint.host}]` : endpoint.host;
    await this.#dht.publish("community", () => ({
      community_id: id,
      anchor_node_ids: [signer.nodeId],
      endpoints: [endpoint],
      manifest_url: `https://${host}:${endpoint.port}/manifest`,
    }));
  }

  /**
   * Asks for members that are out of reach: for a few of them each round, and, where nobody is in reach, for the community's anchors. What comes
   * back is a hint; only whom our own log knows as a member is dialled, and must be who was named.
   */
  async #seekMembers(): Promise<void> {
    const { community, peers } = this.#o;
    const id = community.communityId();
    if (id === null) return;
    const rows = peers.list();
    if (!rows.some(({ online }) => online)) this.#hint(await this.#dht.findValues("community", id));
    const missing = rows.filter(({ state }) => state === "probing" || state === "suspect");
    const from = missing.length === 0 ? 0 : (this.#rounds * SOUGHT_MAX) % missing.length;
    for (const { node_id } of [...missing.slice(from), ...missing.slice(0, from)].slice(0, SOUGHT_MAX))
      this.#hint(await this.#dht.findValues("presence", node_id));
  }

  #hint(values: readonly DhtValue[]): void {
    const { community, peers, clock } = this.#o;
    let dials = 0;
    for (const { payload } of values) {
      if (payload.kind === "cid" || community.standing(payload.node_id).kind !== "member") continue;
      for (const { host, port } of payload.endpoints) {
        if ((dials += 1) > DIALS_MAX) return;
        peers.hint({
          source: "dht",
          host,
          port,
          nodeId: payload.node_id,
          ttlMs: payload.expires_at * 1000 - clock.now(),
          detail: `${payload.kind}, signed until ${formatTime(payload.expires_at * 1000)}`,
          admits: this.#admits,
        });
      }
    }
  }
}

const refused = (): Promise<never> => Promise.reject(new HnError("not_implemented", { reason: "dht_off" }));

/** Where the DHT is switched off: what the operator meets then. */
export const DHT_OFF: Pick<DhtService, "status" | "find" | "offer" | "withdraw"> = {
  status: () => ({ enabled: false, contacts: 0, values: 0, bootstrapped: false, own: [] }),
  find: refused,
  offer: refused,
  withdraw: () => {
    throw new HnError("not_implemented", { reason: "dht_off" });
  },
};

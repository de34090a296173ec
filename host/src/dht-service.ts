/** The DHT of a running node: opened from its settings, joined in the background, kept joined. @source 06 §6, §7 */
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { readPlace } from "./configured-dht.ts";
import type {
  Clock,
  Community,
  DhtContact,
  DhtEndpoint,
  DhtKind,
  DhtStatus,
  DhtValue,
  Endpoint,
  Log,
  PeerLink,
  Peers,
  Random,
  Timer,
} from "./contract/index.ts";
import type { DhtSettings } from "./define-config.ts";
import { contactsIn, Dht, openValueShelf } from "./dht/index.ts";
import { classOf, HnError, parseStrictJson, privateFolder, readFileBounded, writeFileAtomic } from "./foundation/index.ts";
import { verifyTyped, type Signer } from "./identity/index.ts";
import { createDhtWire, type DhtDesk } from "./transport/index.ts";

const CONTACTS_KEPT = 32;
const CONTACTS_MAX_BYTES = 65_536;
const ROUND_MS = 60_000;
const SAVE_EVERY = 5;
/** Of one search; nobody can make this node knock at more doors. @source H-11 */
const DIALS_MAX = 5;
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
  peers: Pick<Peers, "list" | "add">;
  community: Pick<Community, "communityId" | "standing" | "members" | "levelOf">;
}

export interface DhtService {
  answer: DhtDesk;
  /** Joins, and stays joined. Once this node can be reached: whoever is asked asks back. */
  start(): void;
  status(): DhtStatus;
  /** @throws partition reason dht_lookup_failed */
  find(kind: DhtKind, subject: string): Promise<DhtValue[]>;
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
    const admits = (address: string): boolean => {
      const found = classOf(address);
      return isPrivate ? found !== null : found === "internet";
    };
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
  }

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

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#save();
    this.#dht.close();
    await this.#wire.close();
    this.#shelf.close();
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

  /** No neighbour in reach: asks where the community's anchors are. Only whom our own log knows as a member is dialled. */
  async #seekMembers(): Promise<void> {
    const { community, peers, log } = this.#o;
    const id = community.communityId();
    if (id === null || peers.list().some(({ online }) => online)) return;
    let dials = 0;
    for (const { payload } of await this.#dht.findValues("community", id)) {
      if (payload.kind !== "community" || community.standing(payload.node_id).kind !== "member") continue;
      for (const endpoint of payload.endpoints) {
        if ((dials += 1) > DIALS_MAX) return;
        const place: Endpoint = { transport: "https", host: endpoint.host, port: endpoint.port };
        try {
          await peers.add(place, payload.node_id);
          log.info("found a neighbour through the DHT", { node: payload.node_id });
          return;
        } catch (error) {
          log.debug("an anchor named in the DHT did not answer", { error: HnError.from(error).code });
        }
      }
    }
  }
}

/** Where the DHT is switched off: what the operator sees then. */
export const DHT_OFF: DhtStatus = { enabled: false, contacts: 0, values: 0, bootstrapped: false, own: [] };

/**
 * The DHT around a plugin under test: the real code of each node, over lines that carry values instead of bytes.
 * @source plugin-platform §4.7
 */
import { randomBytes } from "node:crypto";
import type { Cid, Clock, DhtContact, DhtEndpoint, NodeId, PluginDht } from "./contract/index.ts";
import { DhtAdverts } from "./dht-adverts.ts";
import { Dht, type Outgoing } from "./dht/index.ts";
import { createUlidFactory, HnError, silentLog } from "./foundation/index.ts";
import { importSeed, Signer, verifyTyped } from "./identity/index.ts";
import { pluginDht } from "./plugin-dht.ts";

/** A test asks as often as it likes, and its clock may stand still. */
const OFTEN = { perSecond: 1e6, capacity: 1e6 };
const RATES = { ping: OFTEN, find_node: OFTEN, find_value: OFTEN, store: OFTEN, greeting: OFTEN };
const PORT = 7080;

interface Citizen {
  nodeId: NodeId;
  dht: Dht;
  contact: DhtContact;
}

export class PluginDhtVillage {
  readonly #clock: Clock;
  readonly #byHost = new Map<string, Citizen>();
  readonly #here: Citizen;
  /** Where everybody joins. */
  readonly #first: Citizen;
  readonly #adverts: DhtAdverts;
  readonly plugins: PluginDht;
  /** Nobody else can be reached. */
  isCut = false;

  /** @param o.signer  of the node that the plugin runs on */
  static async open(o: { signer: Signer; clock: Clock; advertises: boolean }): Promise<PluginDhtVillage> {
    const village = new PluginDhtVillage(o);
    await village.#here.dht.join([village.#first.contact]);
    return village;
  }

  private constructor({ signer, clock, advertises }: { signer: Signer; clock: Clock; advertises: boolean }) {
    this.#clock = clock;
    this.#here = this.#citizen(signer);
    this.#first = this.#citizen(newSigner());
    const { dht, nodeId } = this.#here;
    this.#adverts = new DhtAdverts({
      publish: (cid) => this.#publish(this.#here, cid),
      withdraw: (cid) => dht.withdraw("cid", cid),
    });
    this.plugins = pluginDht({
      self: nodeId,
      advertises,
      adverts: this.#adverts,
      find: (kind, subject) => dht.findValues(kind, subject),
      admits: () => true,
      meet: () => Promise.resolve(),
    });
  }

  /** What the node says that it holds. */
  get advertised(): Cid[] {
    return this.#adverts.cids;
  }

  /** Somebody elsewhere says that they hold it. */
  async holder(cid: Cid): Promise<NodeId> {
    const citizen = await this.#newcomer();
    await this.#publish(citizen, cid);
    return citizen.nodeId;
  }

  /** Somebody elsewhere says that they are an anchor of that community. */
  async anchor(communityId: string, endpoint: DhtEndpoint): Promise<NodeId> {
    const { dht, nodeId } = await this.#newcomer();
    const manifest_url = `https://${endpoint.host}:${endpoint.port}/manifest`;
    await dht.publish("community", () => ({
      community_id: communityId,
      anchor_node_ids: [nodeId],
      endpoints: [endpoint],
      manifest_url,
    }));
    return nodeId;
  }

  /** Who is said to hold it, as somebody hears who has just come. */
  async sources(cid: Cid): Promise<NodeId[]> {
    const { dht } = await this.#newcomer();
    return (await dht.findValues("cid", cid)).map(({ payload }) => payload.node_id);
  }

  close(): void {
    for (const { dht } of this.#byHost.values()) dht.close();
  }

  async #newcomer(): Promise<Citizen> {
    const citizen = this.#citizen(newSigner());
    await citizen.dht.join([this.#first.contact]);
    return citizen;
  }

  #publish({ dht }: Citizen, cid: Cid): Promise<number> {
    if (this.isCut) return Promise.reject(new HnError("partition", { reason: "dht_lookup_failed" }));
    return dht.publish("cid", () => ({ cid, last_seen: Math.floor(this.#clock.now() / 1000) }));
  }

  #citizen(signer: Signer): Citizen {
    const number = this.#byHost.size + 1;
    const host = `203.${number >> 8}.${number & 255}.1`;
    const clock = this.#clock;
    const random = (count: number): Uint8Array => randomBytes(count);
    const dht = new Dht(
      signer.nodeId,
      {
        clock,
        random,
        newId: createUlidFactory(clock, random),
        log: silentLog,
        crypto: { sign: (kind, value) => signer.signDht(kind, value), verify: verifyTyped },
        rpc: (question) => this.#carry(host, question),
      },
      {
        admits: () => true,
        mayCrowd: true,
        endpoint: () => ({ host, port: PORT }),
        isNear: () => false,
        rates: RATES,
      },
    );
    const contact = { node_id_full: signer.nodeId, endpoint: { host, port: PORT } };
    const citizen = { nodeId: signer.nodeId, dht, contact };
    this.#byHost.set(host, citizen);
    return citizen;
  }

  async #carry(from: string, { to, rpc, body }: Outgoing): Promise<unknown> {
    const there = this.#byHost.get(to.endpoint.host);
    const isHere = (host: string): boolean => host === this.#here.contact.endpoint.host;
    if (there === undefined || (this.isCut && (isHere(from) || isHere(to.endpoint.host))))
      throw new HnError("partition", { reason: "provider_unreachable" });
    return structuredClone(there.dht.answer(rpc, structuredClone(body), from));
  }
}

function newSigner(): Signer {
  const { nodeId, key } = importSeed(randomBytes(32));
  return new Signer(nodeId, key);
}

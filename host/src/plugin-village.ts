/**
 * The community of a plugin under test: the real log of each person on disk, under the real rules, over a link that carries values instead of bytes.
 * @source plugin-platform §4.7
 */
import { mkdirSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { openCommunity } from "./community/index.ts";
import type { Clock, Community, DeliverEvent, Event, PeerLink, PeerPlace } from "./contract/index.ts";
import { createUlidFactory, HnError, silentLog } from "./foundation/index.ts";
import { buildManifest, importSeed, Signer } from "./identity/index.ts";

/** Members that a founder may invite. */
export type GuestLevel = "member" | "trusted";

export interface Person {
  name: string;
  signer: Signer;
  community: Community;
  place: PeerPlace;
}

const HARDWARE = { gpu: null, vram_gb: 0, ram_gb: 1, cpu_cores: 1, disk_free_gb: 1 };

export class PluginVillage {
  readonly #dataDir: string;
  readonly #clock: Clock;
  readonly #people = new Map<number, Person>();
  /** Nobody else can be reached. */
  isCut = false;

  /** @param o.dataDir  where the logs lie, a folder for each person */
  constructor(o: { dataDir: string; clock: Clock }) {
    this.#dataDir = o.dataDir;
    this.#clock = o.clock;
  }

  /** Somebody with a key and an empty log. */
  person(name: string): Person {
    const port = this.#people.size + 1;
    const { nodeId, key } = importSeed(randomBytes(32));
    const signer = new Signer(nodeId, key);
    const dataDir = join(this.#dataDir, `person-${port}`);
    mkdirSync(dataDir, { recursive: true });
    const place: PeerPlace = { node_id: nodeId, endpoints: [{ transport: "https", host: "127.0.0.1", port }] };
    const community = openCommunity({
      dataDir,
      signer,
      clock: this.#clock,
      random: (n) => randomBytes(n),
      newUlid: createUlidFactory(this.#clock, (n) => randomBytes(n)),
      log: silentLog,
      displayName: () => name,
      manifest: async (community_id) =>
        buildManifest(signer, {
          now: this.#clock.now(),
          facts: {
            display_name: name,
            community_id,
            profile: "hearth",
            endpoints: place.endpoints,
            hardware: HARDWARE,
            capabilities: [],
            uptime_seconds: 1,
            load: { cpu: 0, in_flight_total: 0 },
          },
        }),
    });
    const person = { name, signer, community, place };
    this.#people.set(port, person);
    return person;
  }

  async found(person: Person, name: string): Promise<void> {
    await person.community.create({ name, rootPassphrase: randomBytes(16).toString("hex") });
  }

  /** Invites and joins in one go. */
  async welcome(o: { host: Person; guest: Person; level: GuestLevel }): Promise<void> {
    const { host, guest, level } = o;
    const invitee = guest.signer.nodeId;
    const invitation = { invitee, display_name: guest.name, level, endpoints: host.place.endpoints };
    const { text } = await host.community.invite(invitation);
    await guest.community.join(text, this.#link(guest));
    await this.meet(host, guest);
  }

  /** Two logs become equal. @throws partition while nobody can be reached */
  async meet(one: Person, other: Person): Promise<void> {
    await one.community.syncWith(other.place, this.#link(one));
  }

  /** How an event of one person's node reaches another's directly. @source 04 §10 */
  deliverFrom(person: Person): DeliverEvent {
    return async (event: Event, to: string) => {
      if (person.community.standing(to).kind !== "member")
        throw new HnError("not_found", { message: "No member of this community has this node id." });
      const target = [...this.#people.values()].find(({ signer }) => signer.nodeId === to);
      if (this.isCut || target === undefined) return "offline";
      return (await person.community.push(event, { peer: target.place, link: this.#link(person) })) ? "direct" : "offline";
    };
  }

  close(): void {
    for (const { community } of this.#people.values()) community.close();
  }

  /** What the transport checks and hands over; each value is a copy, as after the wire. */
  #link(from: Person): PeerLink {
    const reach = (endpoints: readonly { port: number }[]): Community => {
      const person = this.#people.get(endpoints[0]?.port ?? 0);
      if (this.isCut || person === undefined) throw new HnError("partition", { reason: "provider_unreachable" });
      return person.community;
    };
    const admitted = (community: Community): Community => {
      const { kind } = community.standing(from.signer.nodeId);
      if (kind !== "member" && kind !== "invitee") throw new HnError(kind === "revoked" ? "revoked" : "unauthorized");
      return community;
    };
    const { nodeId } = from.signer;
    const carried = <T>(value: T): T => structuredClone(value);
    const unused = (): Promise<never> => Promise.reject(new HnError("not_implemented"));
    return {
      communityManifest: async (peer) => carried(await admitted(reach(peer.endpoints)).manifest()),
      syncHeads: async (peer) => carried(admitted(reach(peer.endpoints)).heads()),
      syncBrief: async (peer, floor) => carried(admitted(reach(peer.endpoints)).brief(floor)),
      syncReconcile: async (peer, message) => carried(await reach(peer.endpoints).reconcile(carried(message), nodeId)),
      syncEvents: async (peer, request) => carried(await reach(peer.endpoints).exchange(carried(request), nodeId)),
      call: unused,
      fetchManifest: unused,
      stream: async function* () {
        return await unused();
      },
    };
  }
}

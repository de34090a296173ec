/**
 * A community of many: of each node the log and its gossip are the host's own, on real SQLite. Below them one function carries JSON from one to the
 * other; HTTP, signatures of requests and discovery are left out, so that a thousand fit into one process.
 */
import { hash } from "node:crypto";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Gossip, openCommunity } from "../../host/src/community/index.ts";
import type { Community, JsonValue, NodeId, PeerLink, PeerPlace, Random, SignatureCheck } from "../../host/src/contract/index.ts";
import { createUlidFactory, HnError, silentLog } from "../../host/src/foundation/index.ts";
import { buildManifest, importSeed, Signer, verifyOnce } from "../../host/src/identity/index.ts";
import type { Place } from "./network.ts";
import type { SimClock } from "./scheduler.ts";
import type { World } from "./world.ts";

const PASSPHRASE = "correct horse battery staple";
/** As the real link. */
const TIMEOUT_MS = 30_000;
/** A neighbour that went, or came back, is noticed within so long. */
const NOTICE_MS = 30_000;
/** Of 4 KiB. */
const PAGES = 32;
const HARDWARE = { gpu: null, vram_gb: 0, ram_gb: 4, cpu_cores: 4, disk_free_gb: 16 };

interface Resident {
  name: string;
  signer: Signer;
  place: Place;
  folder: string;
  random: Random;
}

export interface CrowdNode extends Resident {
  nodeId: NodeId;
  community: Community;
  gossip: Gossip;
  /** Whom it can reach while nothing is cut. */
  near: CrowdNode[];
}

export class Crowd {
  readonly nodes: CrowdNode[] = [];
  /** Questions asked, and bytes of JSON both ways. */
  readonly traffic: { questions: number; bytes: number };
  readonly #world: World;

  private constructor(world: World, traffic: Crowd["traffic"]) {
    this.#world = world;
    this.traffic = traffic;
  }

  /**
   * A community of `count`, all of whom know all; each reaches `reach` others by its own choice, and whoever has chosen it.
   * @param o.folder  where the logs lie
   */
  static async found(
    world: World,
    o: { count: number; reach: number; folder: string; traffic: Crowd["traffic"] },
  ): Promise<Crowd> {
    const crowd = new Crowd(world, o.traffic);
    const residents = Array.from({ length: o.count }, (_, index) =>
      residentOf(world, { name: `node ${index + 1}`, folder: o.folder }),
    );
    const [founder] = residents as [Resident];
    await enrol(world, founder, residents);
    keepFewPages(join(founder.folder, "community.db"));
    // Each of them has synchronised once with the founder: that it would end in the same file is told by other stories.
    for (const resident of residents) {
      if (resident !== founder) cpSync(join(founder.folder, "community.db"), join(resident.folder, "community.db"));
      crowd.nodes.push(crowd.#open(resident));
    }
    const random = world.random.fork("who reaches whom");
    for (const node of crowd.nodes)
      for (let chosen = 0; chosen < o.reach; chosen += 1) meet(node, random.pick(crowd.nodes) as CrowdNode);
    crowd.look();
    return crowd;
  }

  /** Everybody notices, each in its own time, who can be reached now. */
  look(): void {
    const random = this.#world.random.fork(`look at ${this.#world.scheduler.now}`);
    for (const { place, gossip } of this.nodes) place.clock.setTimeout(() => gossip.look(), random.below(NOTICE_MS));
  }

  /** Nodes whose log is that of the first one. */
  equal(): number {
    const key = ({ community }: CrowdNode): string => JSON.stringify(community.brief(0).set ?? null);
    const [first] = this.nodes as [CrowdNode];
    const wanted = key(first);
    return wanted === "null" ? 0 : this.nodes.filter((node) => key(node) === wanted).length;
  }

  close(): void {
    for (const { gossip, community } of this.nodes) {
      gossip.close();
      community.close();
    }
  }

  #open(resident: Resident): CrowdNode {
    const { signer, place, random } = resident;
    const { clock } = place;
    const community = roomOf(resident);
    const node: CrowdNode = { ...resident, nodeId: signer.nodeId, community, near: [], gossip: undefined as never };
    const { network } = this.#world;
    node.gossip = new Gossip({
      nodeId: signer.nodeId,
      community,
      link: this.#linkOf(node),
      reachable: () =>
        node.near.filter((other) => !network.isCut(place, other.place) && !network.isCut(other.place, place)).map(placeOf),
      clock,
      random,
      log: silentLog,
    });
    return node;
  }

  #linkOf(from: CrowdNode): PeerLink {
    const to = ({ node_id: id }: { node_id: NodeId }): CrowdNode => from.near.find(({ nodeId }) => nodeId === id) as CrowdNode;
    const ask = <T>(
      peer: { node_id: NodeId },
      what: string,
      question: unknown,
      answer: (asked: never, there: CrowdNode) => unknown,
    ): Promise<T> =>
      this.#carry<T>({ from, to: to(peer), what, question, answer: answer as (asked: JsonValue, there: CrowdNode) => unknown });
    const none = (): never => {
      throw new HnError("partition", { reason: "provider_unreachable" });
    };
    return {
      call: none,
      stream: none,
      fetchManifest: none,
      communityManifest: none,
      syncHeads: (peer) => ask(peer, "heads", null, (_, { community }) => community.heads()),
      syncBrief: (peer, floor) => ask(peer, "brief", floor, (asked: number, { community }) => community.brief(asked)),
      syncEvents: (peer, request) =>
        ask(peer, "events", request, (asked, { community }) => community.exchange(asked, from.nodeId)),
      syncReconcile: (peer, message) =>
        ask(peer, "ranges", message, (asked, { community }) => community.reconcile(asked, from.nodeId)),
    };
  }

  #carry<T>(o: {
    from: CrowdNode;
    to: CrowdNode;
    what: string;
    question: unknown;
    answer: (asked: JsonValue, there: CrowdNode) => unknown;
  }): Promise<T> {
    const { from, to, what } = o;
    const { network } = this.#world;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = from.place.clock.setTimeout(() => reject(new HnError("timeout")), TIMEOUT_MS);
    const broken = (): void => reject(new HnError("partition", { reason: "provider_unreachable" }));
    const sent = JSON.stringify(o.question);
    this.traffic.questions += 1;
    this.traffic.bytes += sent.length;
    const back = (text: string, refused?: HnError): void => {
      this.traffic.bytes += text.length;
      network.segment(to.place, from.place, {
        label: `${to.name} answers ${from.name}`,
        bytes: text.length,
        broken,
        deliver: () => (refused === undefined ? resolve(JSON.parse(text) as T) : reject(refused)),
      });
    };
    network.segment(from.place, to.place, {
      label: `${from.name} asks ${to.name} for ${what}`,
      bytes: sent.length,
      broken,
      deliver: () =>
        void Promise.resolve()
          .then(() => o.answer(JSON.parse(sent) as JsonValue, to))
          .then(
            (answer) => back(JSON.stringify(answer)),
            (error: unknown) => back("", HnError.from(error)),
          ),
    });
    return promise.finally(() => timer.cancel());
  }
}

function residentOf(world: World, o: { name: string; folder: string }): Resident {
  const random = world.random.fork(o.name);
  const { nodeId, key } = importSeed(random.bytes(32));
  const folder = join(o.folder, o.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = { name: o.name, clock: world.scheduler.clock(o.name), isDown: false };
  return { name: o.name, signer: new Signer(nodeId, key), place, folder, random: random.bytes };
}

/** A signature is judged once in this process, however many nodes meet it. */
const verdicts = new Map<string, boolean>();
const judged = (check: SignatureCheck): boolean => {
  const key = `${check.signature} ${hash("sha256", check.message, "base64")} ${check.by}`;
  let verdict = verdicts.get(key);
  if (verdict === undefined) verdicts.set(key, (verdict = verifyOnce(check)));
  return verdict;
};

function roomOf({ signer, place, folder, name, random }: Resident): Community {
  return openCommunity({
    dataDir: folder,
    signer,
    clock: place.clock,
    random,
    newUlid: createUlidFactory(place.clock, random),
    log: silentLog,
    displayName: () => name,
    verify: (checks) => Promise.resolve(checks.map(judged)),
    manifest: (id) => Promise.resolve(manifestOf({ signer, name, clock: place.clock }, id)),
  });
}

function manifestOf(
  { signer, name, clock }: { signer: Signer; name: string; clock: SimClock },
  community: string,
): ReturnType<typeof buildManifest> {
  return buildManifest(signer, {
    now: clock.now(),
    facts: {
      display_name: name,
      community_id: community,
      profile: "hearth",
      endpoints: [],
      hardware: HARDWARE,
      capabilities: [],
      uptime_seconds: 1,
      load: { cpu: 0, in_flight_total: 0 },
    },
  });
}

/** The founder's log with everybody in it: invited by the founder, joined under their own signature. */
async function enrol(world: World, founder: Resident, residents: readonly Resident[]): Promise<void> {
  const community = roomOf(founder);
  await community.create({ name: "Gartenstraße", rootPassphrase: PASSPHRASE });
  const community_id = community.communityId() ?? "";
  for (const one of residents) {
    if (one === founder) continue;
    const { nodeId } = one.signer;
    await community.invite({ invitee: nodeId, display_name: one.name, level: "member", endpoints: [] });
    const [invited] = community.tail(1);
    if (invited?.event_type !== "community.member.invited") throw new Error("the invitation is not the newest event");
    const event = one.signer.signEvent({
      schema_version: 1,
      event_id: createUlidFactory(one.place.clock, one.random)(),
      lamport: invited.lamport + 1,
      wall_clock: invited.wall_clock,
      community_id,
      author: nodeId,
      event_type: "community.member.joined",
      data: {
        invite_event_id: invited.event_id,
        node_manifest: { ...manifestOf({ ...one, clock: one.place.clock }, community_id) } as never,
      },
    });
    const { rejected_reasons: refused } = await community.exchange(
      { community_id, events: [event], our_heads_by_author: community.heads().heads_by_author },
      nodeId,
    );
    if (refused.length > 0) throw new Error(`${one.name} was not taken in: ${refused[0]?.reason}`);
  }
  community.close();
  world.scheduler.note(`${residents.length} have joined`);
}

/** Says in the file how many pages whoever opens it keeps in memory: by default up to 2 MB, which is most of what a node of the crowd would weigh. */
function keepFewPages(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA default_cache_size = ${PAGES}`);
  db.close();
}

function meet(a: CrowdNode, b: CrowdNode): void {
  if (a === b || a.near.includes(b)) return;
  a.near.push(b);
  b.near.push(a);
}

function placeOf({ nodeId }: CrowdNode): PeerPlace {
  return { node_id: nodeId, endpoints: [] };
}

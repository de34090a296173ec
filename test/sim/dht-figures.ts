/**
 * How well a large DHT finds what was published when a part of it goes at once, and others have agreed to hide it. The room `dht` is the host's own;
 * signatures are fast ones. Those that go are silent: nobody is told that they are gone. @source network.md §8 D1 to D3
 */
import { createHash } from "node:crypto";
import type { DhtContact, DhtValue, JsonObject, JsonValue, NodeId } from "../../host/src/contract/index.ts";
import { compareDistance, idOf, keyBytes } from "../../host/src/dht/distance.ts";
import { dhtKey, importSeed } from "../../host/src/identity/index.ts";
import { HOME_LINE, SimDhtVillage, type Citizen } from "./dht-village.ts";
import { FastKeys } from "./fast-keys.ts";
import type { SimRandom } from "./random.ts";
import type { World } from "./world.ts";

export interface DhtPlan {
  nodes: number;
  lookups: number;
  /** Share of the honest nodes that goes at once, after everything was published. */
  loss: number;
  /** Share of all nodes that work together: they name each other alone, keep nothing and give nothing away. Half of them sit at the keys. */
  colluding: number;
}

export interface DhtFigures {
  found: number;
  lookups: number;
  /** Values that were found and are not the holder's; each of them is sound. */
  foreign: number;
  /** Questions one after another until the value was there: median and the hundredth that took longest. */
  rounds: Spread;
  questions: Spread;
  /** Milliseconds of the world's time until the lookup had ended. */
  ms: Spread;
  gone: number;
  colluders: number;
}

interface Spread {
  p50: number;
  p99: number;
}

/** Share of the lookups that must find. @source network.md §8 D1, D2 */
export const floorOf = ({ colluding }: DhtPlan): number => (colluding === 0 ? 0.999 : 0.995);

export function told(figures: DhtFigures): string {
  const { found, lookups, foreign, gone, colluders, rounds, questions, ms } = figures;
  const missed = lookups - found;
  // Of so many without one failure no more can be said than this.
  const atMost = missed === 0 ? ` (at most ${((3 / lookups) * 100).toPrecision(1)} % fail)` : "";
  const spread = ({ p50, p99 }: Spread, unit = ""): string => `${p50}${unit} p50, ${p99}${unit} p99`;
  return (
    `${gone} gone at once, ${colluders} colluding: ${found} of ${lookups} lookups found, ${((found / lookups) * 100).toFixed(3)} %${atMost}, ${foreign} false values; ` +
    `rounds ${spread(rounds)}; questions ${spread(questions)}; ${spread(ms, " ms")}`
  );
}

const WIDTH = 20;
const AT_ONCE = 200;
const JOIN_MAX = 2000;
/** Of those that are left, so many seek at one time: in a large world each minute is a minute of ten thousand nodes' upkeep. */
const SEEKING = 0.2;
const VALUES_MAX = 500;
/** Of those that collude, at each key that they hide. */
const AT_KEY = 8;
/** So many keys are made for each node, and the nearest chosen; so all of them sit nearer than anybody honest. */
const TRIED = 16;

export async function measureDht(
  world: World,
  plan: DhtPlan,
  say: (line: string) => void = () => undefined,
): Promise<DhtFigures> {
  world.network.model = { ...world.network.model, ...HOME_LINE };
  world.scheduler.turns = 1;
  const random = world.random.fork("dht figures");
  const village = new SimDhtVillage(world, { keys: new FastKeys() });
  try {
    const colluding = Math.round(plan.nodes * plan.colluding);
    const count = colluding === 0 ? Math.min(VALUES_MAX, plan.nodes >> 2) : Math.max(1, Math.floor(colluding / 2 / AT_KEY));
    const cids = Array.from({ length: count }, (_, n) => cidOf(`${world.random.u32()} ${n}`));
    const seeds = colluding === 0 ? [] : seedsNear(cids, { random, tries: plan.nodes * TRIED });
    const honest = plan.nodes - colluding;
    await settle(village, { count: plan.nodes - seeds.length, random, say });
    const colluders = village.citizens.slice(honest);
    const newcomers = seeds.map((seed) => village.add(seed));
    for (let from = 0; from < newcomers.length; from += AT_ONCE)
      await village.enterAll(newcomers.slice(from, from + AT_ONCE), village.citizens.slice(0, honest));
    if (newcomers.length > 0) say(`${newcomers.length} more have joined to sit at ${cids.length} keys`);
    colluders.push(...newcomers);
    collude(village, colluders);

    const citizens = random.shuffle(village.citizens.slice(0, honest));
    const holders = cids.map((cid, n) => ({ cid, holder: citizens[n % citizens.length] as Citizen }));
    for (let from = 0; from < holders.length; from += AT_ONCE)
      await world.settled(Promise.all(holders.slice(from, from + AT_ONCE).map(({ cid, holder }) => publish(holder, cid))));
    say(`${cids.length} values are published`);
    const known = citizens.map(({ dht }) => dht.contacts.length).toSorted((a, b) => a - b);
    say(`each knows ${known[known.length >> 1]} others in the middle of all, ${known[0]} at least`);
    const gone = random.shuffle(citizens).slice(0, Math.round(honest * plan.loss));
    for (const citizen of gone) village.kill(citizen);
    const seekers = citizens.filter((citizen) => !citizen.place.clock.isGone);
    const trials = await seek(world, village, { seekers, holders, lookups: plan.lookups, random, say });
    return { ...summary(trials), gone: gone.length, colluders: colluders.length };
  } finally {
    village.close();
  }
}

/** Everybody joins; where they are too many for it, each has met whom it would have met, and that joining leads there the smaller worlds tell. */
async function settle(
  village: SimDhtVillage,
  { count, random, say }: { count: number; random: SimRandom; say: (line: string) => void },
): Promise<void> {
  if (count > JOIN_MAX) {
    while (village.citizens.length < count) village.add();
    acquaint(village, random);
    return say(`${count} have met, ${megabytes()} MB resident`);
  }
  await village.populate(count);
  say(`${count} have joined, ${megabytes()} MB resident`);
}

const megabytes = (): number => Math.round(process.memoryUsage().rss / 1_048_576);

/**
 * Of each distance, by powers of two, each meets as many as a bucket holds. In the order of their places all of one distance lie side by side:
 * those that share the first bits with it, and not the next one.
 */
function acquaint(village: SimDhtVillage, random: SimRandom): void {
  const sorted = village.citizens
    .map((citizen) => ({ citizen, contact: village.contact(citizen), id: idOf(citizen.nodeId) }))
    .toSorted((a, b) => Buffer.compare(a.id, b.id));
  const bit = (id: Uint8Array, at: number): number => ((id[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  const split = (from: number, end: number, depth: number): void => {
    if (end - from < 2) return;
    let middle = from;
    while (middle < end && bit((sorted[middle] as (typeof sorted)[0]).id, depth) === 0) middle += 1;
    for (const [mine, theirs] of [
      [sorted.slice(from, middle), sorted.slice(middle, end)],
      [sorted.slice(middle, end), sorted.slice(from, middle)],
    ] as const)
      for (const { citizen } of mine) citizen.dht.met(sample(theirs, random).map(({ contact }) => contact));
    split(from, middle, depth + 1);
    split(middle, end, depth + 1);
  };
  split(0, sorted.length, 0);
}

function sample<T>(list: readonly T[], random: SimRandom): readonly T[] {
  if (list.length <= WIDTH) return list;
  const chosen = new Set<T>();
  while (chosen.size < WIDTH) chosen.add(random.pick(list) as T);
  return [...chosen];
}

async function publish(holder: Citizen, cid: string): Promise<void> {
  const build = (): object => ({ cid, last_seen: Math.floor(holder.place.clock.now() / 1000) });
  if ((await holder.dht.publish("cid", build)) < WIDTH / 2) throw new Error("too few keep a value to look for it");
}

interface Trial {
  isFound: boolean;
  foreign: number;
  rounds: number | undefined;
  questions: number;
  ms: number;
}

/** One lookup as it is seen from outside: how far from what the seeker knew each answer was. */
class Watch {
  readonly #key: string;
  readonly #depths: Map<NodeId, number>;
  readonly #holder: NodeId;
  questions = 0;
  rounds: number | undefined;

  constructor(o: { key: string; holder: NodeId; known: readonly DhtContact[] }) {
    this.#key = o.key;
    this.#holder = o.holder;
    const known = o.known.map(({ node_id_full: node }) => ({ node, id: idOf(node) }));
    this.#depths = new Map(nearestOf(keyBytes(o.key), known, WIDTH).map(({ node }) => [node, 1]));
  }

  asked(to: NodeId, question: JsonObject, answer: JsonObject | undefined): void {
    if (question["key"] !== this.#key) return;
    if (answer === undefined) return void (this.questions += 1);
    const depth = this.#depths.get(to) ?? 1;
    for (const { node_id_full: node } of (answer["closer"] ?? []) as unknown as DhtContact[])
      if (!this.#depths.has(node)) this.#depths.set(node, depth + 1);
    const values = (answer["values"] ?? []) as unknown as DhtValue[];
    if (values.some(({ payload }) => payload.node_id === this.#holder)) this.rounds ??= depth;
  }
}

async function seek(
  world: World,
  village: SimDhtVillage,
  o: {
    seekers: readonly Citizen[];
    holders: readonly { cid: string; holder: Citizen }[];
    lookups: number;
    random: SimRandom;
    say: (line: string) => void;
  },
): Promise<Trial[]> {
  const { seekers, holders, random } = o;
  if (o.lookups > seekers.length * holders.length * 0.8) throw new Error("so many lookups would ask twice for the same");
  const watches = new Map<Citizen, Watch>();
  village.onAsked = (from, { to, rpc, question }, answer) => {
    if (rpc === "find_value") watches.get(from)?.asked(to, question, answer);
  };
  const asked = new Set<string>();
  const trials: Trial[] = [];
  const once = async (): Promise<void> => {
    let [seeker, sought] = [random.pick(seekers) as Citizen, random.pick(holders) as (typeof holders)[0]];
    while (watches.has(seeker) || sought.holder === seeker || asked.has(`${seeker.nodeId} ${sought.cid}`))
      [seeker, sought] = [random.pick(seekers) as Citizen, random.pick(holders) as (typeof holders)[0]];
    const { cid, holder } = sought;
    asked.add(`${seeker.nodeId} ${cid}`);
    const watch = new Watch({ key: dhtKey(cid), holder: holder.nodeId, known: seeker.dht.contacts });
    watches.set(seeker, watch);
    const from = world.scheduler.now;
    const values = await seeker.dht.findValues("cid", cid).catch(() => []);
    watches.delete(seeker);
    const own = values.filter(({ payload }) => payload.node_id === holder.nodeId).length;
    const { rounds, questions } = watch;
    trials.push({ isFound: own > 0, foreign: values.length - own, rounds, questions, ms: world.scheduler.now - from });
  };
  const atOnce = Math.ceil(seekers.length * SEEKING);
  let said = 0;
  while (trials.length < o.lookups) {
    await world.settled(Promise.all(Array.from({ length: Math.min(atOnce, o.lookups - trials.length) }, once)));
    if (trials.length - said < 5000) continue;
    said = trials.length;
    o.say(`${trials.filter(({ isFound }) => isFound).length} of ${said} lookups have found`);
  }
  return trials;
}

function summary(trials: readonly Trial[]): Omit<DhtFigures, "gone" | "colluders"> {
  const spread = (of: (trial: Trial) => number | undefined): Spread => {
    const sorted = trials.flatMap((trial) => of(trial) ?? []).toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { p50: at(0.5), p99: at(0.99) };
  };
  return {
    found: trials.filter(({ isFound }) => isFound).length,
    lookups: trials.length,
    foreign: trials.reduce((all, { foreign }) => all + foreign, 0),
    rounds: spread(({ rounds }) => rounds),
    questions: spread(({ questions }) => questions),
    ms: spread(({ ms }) => Math.round(ms)),
  };
}

/** Those that work together: each names those of them that are nearest to the key, says that it keeps what it does not, and has nothing. */
function collude(village: SimDhtVillage, colluders: readonly Citizen[]): void {
  const all = colluders.map((one) => ({ id: idOf(one.nodeId), contact: village.contact(one) }));
  const closer = (key: string): JsonValue =>
    nearestOf(keyBytes(key), all, WIDTH).map(({ contact }) => contact) as unknown as JsonValue;
  for (const colluder of colluders)
    colluder.lies = (rpc, question) => {
      if (rpc === "ping") return undefined;
      if (rpc === "store") return { stored: true };
      return { values: [], closer: closer(question["key"] as string) };
    };
}

/** Nearest first; of thousands a few, so they are not all sorted. */
function nearestOf<T extends { id: Uint8Array }>(target: Uint8Array, all: readonly T[], count: number): T[] {
  const nearest: T[] = [];
  for (const one of all) {
    const last = nearest.at(-1);
    if (nearest.length === count && last !== undefined && compareDistance(target, one.id, last.id) >= 0) continue;
    let at = nearest.length;
    while (at > 0 && compareDistance(target, one.id, (nearest[at - 1] as T).id) < 0) at -= 1;
    nearest.splice(at, 0, one);
    if (nearest.length > count) nearest.pop();
  }
  return nearest;
}

/** Keys whose nodes stand next to those values, `AT_KEY` for each, as somebody finds them who tries long enough. */
function seedsNear(cids: readonly string[], { random, tries }: { random: SimRandom; tries: number }): Uint8Array[] {
  const pool = Array.from({ length: tries }, () => {
    const seed = random.bytes(32);
    return { seed, id: idOf(importSeed(seed).nodeId), isTaken: false };
  });
  return cids.flatMap((cid) => {
    const target = keyBytes(dhtKey(cid));
    const nearest = nearestOf(
      target,
      pool.filter(({ isTaken }) => !isTaken),
      AT_KEY,
    );
    for (const one of nearest) one.isTaken = true;
    return nearest.map(({ seed }) => seed);
  });
}

const cidOf = (text: string): string => `blake3:${createHash("sha256").update(text).digest("hex")}`;

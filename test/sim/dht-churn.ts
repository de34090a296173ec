/**
 * How well a DHT finds what those hold who are there, when all come and go: the host's room on the clock of the world, for hours. Nobody says goodbye, and
 * whoever comes back has nothing but its key and the addresses that it wrote down. @source network.md §7 row 2, §8 D4
 */
import { createHash } from "node:crypto";
import type { DhtContact } from "../../host/src/contract/index.ts";
import { HOME_LINE, SimDhtVillage, type Citizen } from "./dht-village.ts";
import { FastKeys } from "./fast-keys.ts";
import type { SimRandom } from "./random.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;
/** Middle length of a session, and of the time until the next one. */
const MEDIAN_MS = 60 * MINUTE;
/** What a node keeps for its next start. @source network.md §3 "Bootstrap" */
const REMEMBERED = 32;
/** Whoever holds something for less than this may still be telling others. */
const KNOWN_AFTER_MS = 2 * MINUTE;
const PUBLISH_AT_ONCE = 20;

export interface ChurnPlan {
  nodes: number;
  hours: number;
  /** Each minute. */
  lookups: number;
  /** `exponential`: who was there for long is no likelier to stay. `pareto`: most go soon, and some stay for days. */
  sessions: "exponential" | "pareto";
}

export interface ChurnFigures {
  found: number;
  lookups: number;
  /** Values that were found and are not the holder's. */
  foreign: number;
  /** How often one went, and how often one came back and met nobody whom it remembered. */
  left: number;
  lost: number;
  /** Of those that were there, in the mean. */
  present: number;
}

interface Person {
  citizen: Citizen;
  cid: string;
  isThere: boolean;
  /** When it comes or goes next, and since when it holds its value; milliseconds of the world. */
  due: number;
  since: number;
  remembered: DhtContact[];
}

export async function measureChurn(world: World, plan: ChurnPlan): Promise<ChurnFigures> {
  world.network.model = { ...world.network.model, ...HOME_LINE };
  world.scheduler.turns = 1;
  const random = world.random.fork(`dht churn ${plan.sessions}`);
  const village = new SimDhtVillage(world, { keys: new FastKeys() });
  const figures: ChurnFigures = { found: 0, lookups: 0, foreign: 0, left: 0, lost: 0, present: 0 };
  try {
    const people = await settle(world, village, { plan, random });
    const began = world.scheduler.now;
    for (let minute = 1; minute <= plan.hours * 60; minute += 1) {
      const now = began + minute * MINUTE;
      await world.settled(
        Promise.all(
          people.filter(({ due }) => due <= now).map((one) => turn(world, village, { one, people, random, plan, figures })),
        ),
      );
      await world.settled(Promise.all(Array.from({ length: plan.lookups }, () => seek(world, { people, random, figures }))));
      figures.present += people.filter(({ isThere }) => isThere).length / (plan.hours * 60);
      await world.pass(Math.max(0, now - world.scheduler.now));
    }
    return figures;
  } finally {
    village.close();
  }
}

async function settle(world: World, village: SimDhtVillage, o: { plan: ChurnPlan; random: SimRandom }): Promise<Person[]> {
  const { plan, random } = o;
  await village.populate(plan.nodes);
  const { now } = world.scheduler;
  const people = village.citizens.map((citizen, n): Person => ({
    citizen,
    cid: `blake3:${createHash("sha256").update(`churn ${n}`).digest("hex")}`,
    isThere: true,
    due: now + lengthOf(plan, random) * random.unit(),
    since: now,
    remembered: [],
  }));
  for (let from = 0; from < people.length; from += PUBLISH_AT_ONCE)
    await world.settled(Promise.all(people.slice(from, from + PUBLISH_AT_ONCE).map(hold)));
  return people;
}

function lengthOf({ sessions }: ChurnPlan, random: SimRandom): number {
  const share = 1 - random.unit();
  return sessions === "exponential" ? (-Math.log(share) / Math.LN2) * MEDIAN_MS : MEDIAN_MS / 2 / share;
}

/** One that was there goes without a word; one that was away starts, joins and says what it holds. */
async function turn(
  world: World,
  village: SimDhtVillage,
  o: { one: Person; people: readonly Person[]; random: SimRandom; plan: ChurnPlan; figures: ChurnFigures },
): Promise<void> {
  const { one, people, random, plan, figures } = o;
  one.due = world.scheduler.now + lengthOf(plan, random);
  if (one.isThere) {
    one.isThere = false;
    one.remembered = one.citizen.dht.contacts.slice(0, REMEMBERED);
    figures.left += 1;
    return village.kill(one.citizen);
  }
  village.revive(one.citizen);
  one.isThere = true;
  one.since = Infinity;
  const { dht } = one.citizen;
  if ((await dht.join(one.remembered)) === 0) {
    figures.lost += 1;
    // As somebody does who asks a neighbour for an address.
    const other = random.pick(people.filter(({ isThere, since }) => isThere && since < Infinity));
    if (other !== undefined) await dht.join([village.contact(other.citizen)]);
  }
  await hold(one);
  one.since = world.scheduler.now;
}

async function hold({ citizen, cid }: Person): Promise<void> {
  await citizen.dht.publish("cid", () => ({ cid, last_seen: Math.floor(citizen.place.clock.now() / 1000) }));
}

async function seek(
  world: World,
  { people, random, figures }: { people: readonly Person[]; random: SimRandom; figures: ChurnFigures },
): Promise<void> {
  const known = people.filter(({ isThere, since }) => isThere && world.scheduler.now - since >= KNOWN_AFTER_MS);
  const [seeker, holder] = [random.pick(known), random.pick(known)];
  if (seeker === undefined || holder === undefined || seeker === holder) return;
  const values = await seeker.citizen.dht.findValues("cid", holder.cid).catch(() => []);
  const own = values.filter(({ payload }) => payload.node_id === holder.citizen.nodeId).length;
  figures.lookups += 1;
  figures.foreign += values.length - own;
  if (own > 0) figures.found += 1;
}

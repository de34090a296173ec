import assert from "node:assert/strict";
import { Crowd, type CrowdNode } from "../crowd.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

/** `npm run sim -- --nodes 1000` */
const NODES = Number(process.env["HN_SIM_NODES"] ?? 16);
/** Of its own choice; on average it reaches twice as many. */
const REACH = 4;
const HOUR_MS = 3_600_000;
const ROUND_MS = 300_000;
const ROUNDS = 5;
/** Events written on either side of the cut. */
const EVENTS = 50;
const WRITING_MS = 600_000;

/** What a part of the story has cost this machine. */
interface Cost {
  seconds: number;
  questions: number;
  megabytes: number;
  rssMb: number;
}

const mb = (bytes: number): number => Math.round(bytes / 1_048_576);

function costs(traffic: Crowd["traffic"]): () => Cost {
  const { user, system } = process.cpuUsage();
  const before = { ...traffic };
  return () => {
    const spent = process.cpuUsage({ user, system });
    return {
      seconds: Math.round((spent.user + spent.system) / 100_000) / 10,
      questions: traffic.questions - before.questions,
      megabytes: mb(traffic.bytes - before.bytes),
      rssMb: mb(process.memoryUsage().rss),
    };
  };
}

const said = ({ seconds, questions, megabytes, rssMb }: Cost): string =>
  `${seconds} s of processor time, ${questions} questions, ${megabytes} MB, ${rssMb} MB resident`;

export const crowd: Scenario = {
  row: 1,
  name: `a community of ${NODES}, each in reach of a few; an idle hour, then two halves that cannot hear each other, and both write`,
  pass: "logs equal at most 5 rounds after the heal",
  run: async (world, tell) => {
    const traffic = { questions: 0, bytes: 0 };
    const founding = costs(traffic);
    const all = await Crowd.found(world, { count: NODES, reach: REACH, folder: world.folder, traffic });
    try {
      await world.pass(ROUND_MS);
      assert.equal(all.equal(), NODES);
      tell(`founded, and each has met its neighbours: ${said(founding())}`);
      const idle = costs(traffic);
      const idleMs = NODES > 50 ? HOUR_MS : ROUND_MS;
      await world.pass(idleMs);
      tell(`${idleMs / 60_000} idle minutes: ${said(idle())}`);
      const writing = costs(traffic);
      assert.ok((await halves(world, all)) > 0);
      tell(`${2 * EVENTS} events written in two halves: ${said(writing())}`);
      const healing = costs(traffic);
      const rounds = await untilOne(world, all);
      tell(`equal ${rounds} rounds after the heal: ${said(healing())}`);
    } finally {
      all.close();
    }
  },
};

/** @returns how many do not have the log of the first one when the cut is healed */
async function halves(world: World, all: Crowd): Promise<number> {
  const { nodes } = all;
  const [left, right] = [nodes.filter((_, n) => n % 2 === 0), nodes.filter((_, n) => n % 2 === 1)];
  const random = world.random.fork("authors");
  for (const side of [left, right])
    for (const node of side)
      for (const other of node.near)
        if (!side.includes(other)) {
          world.network.cut(node.place, other.place);
          world.network.cut(other.place, node.place);
        }
  all.look();
  for (let n = 0; n < EVENTS; n += 1) {
    for (const side of [left, right])
      await (random.pick(side) as CrowdNode).community.append({ type: "ext.sim.note", data: { n } });
    await world.pass(WRITING_MS / EVENTS);
  }
  const apart = nodes.length - all.equal();
  assert.ok(apart >= right.length, "the halves differ while they are apart");
  world.network.heal();
  all.look();
  return apart;
}

async function untilOne(world: World, all: Crowd): Promise<number> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await world.pass(ROUND_MS);
    if (all.equal() === all.nodes.length) return round;
  }
  assert.equal(all.equal(), all.nodes.length, "nodes that have the log of the first one");
  return Infinity;
}

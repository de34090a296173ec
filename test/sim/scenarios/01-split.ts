import assert from "node:assert/strict";
import { assertOneTruth, assertQuiet, haveOneTruth, logOf } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import { sizeOf } from "../size.ts";
import type { World } from "../world.ts";

/** Quiet time between two exchanges with one peer. @source 04 §8 */
const ROUND_MS = 300_000;
const ROUNDS = 5;

const NAMES = ["anna", "ben", "cem", "dora", "emil"];

const places = (nodes: readonly SimNode[]): SimNode["place"][] => nodes.map(({ place }) => place);

async function write(world: World, nodes: readonly SimNode[], o: { count: number; everyMs: number }): Promise<void> {
  for (let n = 0; n < o.count; n += 1) {
    const author = world.random.pick(nodes) as SimNode;
    await author.community.append({ type: "ext.sim.note", data: { n, by: author.name } });
    await world.pass(o.everyMs);
  }
}

/** @returns after how many rounds all had the same log */
async function untilOne(world: World, nodes: readonly SimNode[]): Promise<number> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await world.pass(ROUND_MS);
    if (haveOneTruth(nodes)) return round;
  }
  assertOneTruth(nodes);
  return Infinity;
}

export const split: Scenario = {
  row: 1,
  name: "three and two cannot hear each other for half an hour, and both write",
  pass: "logs equal at most 5 rounds after the heal; nobody revoked",
  run: async (world, tell) => {
    const nodes = await world.village(NAMES);
    world.network.split(places(nodes.slice(0, 3)), places(nodes.slice(3)));
    await write(world, nodes, { count: sizeOf(12, 40), everyMs: sizeOf(60_000, 45_000) });
    assert.ok(!haveOneTruth(nodes), "the two sides differ while they are apart");
    const before = world.network.counters.bytes;
    world.network.heal();
    const rounds = await untilOne(world, nodes);
    assert.ok(nodes.every(({ community }) => community.members().length === NAMES.length));
    assert.equal(nodes[0]?.community.revokedNodes().length, 0);
    assertQuiet(nodes);
    tell(`${logOf(nodes[0]).length} events, equal after ${rounds} rounds, ${world.network.counters.bytes - before} bytes`);
  },
};

export const oneWay: Scenario = {
  row: 1,
  name: "one direction of one line swallows everything",
  pass: "logs equal at most 5 rounds after the heal",
  run: async (world, tell) => {
    const nodes = await world.village(NAMES.slice(0, 3));
    const [anna, ben] = nodes as [SimNode, SimNode, SimNode];
    world.network.cut(anna.place, ben.place);
    await write(world, nodes, { count: 10, everyMs: 60_000 });
    world.network.heal();
    tell(`equal after ${await untilOne(world, nodes)} rounds`);
    assertQuiet(nodes);
  },
};

export const flapping: Scenario = {
  row: 1,
  name: "lines that come and go every 1 to 60 s",
  pass: "logs equal at most 5 rounds after they stay",
  run: async (world, tell) => {
    const nodes = await world.village(NAMES.slice(0, 4));
    const random = world.random.fork("flapping");
    for (let step = 0; step < sizeOf(12, 30); step += 1) {
      const [a, b] = [random.pick(nodes), random.pick(nodes)] as [SimNode, SimNode];
      if (random.chance(0.5))
        world.network.split(
          [a.place],
          [b.place].filter((place) => place !== a.place),
        );
      else world.network.heal();
      await write(world, nodes, { count: 1, everyMs: 1000 + random.below(59_000) });
    }
    world.network.heal();
    tell(`equal after ${await untilOne(world, nodes)} rounds`);
    assertQuiet(nodes);
  },
};

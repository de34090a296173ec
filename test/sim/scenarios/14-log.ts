import assert from "node:assert/strict";
import type { Event } from "../../../host/src/contract/index.ts";
import { HnError } from "../../../host/src/foundation/index.ts";
import { assertOneTruth, haveOneTruth, logOf } from "../invariants.ts";
import type { SimNode } from "../node.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

const ROUND_MS = 300_000;
const ROUNDS = 5;

async function untilOne(world: World, nodes: readonly SimNode[]): Promise<number> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    await world.pass(ROUND_MS);
    if (haveOneTruth(nodes)) return round;
  }
  assertOneTruth(nodes);
  return Infinity;
}

const note = (node: SimNode, n: number): Promise<Event> =>
  node.community.append({ type: "ext.sim.note", data: { n, by: node.name } });

const blamed = (node: SimNode): string[] => node.community.status().equivocations.map(({ author }) => author);

/**
 * Whatever was acknowledged is there; of two that an author has put in one place, one is, the same on all.
 * @returns at how many places somebody has put two
 */
function assertKept(node: SimNode, written: readonly Event[]): number {
  const log = new Set(logOf(node).map((text) => (JSON.parse(text) as { event: Event }).event.event_id));
  const places = Map.groupBy(written, ({ author, lamport }) => `${author} ${lamport}`);
  for (const [place, events] of places)
    assert.equal(
      events.filter(({ event_id }) => log.has(event_id)).length,
      1,
      `${events.length} events at ${place} were acknowledged`,
    );
  return [...places.values()].filter(({ length }) => length > 1).length;
}

export const twoTongues: Scenario = {
  row: 14,
  name: "a copied folder writes in two places at once, and each half of the village hears another half of it",
  pass: "all logs become equal and everybody is shown who has spoken twice",
  run: async (world, tell) => {
    const nodes = (await world.village(["anna", "ben", "cem", "dora"])) as [SimNode, SimNode, SimNode, SimNode];
    const [anna, ben, cem, dora] = nodes;
    await world.pass(60_000);
    const twin = await world.copyOf(cem);
    const places = (list: readonly SimNode[]): SimNode["place"][] => list.map(({ place }) => place);
    world.network.split(places([anna, cem]), places([ben, dora, twin]));
    // One of the two addresses is known to either half.
    await world.settled(ben.peers.add(twin.endpoint, twin.nodeId).catch(() => undefined));
    const written: Event[] = [];
    for (let n = 0; n < 4; n += 1) {
      written.push(await note(cem, n), await note(twin, n), await note(n % 2 === 0 ? anna : ben, n));
      await world.pass(30_000);
    }
    world.network.heal();
    await twin.kill();
    const rounds = await untilOne(world, nodes);
    const twice = assertKept(anna, written);
    assert.ok(twice > 0, "the story was about events with one lamport");
    for (const node of nodes) assert.ok(blamed(node).includes(cem.nodeId), `${node.name} is not shown who has spoken twice`);
    tell(`equal after ${rounds} rounds; ${twice} places with two events, shown on all ${nodes.length}`);
  },
};

export const backup: Scenario = {
  row: 14,
  name: "a node is put back to an old copy of its folder, and the others remember that it had everything",
  pass: "logs equal, nothing that was acknowledged is lost, and a lamport used again is shown",
  run: async (world, tell) => {
    const nodes = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    const [anna, ben, cem] = nodes;
    await note(cem, 1);
    await world.pass(ROUND_MS);
    const restore = cem.backup();
    const written = [await note(cem, 2), await note(ben, 3), await note(cem, 4)];
    await untilOne(world, nodes);
    await cem.kill();
    restore();
    await cem.start();
    const missing = logOf(anna).length - logOf(cem).length;
    assert.ok(missing >= 3, "the copy is older");
    // It cannot know yet that it wrote more than it finds.
    written.push(await note(cem, 5));
    const rounds = await untilOne(world, nodes);
    const twice = assertKept(anna, written);
    assert.equal(twice, 1);
    for (const node of nodes) assert.deepEqual(blamed(node), [cem.nodeId], `${node.name} is not shown it`);
    written.push(await note(cem, 6), await note(cem, 7));
    await untilOne(world, nodes);
    assert.equal(assertKept(anna, written), twice, "afterwards nothing more");
    tell(`${missing} events came back after ${rounds} rounds; ${twice} lamports used again`);
  },
};

export const lostDisk: Scenario = {
  row: 14,
  name: "a node has lost everything but its key, joins anew, and wants to write at once",
  pass: "it writes nothing before its neighbours were asked, and no lamport twice",
  run: async (world, tell) => {
    const nodes = (await world.village(["anna", "ben", "cem", "dora"])) as [SimNode, SimNode, SimNode, SimNode];
    const [anna, ben, cem, dora] = nodes;
    const written: Event[] = [];
    for (let n = 0; n < 5; n += 1) written.push(await note(cem, n));
    await world.pass(ROUND_MS);
    await cem.kill();
    cem.wipe();
    await cem.start();
    // At first it reaches one neighbour alone, and two must have told what they hold of it.
    world.network.split([cem.place], [ben.place, dora.place]);
    await world.rejoin(cem);
    let held = 0;
    for (let n = 0; n < 240 && written.length < 15; n += 1) {
      if (n === 20) {
        assert.deepEqual([held, written.length], [20, 5], "it wrote before two were asked");
        world.network.heal();
      }
      await note(cem, 100 + n).then(
        (event) => written.push(event),
        (error: unknown) => {
          assert.ok(HnError.isHnError(error) && error.reason === "own_state_unconfirmed", String(error));
          held += 1;
        },
      );
      await world.pass(1000);
    }
    const rounds = await untilOne(world, nodes);
    assert.ok(written.length > 5, "it never wrote again");
    assert.equal(assertKept(anna, written), 0, "a lamport was used twice");
    assert.deepEqual(blamed(anna), []);
    tell(`held back ${held} times, then ${written.length - 5} events; equal after ${rounds} rounds`);
  },
};

export const endedHalfway: Scenario = {
  row: 14,
  name: "a node is ended in the middle of taking many events, over and over",
  pass: "after each start its log is a whole one; at the end all are equal",
  run: async (world, tell) => {
    const nodes = (await world.village(["anna", "ben", "cem"])) as [SimNode, SimNode, SimNode];
    const [anna, , cem] = nodes;
    const random = world.random.fork("ends");
    let ends = 0;
    for (let round = 0; round < 6; round += 1) {
      world.network.split(
        [cem.place],
        nodes.filter((node) => node !== cem).map(({ place }) => place),
      );
      for (let n = 0; n < 40; n += 1) await note(anna, round * 100 + n);
      world.network.heal();
      // Somewhere between the first question and the last answer.
      const asked = cem.community.syncWith({ node_id: anna.nodeId, endpoints: [anna.endpoint] }, cem.link);
      asked.catch(() => undefined);
      await world.pass(random.below(40));
      await cem.kill();
      ends += 1;
      await cem.start();
      const check = await world.settled(cem.community.verifyLog());
      assert.deepEqual([check.broken, check.sums_fit], [[], true], "the log is not whole");
    }
    const rounds = await untilOne(world, nodes);
    tell(`${ends} ends; equal after ${rounds} rounds`);
  },
};

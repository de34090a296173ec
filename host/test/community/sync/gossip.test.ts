import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Gossip } from "../../../src/community/index.ts";
import { silentLog } from "../../../src/foundation/index.ts";
import { found, type Person, refusal, seededRandom, type Tally, Village } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import { bytesOf } from "./support.ts";

interface Scene {
  village: Village;
  anna: Person;
  ben: Person;
  carl: Person;
  /** Ben's. */
  gossip: Gossip;
  tally: Tally;
  reach: { people: Person[]; isCut: boolean };
}

async function scene(t: TestContext, o: { emergency?: boolean } = {}): Promise<Scene> {
  const village = new Village(t);
  const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
  await found(anna);
  await village.welcome(anna, ben);
  await village.welcome(anna, carl);
  const tally: Tally = { requests: 0, bytes: 0 };
  const reach = { people: [anna, carl], isCut: false };
  const gossip = new Gossip({
    nodeId: ben.signer.nodeId,
    community: ben.community,
    link: village.link(ben, { tally, cut: () => reach.isCut }),
    reachable: () => reach.people.map(({ signer, endpoint }) => ({ node_id: signer.nodeId, endpoints: [endpoint] })),
    emergency: () => o.emergency === true,
    clock: village.clock,
    random: seededRandom(5),
    log: silentLog,
  });
  t.after(() => gossip.close());
  return { village, anna, ben, carl, gossip, tally, reach };
}

const at = (gossip: Gossip, person: Person) => gossip.rows().find(({ node_id }) => node_id === person.signer.nodeId);
const settled = (s: Scene, what: string, people: Person[]): Promise<true> =>
  until(what, () => new Set([s.ben, ...people].map((person) => bytesOf(person).join("\n"))).size === 1);

describe("gossip (04 §8)", () => {
  it("meets who is in reach at once, and again every five minutes with one comparison", async (t) => {
    const s = await scene(t);
    await until("both were met", () => s.gossip.rows().every(({ synced_at }) => synced_at !== null));
    await settled(s, "Ben has heard of Carl", [s.anna]);
    await s.gossip.meetAll();
    const { requests } = s.tally;
    s.village.clock.advance(240_000);
    await until("nothing is under way", () => true);
    assert.equal(s.tally.requests, requests, "not before its time");
    s.village.clock.advance(95_000);
    await until("both were asked again", () => s.tally.requests === requests + 2);
  });

  it("asks every 30 seconds while the internet is gone", async (t) => {
    const s = await scene(t, { emergency: true });
    await until("both were met", () => s.gossip.rows().every(({ synced_at }) => synced_at !== null));
    const { requests } = s.tally;
    s.village.clock.advance(34_000);
    await until("both were asked again", () => s.tally.requests >= requests + 2);
  });

  it("hands what is written here to everybody in reach within a moment, gathered in one request", async (t) => {
    const s = await scene(t);
    await until("both were met", () => s.gossip.rows().every(({ synced_at }) => synced_at !== null));
    await s.gossip.meetAll();
    const { requests } = s.tally;
    for (let i = 0; i < 5; i++) await s.ben.community.append({ type: "ext.demo.note", data: { i } });
    s.village.clock.advance(50);
    await settled(s, "both have it", [s.anna, s.carl]);
    assert.equal(s.tally.requests, requests + 2, "one request to each");
  });

  it("rests longer with every failure, and meets who is back at once", async (t) => {
    const s = await scene(t);
    s.reach.isCut = true;
    await until("both have failed", () => s.gossip.rows().every(({ failures }) => failures === 1));
    s.village.clock.advance(5600);
    await until("both have failed again", () => s.gossip.rows().every(({ failures }) => failures === 2));
    s.village.clock.advance(5600);
    assert.ok(s.gossip.rows().every(({ failures }) => failures === 2));
    s.reach.people = [];
    s.gossip.look();
    assert.deepEqual(s.gossip.rows(), []);
    await s.anna.community.append({ type: "ext.demo.note", data: {} });
    s.reach.isCut = false;
    s.reach.people = [s.anna];
    s.gossip.look();
    await settled(s, "Ben has what was written meanwhile", [s.anna]);
    assert.equal(at(s.gossip, s.anna)?.failures, 0);
  });

  it("tells how each exchange went when it is asked for all of them", async (t) => {
    const s = await scene(t);
    await s.gossip.meetAll();
    s.reach.isCut = true;
    const rows = await s.gossip.meetAll();
    assert.equal(rows.length, 2);
    for (const { report, error } of rows) {
      assert.equal(report, null);
      refusal("partition")(error);
    }
  });

  it("gives a place to the next after ten seconds, whoever drips its pages", async (t) => {
    const s = await scene(t);
    const slow = Array.from({ length: 4 }, (_, i) => s.village.person(`Slow ${i}`));
    for (const one of slow) await s.village.welcome(s.anna, one);
    await s.gossip.meetAll();
    await settled(s, "Ben knows them all", [s.anna]);
    const isSlow = (node: string): boolean => slow.some(({ signer }) => signer.nodeId === node);
    const { syncWith } = s.ben.community;
    let held = 0;
    t.mock.method(s.ben.community, "syncWith", (...[place, link]: Parameters<typeof syncWith>) => {
      if (!isSlow(place.node_id)) return syncWith.call(s.ben.community, place, link);
      held += 1;
      return new Promise<never>(() => {});
    });
    s.reach.people = slow;
    s.gossip.look();
    await until("all four places are taken", () => held === 4);
    s.reach.people = [...slow, s.carl];
    s.gossip.look();
    await s.ben.community.append({ type: "ext.demo.note", data: {} });
    s.village.clock.advance(9000);
    const before = s.tally.requests;
    await until("nothing is under way", () => true);
    assert.equal(s.tally.requests, before, "it waits for a place");
    s.village.clock.advance(1000);
    await settled(s, "Carl has it", [s.carl]);
    assert.equal(held, 4, "who is slow is asked no second time meanwhile");
  });

  it("asks nobody who is no member, and nobody any more after leaving", async (t) => {
    const s = await scene(t);
    const stranger = s.village.person("Sam");
    s.reach.people = [s.anna, stranger];
    s.gossip.look();
    assert.equal(at(s.gossip, stranger), undefined);
    await s.gossip.meetAll();
    await s.ben.community.leave();
    assert.deepEqual(s.gossip.rows(), []);
  });
});

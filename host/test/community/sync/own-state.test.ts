import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { found, invite, refusal, Village } from "../../support/people.ts";
import { hand, signed, sync } from "./support.ts";

/** Ben has lost his log; Carl alone has heard his last words. The old invitation still opens the door. */
async function bereft(t: TestContext) {
  const village = new Village(t);
  const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
  await found(anna);
  const text = await invite(anna, ben);
  await ben.community.join(text, village.link(ben));
  await village.welcome(anna, carl);
  await sync(village, ben, anna);
  const last = await ben.community.append({ type: "ext.demo.note", data: { n: 1 } });
  await sync(village, ben, carl);
  ben.community.close();
  rmSync(`${ben.dataDir}/community.db`);
  village.clock.advance(1000);
  ben.reopen();
  return { village, anna, ben, carl, text, last };
}

describe("a node that has lost its log but not its key (network.md §5)", () => {
  it("writes nothing before two neighbours were asked what they hold of it, and uses no lamport twice", async (t) => {
    const { village, anna, ben, carl, text, last } = await bereft(t);
    // The old invitation still opens the door; Carl cannot be reached meanwhile.
    await ben.community.join(text, village.link(ben, { cut: (to) => to === carl }));
    assert.equal(ben.community.status().own_state_confirmed, false);
    const write = () => ben.community.append({ type: "ext.demo.note", data: { n: 2 } });
    await assert.rejects(write(), refusal("partition", "own_state_unconfirmed"));
    ben.reopen();
    await sync(village, ben, anna);
    await assert.rejects(write(), refusal("partition", "own_state_unconfirmed"));
    await sync(village, ben, carl);
    assert.equal(ben.community.status().own_state_confirmed, true);
    const next = await write();
    assert.ok(next.lamport > last.lamport);
    for (const person of [anna, carl]) {
      await sync(village, ben, person);
      assert.deepEqual(person.community.status().equivocations, []);
    }
  });

  it("asks a second neighbour by itself where the log says where it is", async (t) => {
    const { village, ben, text, last } = await bereft(t);
    await ben.community.join(text, village.link(ben));
    assert.ok((await ben.community.append({ type: "ext.demo.note", data: { n: 2 } })).lamport > last.lamport);
  });

  it("would equivocate without being held back, and is shown to do so", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    const one = await ben.community.append({ type: "ext.demo.note", data: { n: 1 } });
    await hand(anna, ben, [one, signed(ben, { lamport: one.lamport, data: { n: 2 } })]);
    assert.deepEqual(
      anna.community.status().equivocations.map(({ author, kind }) => ({ author, kind })),
      [{ author: ben.signer.nodeId, kind: "one_lamport" }],
    );
  });
});

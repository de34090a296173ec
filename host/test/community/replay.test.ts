import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Event } from "../../src/contract/index.ts";
import { replay } from "../../src/community/views/membership.ts";
import { compareEvents } from "../../src/community/log/shape.ts";
import { type Person, Village } from "../support/people.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env["HN_RUNS"] ?? 60);

describe("replay (04 §5, E-6)", () => {
  it(`gives one membership whatever order events arrive in (HN_SEED=${SEED})`, async (t) => {
    const village = new Village(t);
    const [anna, ben, carl, dora] = [
      village.person("Anna"),
      village.person("Ben"),
      village.person("Carl"),
      village.person("Dora"),
    ];
    await anna.community.create({ name: "Niederrhein", rootPassphrase: "correct horse battery" });
    await village.welcome(anna, ben, "trusted");
    await village.welcome(ben, carl);
    await ben.community.syncWith({ node_id: carl.signer.nodeId, endpoints: [carl.endpoint] }, village.link(ben));
    await ben.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(ben));
    // Partition: Anna revokes Carl while Carl, not knowing it, invites Dora.
    await anna.community.promote({ target: carl.signer.nodeId, level: "trusted" });
    const coSigned = await anna.community.demote({ target: carl.signer.nodeId, level: "member" }).catch(() => null);
    assert.equal(coSigned, null, "two eligible signers, one signature");
    await village.welcome(carl, dora);
    const events = [...(await collect(anna)), ...(await collect(dora))];
    const unique = [...new Map(events.map((e) => [`${e.author}/${e.event_id}`, e])).values()];
    const community = anna.community.communityId() ?? "";
    const truth = stateOf(replay(community, () => unique.toSorted(compareEvents)));
    assert.equal(truth.members.length, 4);

    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(unique, { minLength: unique.length }), async (shuffled) => {
        const eva = village.person("Eva");
        await village.welcome(anna, eva);
        // Eva has Anna's half already; the rest reaches her in any order and in pieces.
        for (const event of shuffled)
          await eva.community.exchange(
            { community_id: community, events: [structuredClone(event)], our_heads_by_author: {} },
            eva.signer.nodeId,
          );
        const members = eva.community.members().map((m) => `${m.node_id} ${m.level}`);
        for (const member of truth.members) assert.ok(members.includes(member), member);
      }),
      { seed: SEED, numRuns: Math.min(RUNS, 12) },
    );
  });
});

async function collect(person: Person): Promise<Event[]> {
  const { events } = await person.community.exchange(
    { community_id: person.community.communityId() ?? "", events: [], our_heads_by_author: {} },
    person.signer.nodeId,
  );
  return events ?? [];
}

function stateOf(view: ReturnType<typeof replay>): { members: string[] } {
  return { members: [...view.members.values()].map((m) => `${m.node_id} ${m.level}`) };
}

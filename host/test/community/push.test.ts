import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Event } from "../../src/contract/index.ts";
import { found, refusal, Village, type Person } from "../support/people.ts";

async function neighbours(t: TestContext): Promise<{ village: Village; anna: Person; ben: Person }> {
  const village = new Village(t);
  const [anna, ben] = [village.person("Anna"), village.person("Ben")];
  await found(anna);
  await village.welcome(anna, ben);
  return { village, anna, ben };
}

const write = (person: Person, text: string): Promise<Event> => person.community.append({ type: "note.written", data: { text } });
const peerOf = ({ signer, endpoint }: Person) => ({ node_id: signer.nodeId, endpoints: [endpoint] });
const notesOf = ({ community }: Person): unknown[] =>
  community.read({ types: ["note.written"], limit: 100 }).events.map(({ event }) => event.data["text"]);

test("an own event reaches a neighbour at once, and once (04 §10)", async (t) => {
  const { village, anna, ben } = await neighbours(t);
  const event = await write(anna, "bread");
  const link = village.link(anna);
  assert.equal(await anna.community.push(event, { peer: peerOf(ben), link }), true);
  assert.equal(await anna.community.push(event, { peer: peerOf(ben), link }), true);
  assert.deepEqual(notesOf(ben), ["bread"]);
});

test("what the neighbour lacks of its author goes along: an event by itself would hide those before it for ever (E-13)", async (t) => {
  const { village, anna, ben } = await neighbours(t);
  await write(anna, "first");
  await write(anna, "second");
  const third = await write(anna, "third");
  await write(anna, "fourth");
  const link = village.link(anna);
  assert.equal(await anna.community.push(third, { peer: peerOf(ben), link }), true);
  assert.deepEqual(notesOf(ben), ["first", "second", "third"], "and nothing that came after it");
  await ben.community.syncWith(peerOf(anna), village.link(ben));
  assert.deepEqual(notesOf(ben), ["first", "second", "third", "fourth"]);
});

test("what the neighbour sends back is taken, too", async (t) => {
  const { village, anna, ben } = await neighbours(t);
  await write(ben, "from Ben");
  await anna.community.push(await write(anna, "from Anna"), { peer: peerOf(ben), link: village.link(anna) });
  assert.deepEqual(
    notesOf(anna),
    ["from Ben", "from Anna"].toSorted((a, b) => notesOf(ben).indexOf(a) - notesOf(ben).indexOf(b)),
  );
});

test("a neighbour who cannot be reached is told as such, and only own events are found", async (t) => {
  const { village, anna, ben } = await neighbours(t);
  const event = await write(anna, "bread");
  const link = village.link(anna, { cut: () => true });
  await assert.rejects(anna.community.push(event, { peer: peerOf(ben), link }), refusal("partition"));
  assert.deepEqual(anna.community.ownEvent(event.event_id), event);
  const foreign = await write(ben, "butter");
  await anna.community.syncWith(peerOf(ben), village.link(anna));
  assert.equal(anna.community.ownEvent(foreign.event_id), null);
});

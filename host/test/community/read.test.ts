import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Event, EventPage, EventQuery, Position } from "../../src/contract/index.ts";
import { found, type Person, Village } from "../support/people.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const ALL = { types: ["*"], limit: 1000 };

/** Reads everything, page by page. */
function readAll({ community }: Person, query: EventQuery = ALL): EventPage["events"] {
  const all: EventPage["events"] = [];
  let after: Position | undefined;
  for (;;) {
    const page = community.read({ ...query, ...(after === undefined ? {} : { after }) });
    all.push(...page.events);
    if (page.next === null) return all;
    after = page.next;
  }
}

const told = (person: Person, query?: EventQuery): string[] =>
  readAll(person, query).map(({ event, level }) => `${event.event_type} ${level}`);

async function take(person: Person, events: readonly unknown[]): Promise<void> {
  await person.community.exchange(
    { community_id: person.community.communityId() ?? "", events: structuredClone(events) as Event[], our_heads_by_author: {} },
    person.signer.nodeId,
  );
}

function signed(person: Person, o: { lamport: number; id: string; type?: string; data?: Event["data"] }): Event {
  return person.signer.signEvent({
    schema_version: 1,
    event_id: `01J9Z3K8V4Q2N7M5C6B1A0${o.id.padStart(4, "0")}`,
    lamport: o.lamport,
    wall_clock: "2026-07-01T12:00:00Z",
    community_id: person.community.communityId() ?? "",
    author: person.signer.nodeId,
    event_type: o.type ?? "note.written",
    data: o.data ?? {},
  });
}

describe("the log as views see it (04 §5)", () => {
  it("gives each event its author's level at that place, not the present one", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    await ben.community.append({ type: "note.written", data: { n: 1 } });
    await ben.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(ben));
    await anna.community.promote({ target: ben.signer.nodeId, level: "trusted" });
    await ben.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(ben));
    await ben.community.append({ type: "note.written", data: { n: 2 } });
    assert.deepEqual(told(ben, { types: ["note.written"], limit: 1 }), ["note.written member", "note.written trusted"]);
    assert.equal(ben.community.levelOf(ben.signer.nodeId), "trusted");
  });

  it("filters by type, by all below a prefix, by author and by lamport, and goes on behind a place", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    await take(ben, [
      signed(anna, { lamport: 100, id: "1", type: "chat.message.sent" }),
      signed(anna, { lamport: 101, id: "2", type: "chatter.heard" }),
      signed(ben, { lamport: 102, id: "3", type: "chat.thread.created" }),
      signed(ben, { lamport: 103, id: "4", type: "market.post.created" }),
    ]);
    assert.deepEqual(told(ben, { types: ["chat.*"], limit: 1 }), ["chat.message.sent anchor", "chat.thread.created member"]);
    assert.deepEqual(told(ben, { types: ["*"], from: 101, to: 102, limit: 9 }), [
      "chatter.heard anchor",
      "chat.thread.created member",
    ]);
    assert.deepEqual(told(ben, { types: ["chat.*", "market.post.created"], authors: [ben.signer.nodeId], limit: 9 }), [
      "chat.thread.created member",
      "market.post.created member",
    ]);
    const [first] = readAll(ben, { types: ["chat.*"], limit: 9 });
    assert.deepEqual(told(ben, { types: ["chat.*"], after: first!.event, limit: 9 }), ["chat.thread.created member"]);
    assert.deepEqual(told(ben, { types: [], limit: 9 }), []);
  });

  it("leaves out the second event with one lamport (E-5) and a repeated client_id, whichever came first", async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben);
    const data = { client_id: "01J9Z3K8V4Q2N7M5C6B1A0WXYT" };
    const before = ben.community.revision();
    await take(ben, [
      signed(anna, { lamport: 50, id: "2", type: "a.b" }),
      signed(anna, { lamport: 61, id: "4", type: "c.d", data }),
    ]);
    assert.equal(ben.community.revision(), before, "nothing came late");
    await take(ben, [
      signed(anna, { lamport: 50, id: "1", type: "e.f" }),
      signed(anna, { lamport: 60, id: "3", type: "c.d", data }),
    ]);
    assert.ok(ben.community.revision() > before, "what came late is noticed");
    const seen = readAll(ben, { types: ["a.b", "c.d", "e.f"], limit: 9 }).map(({ event }) => event.lamport);
    assert.deepEqual(seen, [50, 60]);
    assert.deepEqual(told(ben, { types: ["a.b"], limit: 9 }), []);
  });

  it("takes back what a revoked author wrote beyond its cut (E-9)", async (t) => {
    const village = new Village(t);
    const [anna, carl] = [village.person("Anna"), village.person("Carl")];
    await found(anna);
    await village.welcome(anna, carl);
    await take(anna, [signed(carl, { lamport: 40, id: "1" })]);
    assert.deepEqual(told(anna, { types: ["note.written"], limit: 9 }), ["note.written member"]);
    const other = village.person("Dora");
    await village.welcome(anna, other);
    await other.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(other));
    await take(other, [signed(carl, { lamport: 90, id: "2" })]);
    assert.equal(told(other, { types: ["note.written"], limit: 9 }).length, 2);
    const before = other.community.revision();
    await anna.community.revoke({ target: carl.signer.nodeId, reason: "compromised" });
    await other.community.syncWith({ node_id: anna.signer.nodeId, endpoints: [anna.endpoint] }, village.link(other));
    assert.deepEqual(told(other, { types: ["note.written"], limit: 9 }), ["note.written member"]);
    assert.ok(other.community.revision() > before);
  });

  it(`is the same whatever order events arrive in (HN_SEED=${SEED})`, async (t) => {
    const village = new Village(t);
    const [anna, ben] = [village.person("Anna"), village.person("Ben")];
    await found(anna);
    await village.welcome(anna, ben, "trusted");
    const place = fc.record({
      lamport: fc.integer({ min: 30, max: 40 }),
      who: fc.boolean(),
      key: fc.integer({ min: 0, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 2, maxLength: 12 }), fc.func(fc.integer()), async (places, chance) => {
        const events = places.map(({ lamport, who, key }, index) =>
          signed(who ? anna : ben, {
            lamport,
            id: String(index + 1),
            data: key === 0 ? {} : { client_id: `01J9Z3K8V4Q2N7M5C6B1A0KEY${key}` },
          }),
        );
        const readers = [village.person("Eva"), village.person("Finn")];
        for (const [index, reader] of readers.entries()) {
          await village.welcome(anna, reader);
          const order = index === 0 ? events : events.toSorted((a, b) => chance(a.event_id) - chance(b.event_id));
          for (const event of order) await take(reader, [event]);
        }
        const [one, two] = readers.map((reader) => readAll(reader, { types: ["note.written"], limit: 3 }));
        assert.deepEqual(two, one);
      }),
      { seed: SEED, numRuns: Number(process.env["HN_RUNS"] ?? 20) },
    );
  });
});

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Event, JsonObject } from "../../../src/contract/index.ts";
import { letter, post, refusalOf, type LetterFacts } from "../support/letters.ts";
import { Endings, found, invite, Street, type House } from "../support/street.ts";

const DAY_MS = 86_400_000;
const MANIFEST: LetterFacts = { method: "GET", path: "/community/manifest", capability: "sys.community.manifest" };
const HEADS: LetterFacts = { method: "GET", path: "/sync/v1/heads", capability: "sys.sync.heads" };

function events(community_id: string, list: unknown[], more: JsonObject = {}): LetterFacts {
  return {
    path: "/sync/v1/events",
    capability: "sys.sync.events",
    body: { community_id, events: list as JsonObject[], ...more },
  };
}

describe("the community's log over the wire (02 T-6, 04 §8)", () => {
  const endings = new Endings();
  let street: Street;
  let anna: House;
  let ben: House;
  let carl: House;
  let dora: House;
  before(async () => {
    street = new Street(endings);
    const listener = { rates: { perAddress: 1000, softPerCapability: 1000 } };
    [anna, ben] = await street.neighbours({ anna: { listener } });
    [carl, dora] = [await street.house("Carl"), await street.house("Dora")];
    await invite(anna, carl);
  });
  after(() => endings.run());

  async function ask(by: House, facts: LetterFacts): Promise<string> {
    const answer = await post(anna, letter(by.signer, anna, { at: street.clock.now(), community: anna.communityId(), ...facts }));
    return answer.status === 200 ? "200" : refusalOf(answer, anna, { from: by.nodeId });
  }

  it("is there for members and for whom they have invited, and for nobody else", async () => {
    const pull = events(anna.communityId(), []);
    for (const facts of [MANIFEST, HEADS, pull]) {
      assert.equal(await ask(ben, facts), "200");
      assert.equal(await ask(carl, facts), "200");
      assert.equal(await ask(dora, facts), "401 unauthorized");
      assert.equal(await ask(dora, { ...facts, community: dora.nodeId }), "401 unauthorized");
      assert.equal(await ask(carl, { ...facts, community: dora.nodeId }), "404 not_federated");
    }
  });

  it("takes from an invitee its own join and nothing else", async () => {
    const other = await ben.community.append({ type: "ext.demo.note", data: { text: "hello" } });
    assert.equal(await ask(carl, events(anna.communityId(), [other])), "401 unauthorized");
    assert.equal(await ask(ben, events(anna.communityId(), [other])), "200");
    assert.equal(anna.community.heads().heads_by_author[ben.nodeId], other.lamport);
  });

  it("tells in one short answer whether two logs are equal, and compares them by ranges, for members (network.md §5)", async () => {
    const brief = await ben.link.syncBrief(anna.address(), 0);
    assert.equal(brief.set?.count, anna.community.status().counted);
    assert.equal(brief.set?.sum, anna.community.status().sum);
    assert.ok(!("heads_by_author" in brief));
    const ranges: LetterFacts = {
      path: "/sync/v1/reconcile",
      capability: "sys.sync.reconcile",
      body: { community_id: anna.communityId(), floor: 0, ranges: [{ to: [7, ""], mode: 0 }] },
    };
    assert.equal(await ask(ben, ranges), "200");
    assert.equal(await ask(carl, ranges), "401 unauthorized", "who is invited pulls by heads");
    assert.equal(await ask(dora, ranges), "401 unauthorized");
    assert.equal(
      await ask(ben, { ...ranges, body: { community_id: anna.communityId(), floor: 0, ranges: [] } }),
      "400 bad_request",
    );
    const large = { to: [7, ""], mode: 2, data: "A".repeat(70_000) };
    assert.equal(
      await ask(ben, { ...ranges, body: { community_id: anna.communityId(), floor: 0, ranges: [large] } }),
      "400 bad_request too_large",
    );
  });

  it("finds by ranges what heads do not tell: events of one author with one lamport on either side (E-13, E-5)", async () => {
    const twin = (id: string): Event => {
      const { signature: _, ...rest } = note;
      return ben.signer.signEvent({ ...rest, event_id: id, data: { id } });
    };
    const note = await ben.community.append({ type: "ext.demo.note", data: {} });
    await ben.community.syncWith(anna.address(), ben.link);
    const take = (house: House, event: Event) =>
      house.community.exchange({ community_id: anna.communityId(), events: [event], our_heads_by_author: {} }, anna.nodeId);
    await take(anna, twin("01J9Z3K8V4Q2N7M5C6B1A0WXY1"));
    await take(ben, twin("01J9Z3K8V4Q2N7M5C6B1A0WXY2"));
    assert.deepEqual(anna.community.heads().heads_by_author, ben.community.heads().heads_by_author);
    const report = await ben.community.syncWith(anna.address(), ben.link);
    assert.deepEqual({ stage: report.stage, received: report.received, sent: report.sent }, { stage: 2, received: 1, sent: 1 });
    assert.equal((await ben.community.syncWith(anna.address(), ben.link)).stage, 0);
  });

  it("holds a push to its limits", async () => {
    const note = await ben.community.append({ type: "ext.demo.note", data: {} });
    assert.equal(await ask(ben, events(anna.communityId(), Array<Event>(1001).fill(note))), "400 bad_request too_large");
    assert.equal(await ask(ben, events(dora.nodeId, [note])), "400 bad_request");
    assert.equal(await ask(ben, { ...events(anna.communityId(), []), body: { events: [] } }), "400 bad_request");
    const padding = { padding: "x".repeat(4_194_304) };
    assert.equal(await ask(ben, events(anna.communityId(), [], padding)), "400 bad_request too_large");
    assert.equal(await ask(ben, events(anna.communityId(), [], { padding: "x".repeat(4_000_000) })), "200");
  });

  it("says which events it refused and why", async () => {
    const note = await ben.community.append({ type: "ext.demo.note", data: { n: 1 } });
    const forged = { ...note, data: { n: 2 } };
    const answer = await post(
      anna,
      letter(ben.signer, anna, { at: street.clock.now(), ...events(anna.communityId(), [forged, {}]) }),
    );
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body["rejected_reasons"], [
      { event_id: note.event_id, reason: "invalid_signature" },
      { event_id: "", reason: "bad_request" },
    ]);
  });

  it("closes to an invitee whose invitation has run out", async () => {
    street.clock.advance(DAY_MS);
    assert.equal(await ask(carl, HEADS), "401 unauthorized");
    assert.equal(await ask(ben, HEADS), "200");
  });

  it("can be joined at a plain member's node, and by a second try after the first was cut", async (t) => {
    const lane = new Street(t);
    const [one, two] = await lane.neighbours();
    const three = await lane.house("Three");
    const text = await invite(two, three);
    await two.listener.close({ drainMs: 0 });
    await assert.rejects(three.community.join(text, three.link), { code: "partition", reason: "bootstrap_unreachable" });
    assert.equal(three.community.communityId(), null);
    await two.restart({ port: two.endpoint.port });
    await three.community.join(text, three.link);
    assert.equal(two.community.levelOf(three.nodeId), "member");
    await one.community.syncWith(two.address(), one.link);
    assert.equal(one.community.levelOf(three.nodeId), "member");
  });

  it("brings a newcomer more events than one exchange may hold", async (t) => {
    const lane = new Street(t);
    const [one, two] = [await lane.house("One"), await lane.house("Two")];
    await found(one);
    for (let i = 0; i < 1100; i++) await one.community.append({ type: "ext.demo.note", data: { i } });
    await lane.welcome(one, two);
    assert.deepEqual(two.community.heads(), one.community.heads());
  });
});

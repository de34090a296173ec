/** What is believed to be equal, once a day under a salt. @source network.md §5 stage 3 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it, type TestContext } from "node:test";
import { Gossip } from "../../../src/community/index.ts";
import type { PeerLink, Position, RangeMessage } from "../../../src/contract/index.ts";
import { jointSalt, readSaltQuestion, SaltedAnswers, saltedTree } from "../../../src/community/sync/salted.ts";
import { answerRanges, RangeRun, RangeView } from "../../../src/community/sync/ranges.ts";
import { SumTree } from "../../../src/community/sync/sum-tree.ts";
import { ManualClock, silentLog } from "../../../src/foundation/index.ts";
import { found, refusal, seededRandom, type Person, Village } from "../../support/people.ts";
import { until } from "../../support/until.ts";
import { bytesOf, hand, signed } from "./support.ts";

const HOUR_MS = 3_600_000;
const half = (n: number): Uint8Array => seededRandom(n)(32);
const hashOf = (n: number): Buffer => createHash("sha256").update(String(n)).digest();

describe("sums that were crafted to be equal", () => {
  const place = (n: number): Position => ({
    lamport: n + 1,
    event_id: String(n).padStart(26, "0"),
    author: `ed25519:${"A".repeat(43)}`,
  });
  /** Two hashes, of which the one has got as much as the other has lost. */
  const shifted = (n: number, by: number): Buffer => {
    const hash = Buffer.from(hashOf(n));
    hash.writeUInt32BE((hash.readUInt32BE(28) + by) >>> 0, 28);
    return hash;
  };
  function trees(): [SumTree, SumTree] {
    const [one, other] = [new SumTree(), new SumTree()];
    for (let n = 0; n < 2000; n += 1) one.add(place(n), hashOf(n));
    for (let n = 0; n < 2000; n += 1) other.add(place(n), n === 700 ? shifted(n, 1) : n === 701 ? shifted(n, -1) : hashOf(n));
    return [one, other];
  }
  function differing(one: SumTree, other: SumTree): number {
    const [asker, answerer] = [new RangeView(one, 0), new RangeView(other, 0)];
    const run = new RangeRun(asker);
    for (let question = run.question(); question.length > 0; question = run.question())
      run.take(answerRanges(answerer, question));
    return run.missing.size + run.surplus.size;
  }

  it("are not seen without a salt, and with one they are", async () => {
    const [one, other] = trees();
    assert.deepEqual(one.total, other.total);
    assert.equal(differing(one, other), 0, "they stand in one stretch");
    const o = { salt: jointSalt(half(1), half(2)), upTo: 5000, clock: new ManualClock() };
    const salted = await Promise.all([one, other].map((tree) => saltedTree({ tree }, o)));
    assert.notDeepEqual(salted[0]?.total, salted[1]?.total);
    assert.equal(differing(salted[0] as SumTree, salted[1] as SumTree), 4);
  });

  it("are made of the whole log up to where it is compared, also where many wrote at one place", async () => {
    const tree = new SumTree();
    const at = (n: number, author: number): Position => ({ ...place(n), author: `ed25519:${String(author).padStart(43, "0")}` });
    for (let n = 0; n < 600; n += 1) tree.add(at(n, 0), hashOf(n));
    for (let author = 1; author < 900; author += 1) tree.add(at(300, author), hashOf(10_000 + author));
    const o = { salt: half(3), clock: new ManualClock() };
    assert.equal((await saltedTree({ tree }, { ...o, upTo: 600 })).total.count, 1499);
    assert.equal((await saltedTree({ tree }, { ...o, upTo: 300 })).total.count, 300);
  });

  it("are asked for in one form alone", () => {
    const good = { half: Buffer.alloc(32, 1).toString("base64url"), up_to: 7 };
    assert.equal(readSaltQuestion(good).upTo, 7);
    for (const bad of [
      undefined,
      null,
      [],
      "x",
      {},
      { ...good, up_to: -1 },
      { ...good, up_to: 1.5 },
      { ...good, half: "AA" },
      { ...good, half: 7 },
    ])
      assert.throws(() => readSaltQuestion(bad), refusal("bad_request"));
  });
});

describe("a comparison under a salt", () => {
  async function equal(t: TestContext): Promise<{ village: Village; anna: Person; ben: Person; carl: Person }> {
    const village = new Village(t);
    const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
    await found(anna);
    await village.welcome(anna, ben);
    await village.welcome(anna, carl);
    await hand(
      anna,
      ben,
      Array.from({ length: 400 }, (_, i) => signed(ben, { lamport: 50 + i })),
    );
    for (const one of [ben, carl]) await one.community.syncWith(placeOf(anna), village.link(one));
    return { village, anna, ben, carl };
  }
  const placeOf = ({ signer, endpoint }: Person): { node_id: string; endpoints: Person["endpoint"][] } => ({
    node_id: signer.nodeId,
    endpoints: [endpoint],
  });
  const compare = (by: Person, whom: Person, link: PeerLink): ReturnType<Person["community"]["compareSalted"]> =>
    by.community.compareSalted(placeOf(whom), link);

  it("of equal logs moves nothing", async (t) => {
    const { village, anna, ben } = await equal(t);
    const report = await compare(ben, anna, village.link(ben));
    assert.deepEqual(report && { ...report, rounds: report.rounds > 1 }, { stage: 0, received: 0, sent: 0, rounds: true });
  });

  it("of logs that only seem to be equal brings everything to both", async (t) => {
    const { village, anna, ben, carl } = await equal(t);
    const unknown = Array.from({ length: 5 }, (_, i) => signed(carl, { lamport: 60 + i }));
    await hand(anna, carl, unknown);
    await ben.community.append({ type: "dev.note", data: { by: "Ben" } });
    assert.notDeepEqual(bytesOf(anna), bytesOf(ben));
    const report = await compare(ben, anna, village.link(ben));
    assert.equal(report?.stage, 3);
    assert.deepEqual(bytesOf(anna), bytesOf(ben));
  });

  it("is answered each member once in 20 hours, one at a time, and begins with its first question", async (t) => {
    const { village, anna, ben, carl } = await equal(t);
    await compare(ben, anna, village.link(ben));
    await assert.rejects(compare(ben, anna, village.link(ben)), refusal("rate_limited"));
    await assert.rejects(compare(carl, anna, village.link(carl)), refusal("capacity_exceeded"));
    village.clock.advance(600_000);
    assert.equal((await compare(carl, anna, village.link(carl)))?.stage, 0);
    village.clock.advance(20 * HOUR_MS);
    assert.equal((await compare(ben, anna, village.link(ben)))?.stage, 0);
    const message: RangeMessage = {
      community_id: anna.community.communityId() ?? "",
      floor: 0,
      ranges: [{ to: [9_007_199_254_740_991, ""], mode: 1, data: Buffer.alloc(16).toString("base64url") }],
      salt: { half: Buffer.alloc(32, 9).toString("base64url"), up_to: 7 },
    };
    await assert.rejects(anna.community.reconcile(message, ben.signer.nodeId), refusal("expired"));
  });

  it("has ten minutes, after which its sums are forgotten", async (t) => {
    const { village, ben } = await equal(t);
    const answers = new SaltedAnswers({ clock: village.clock, secret: half(7) });
    const tree = new SumTree();
    tree.add({ lamport: 1, event_id: "a", author: ben.signer.nodeId }, hashOf(1));
    const question = { half: half(8), upTo: 9 };
    answers.begin({ tree }, ben.signer.nodeId, question);
    assert.throws(() => answers.tree(ben.signer.nodeId, question), refusal("capacity_exceeded", "log_being_read"));
    await new Promise(setImmediate);
    assert.equal(answers.tree(ben.signer.nodeId, question).total.count, 1);
    village.clock.advance(599_999);
    answers.tree(ben.signer.nodeId, question);
    village.clock.advance(1);
    assert.throws(() => answers.tree(ben.signer.nodeId, question), refusal("expired"));
  });

  it("is not made with whoever knows no salts", async (t) => {
    const { village, anna, ben } = await equal(t);
    const link = village.link(ben);
    const former: PeerLink = {
      ...link,
      syncReconcile: (peer, { salt: _, ...message }) => link.syncReconcile(peer, message),
    };
    assert.equal(await compare(ben, anna, former), null);
  });

  it("is made once a day with everybody whose sums are equal, in the first hour for the first time", async (t) => {
    const { village, anna, ben } = await equal(t);
    const link = village.link(ben);
    let begun = 0;
    const counting: PeerLink = {
      ...link,
      syncReconcile: (peer, message) => {
        if (message.salt !== undefined && message.ranges.every(({ mode }) => mode === 0)) begun += 1;
        return link.syncReconcile(peer, message);
      },
    };
    const reachable = [placeOf(anna)];
    const gossip = new Gossip({
      nodeId: ben.signer.nodeId,
      community: ben.community,
      link: counting,
      reachable: () => reachable,
      clock: village.clock,
      random: seededRandom(5),
      log: silentLog,
    });
    t.after(() => gossip.close());
    const pass = async (hours: number): Promise<void> => {
      for (let minutes = 0; minutes < hours * 60; minutes += 10) {
        const before = gossip.rows()[0]?.synced_at ?? 0;
        village.clock.advance(600_000);
        await until("both have met again", () => (gossip.rows()[0]?.synced_at ?? 0) > before);
      }
    };
    await until("both have met", () => gossip.rows()[0]?.synced_at !== null);
    assert.equal(begun, 0, "not at the start, when everybody asks everybody");
    await pass(2);
    assert.equal(begun, 1);
    await pass(18);
    assert.equal(begun, 1);
    await pass(8);
    assert.equal(begun, 2);
  });
});

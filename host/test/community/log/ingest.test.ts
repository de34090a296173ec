import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it, type TestContext } from "node:test";
import type { Event, VerifyMany } from "../../../src/contract/index.ts";
import { verifyOnce } from "../../../src/identity/index.ts";
import { found, type Person, refusal, Village } from "../../support/people.ts";
import { bytesOf, hand, signed } from "../sync/support.ts";

/** Anna, who founded, Ben, and Carl, who brings what others wrote; Ben's node tells which signatures it looks at. */
async function three(t: TestContext): Promise<{ village: Village; anna: Person; ben: Person; carl: Person; looked: number[] }> {
  const looked: number[] = [];
  const verify: VerifyMany = async (checks) => {
    looked.push(checks.length);
    return checks.map(verifyOnce);
  };
  const village = new Village(t);
  const [anna, carl] = [village.person("Anna"), village.person("Carl")];
  const ben = village.person("Ben", { verify });
  await found(anna);
  await village.welcome(anna, carl);
  await village.welcome(anna, ben);
  looked.length = 0;
  return { village, anna, ben, carl, looked };
}

const many = (author: Person, count: number, from = 100): Event[] =>
  Array.from({ length: count }, (_, i) => signed(author, { lamport: from + i }));

describe("taking events in (network.md §5)", () => {
  it("verifies and stores 256 at a time, in log order, each batch in one step", async (t) => {
    const { anna, ben, carl, looked } = await three(t);
    const heard: number[] = [];
    ben.community.onEvent(({ lamport }) => heard.push(lamport));
    const reply = await hand(ben, carl, many(anna, 600).toReversed());
    assert.equal(reply.accepted, 600);
    assert.deepEqual(looked, [256, 256, 88]);
    assert.deepEqual(
      heard,
      heard.toSorted((a, b) => a - b),
    );
  });

  it("cuts batches at 4 MiB", async (t) => {
    const { anna, ben, carl, looked } = await three(t);
    const big = Array.from({ length: 100 }, (_, i) => signed(anna, { lamport: 100 + i, data: { text: "x".repeat(60_000) } }));
    const reply = await hand(ben, carl, big);
    assert.equal(reply.accepted, 100);
    assert.deepEqual(looked, [69, 31]);
  });

  it("looks at no signature of what is malformed, known, out of bounds or beyond a cut (04 §4)", async (t) => {
    const { anna, ben, carl, looked } = await three(t);
    const good = signed(anna, { lamport: 100 });
    await hand(ben, carl, [good]);
    looked.length = 0;
    const reply = await hand(ben, carl, [
      good,
      { ...good, extra: 1 },
      signed(anna, { lamport: 2 ** 49 }),
      signed(anna, { lamport: 5_000_000 }),
    ]);
    assert.deepEqual(looked, []);
    assert.deepEqual(
      reply.rejected_reasons.map(({ reason }) => reason),
      ["bad_request", "out_of_order", "out_of_order"],
    );
  });

  it("remembers a forged event for an hour by its bytes, so that a genuine one of its id still gets in (E-15)", async (t) => {
    const { village, anna, ben, carl, looked } = await three(t);
    const good = signed(anna, { lamport: 100 });
    const forged = { ...good, data: { altered: true } };
    const reasons = async (event: unknown): Promise<string | undefined> =>
      (await hand(ben, carl, [event])).rejected_reasons[0]?.reason;
    assert.equal(await reasons(forged), "invalid_signature");
    assert.equal(await reasons(forged), "invalid_signature");
    assert.deepEqual(looked, [1], "the second time it is known");
    assert.equal(await reasons(good), undefined);
    village.clock.advance(3_600_001);
    await reasons(forged);
    assert.deepEqual(looked, [1, 1, 1]);
  });

  it("holds a lamport far ahead until others have moved the head (E-5)", async (t) => {
    const { anna, ben, carl } = await three(t);
    const far = signed(anna, { lamport: 1_500_000 });
    assert.deepEqual((await hand(ben, carl, [far])).rejected_reasons, [{ event_id: far.event_id, reason: "out_of_order" }]);
    assert.ok(ben.community.head() < 1000, "nothing is stored and the clock stands where it stood");
    await hand(ben, carl, [signed(anna, { lamport: 900_000 })]);
    assert.equal((await hand(ben, carl, [far])).accepted, 1);
  });

  it("keeps events of an author that is not known yet, until its join arrives (E-6)", async (t) => {
    const { village, anna, ben, carl } = await three(t);
    const dora = village.person("Dora");
    await village.welcome(anna, dora);
    const note = await dora.community.append({ type: "ext.demo.note", data: {} });
    const all = bytesOf(dora).map((text) => JSON.parse(text) as Event);
    const late = all.filter(({ event_id }) => event_id !== note.event_id).slice(-2);
    assert.equal((await hand(ben, carl, [note])).rejected, 0);
    assert.equal((await hand(ben, carl, [note])).rejected, 0);
    assert.equal(ben.community.status().waiting, 1);
    assert.equal((await hand(ben, carl, late.toReversed())).accepted, 3);
    assert.equal(ben.community.status().waiting, 0);
    assert.equal(ben.community.levelOf(dora.signer.nodeId), "member");
  });

  it("takes 2000 an hour of what an author brings of its own, and leaves the rest for later (E-15)", async (t) => {
    const { village, anna, ben, carl } = await three(t);
    const own = many(anna, 2500);
    const send = async (events: Event[], by: Person): Promise<number> => {
      let accepted = 0;
      for (let i = 0; i < events.length; i += 500) {
        const reply = await hand(ben, by, events.slice(i, i + 500));
        assert.equal(reply.rejected, 0, "deferred, never refused");
        accepted += reply.accepted;
      }
      return accepted;
    };
    assert.equal(await send(own, anna), 2000);
    assert.equal(await send(own.slice(0, 2200), carl), 200, "what others bring has passed such a gate");
    village.clock.advance(3_600_000);
    assert.equal(await send(own, anna), 300);
    const odd = Array.from({ length: 1500 }, (_, i) => signed(carl, { lamport: 9000 + i, type: "weird.thing" }));
    assert.equal(await send(odd, carl), 1000, "of types that nobody knows 1000 a day (E-4)");
  });

  it("leaves a peer alone for ten minutes that sends much to refuse (E-15)", async (t) => {
    const { village, anna, ben, carl } = await three(t);
    const forged = many(anna, 60).map((event, i) => (i % 4 === 0 ? { ...event, data: { i } } : event));
    assert.equal((await hand(ben, carl, forged)).rejected, 15);
    await assert.rejects(hand(ben, carl, []), refusal("rate_limited", "peer_backed_off"));
    await hand(ben, anna, []);
    village.clock.advance(600_001);
    await hand(ben, carl, []);
    for (let i = 0; i < 4; i++) await hand(ben, carl, [{ ...signed(anna, { lamport: 300 + i }), data: { i } }]);
    await assert.rejects(hand(ben, carl, []), refusal("rate_limited", "peer_backed_off"));
  });

  it("stops intake when the disk is full and stays readable (disk_full)", async (t) => {
    const { village, anna, ben, carl } = await three(t);
    await hand(ben, carl, many(anna, 50));
    const { exec } = DatabaseSync.prototype;
    let room: number | null = 20;
    // SQLite's own limit raises what a full disk does.
    t.mock.method(DatabaseSync.prototype, "exec", function (this: DatabaseSync, sql: string) {
      exec.call(this, sql);
      if (room === null || !sql.startsWith("BEGIN")) return;
      const { page_count: pages } = this.prepare("PRAGMA page_count").get() as { page_count: number };
      exec.call(this, `PRAGMA max_page_count = ${pages + room}`);
    });
    const before = bytesOf(ben);
    const full = refusal("capacity_exceeded", "disk_full");
    const big = Array.from({ length: 40 }, (_, i) => signed(anna, { lamport: 500 + i, data: { text: "x".repeat(60_000) } }));
    await assert.rejects(hand(ben, carl, big), full);
    assert.deepEqual(bytesOf(ben), before, "the batch has left nothing behind");
    assert.equal(ben.community.read({ types: ["ext.demo.note"], limit: 100 }).events.length, 50);
    room = null;
    t.mock.restoreAll();
    await assert.rejects(hand(ben, carl, big), full, "not tried again at once");
    await assert.rejects(hand(ben, carl, [big[0]]), full);
    village.clock.advance(10_001);
    ben.reopen();
    assert.equal((await hand(ben, carl, big)).accepted, 40);
    assert.equal((await ben.community.verifyLog()).sums_fit, true);
  });

  it("shows who signs two events at one place or under one id, and says so after a restart (E-5, E-17)", async (t) => {
    const { anna, ben, carl } = await three(t);
    const id = "01J9Z3K8V4Q2N7M5C6B1A0WXYT";
    await hand(ben, carl, [signed(anna, { lamport: 100, id }), signed(anna, { lamport: 100, id: "01J9Z3K8V4Q2N7M5C6B1A0WXYZ" })]);
    await hand(ben, carl, [signed(anna, { lamport: 100, id, data: { other: true } })]);
    ben.reopen();
    const shown = ben.community.status().equivocations.map(({ author, kind }) => ({ author, kind }));
    assert.deepEqual(new Set(shown.map(({ kind }) => kind)), new Set(["one_lamport", "one_id"]));
    assert.ok(shown.every(({ author }) => author === anna.signer.nodeId));
  });

  it("finds an altered byte in the log (verify)", async (t) => {
    const { anna, ben, carl } = await three(t);
    await hand(ben, carl, many(anna, 300));
    assert.deepEqual((await ben.community.verifyLog()).broken, []);
    const event = signed(anna, { lamport: 450 });
    await hand(ben, carl, [event]);
    const db = new DatabaseSync(`${ben.dataDir}/community.db`);
    db.prepare("UPDATE events SET raw = ? WHERE event_id = ?").run(
      Buffer.from(JSON.stringify({ ...event, data: { altered: 1 } })),
      event.event_id,
    );
    db.close();
    const { broken, events } = await ben.community.verifyLog();
    assert.deepEqual(broken, [{ author: anna.signer.nodeId, event_id: event.event_id }]);
    assert.equal(events, bytesOf(ben).length);
  });
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { verifyTyped } from "../../../src/identity/index.ts";
import { found, type Person, Village } from "../../support/people.ts";
import { bytesOf, hand, signed, sync } from "../sync/support.ts";

const DAY_MS = 86_400_000;

async function two(village: Village): Promise<[Person, Person]> {
  const [anna, ben] = [village.person("Anna"), village.person("Ben")];
  await found(anna);
  await village.welcome(anna, ben);
  for (const start of [10, 760])
    await hand(
      anna,
      ben,
      Array.from({ length: 750 }, (_, i) => signed(ben, { lamport: start + i })),
    );
  return [anna, ben];
}

describe("snapshots (04 §7)", () => {
  it("are signed, cover up to 1000 below the head, and the last seven stay", async (t) => {
    const village = new Village(t);
    const [anna] = await two(village);
    const { path, lamport, covers_events_up_to: covered } = await anna.community.snapshot();
    assert.equal(covered, lamport - 1000);
    const snapshot = JSON.parse(readFileSync(path, "utf8")) as { author: string; state: { log: { count: number } } };
    assert.equal(verifyTyped("snapshot", snapshot, { by: anna.signer.nodeId }), true);
    assert.equal(snapshot.author, anna.signer.nodeId);
    assert.equal(
      snapshot.state.log.count,
      bytesOf(anna).filter((text) => (JSON.parse(text) as { lamport: number }).lamport <= covered).length,
    );
    for (let i = 0; i < 9; i++) {
      await anna.community.append({ type: "ext.demo.note", data: {} });
      await anna.community.snapshot();
    }
    assert.equal(readdirSync(`${anna.dataDir}/snapshots`).length, 7);
  });
});

describe("retention (04 E-12)", () => {
  it("removes nothing that is young, or that no genuine snapshot covers", async (t) => {
    const village = new Village(t);
    const [anna] = await two(village);
    assert.equal((await anna.community.prune()).pruned, 0);
    const { path } = await anna.community.snapshot();
    assert.equal((await anna.community.prune()).pruned, 0, "all of it is young");
    village.clock.advance(31 * DAY_MS);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace(/"covers_events_up_to":\d+/, '"covers_events_up_to":9999999'));
    assert.equal((await anna.community.prune()).pruned, 0, "an altered snapshot covers nothing");
    writeFileSync(path, text);
    assert.ok((await anna.community.prune()).pruned > 0);
  });

  it("keeps trust history, thread members and the latest keys; what went is not fetched again, and sums still compare", async (t) => {
    const village = new Village(t);
    const [anna, ben] = await two(village);
    const kept = [
      signed(ben, { lamport: 400, type: "federation.peer.added" }),
      signed(ben, { lamport: 401, type: "auth.token.revoked" }),
      signed(ben, { lamport: 402, type: "chat.thread.member.added" }),
      signed(ben, { lamport: 404, type: "e2e.prekeys.published" }),
    ];
    const gone = signed(ben, { lamport: 403, type: "e2e.prekeys.published" });
    village.clock.advance(3_600_000);
    await hand(anna, ben, [...kept, gone]);
    await sync(village, ben, anna);
    await anna.community.snapshot();
    village.clock.advance(31 * DAY_MS);
    const members = anna.community.members();
    const { pruned, floor } = await anna.community.prune();
    assert.ok(pruned > 400 && floor > 400);
    const left = bytesOf(anna);
    for (const event of kept)
      assert.ok(
        left.some((text) => text.includes(event.event_id)),
        event.event_type,
      );
    assert.ok(!left.some((text) => text.includes(gone.event_id)));
    assert.deepEqual(anna.community.members(), members);
    anna.reopen();
    const report = await sync(village, anna, ben);
    assert.deepEqual({ stage: report.stage, received: report.received }, { stage: 0, received: 0 });
    assert.equal((await sync(village, ben, anna)).stage, 0, "whoever pruned nothing finds them equal as well");
    assert.deepEqual(bytesOf(anna), left);
    assert.ok(bytesOf(ben).length > left.length);
    assert.ok(anna.community.status().floor === floor && (await anna.community.verifyLog()).sums_fit);
    // A difference above the floor is still found.
    const forked = signed(ben, { lamport: anna.community.head() - 3, data: { late: true } });
    await hand(ben, ben, [forked]);
    assert.equal((await sync(village, anna, ben)).received, 1);
  });
});

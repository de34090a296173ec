/** Copies of a pinned file in a street whose nodes come and go. @source 30 §6, §11 */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { HnError } from "@hearthnet/sdk-plugin";
import { CHUNK_BYTES } from "../../src/cid/manifest.ts";
import type { FilesConfig } from "../../src/config.ts";
import { Street, type House } from "../support/street.ts";
import { bytesOf } from "../support/test-store.ts";

const CHUNKS = 3;
const BYTES = bytesOf(CHUNKS * CHUNK_BYTES, 5);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

async function street(t: TestContext, houses: number, config: Partial<FilesConfig> = {}): Promise<Street> {
  const opened = await Street.open(houses, { accept_replicas: "yes", ...config });
  t.after(() => opened.close());
  // Everybody learns what everybody takes.
  await opened.tick();
  return opened;
}

async function minutes(s: Street, count: number): Promise<void> {
  for (let minute = 0; minute < count; minute += 1) {
    s.clock.advance(MINUTE);
    await s.tick();
  }
}

const holding = (s: Street, cid: string): House[] => s.houses.filter(({ isUp, test }) => isUp && test.store.complete(cid));
const sent = (s: Street): number => s.houses.reduce((sum, house) => sum + house.sent, 0);

it("three copies on five nodes; two die, and there are three again, with no more bytes than that takes", async (t) => {
  const s = await street(t, 5);
  const a = s.house(0);
  const { cid } = await a.test.put(BYTES, { pin: true });
  await minutes(s, 12);
  const first = holding(s, cid);
  assert.equal(first.length, 3);
  assert.equal(sent(s), 2 * CHUNKS);
  assert.equal(a.replicating.holders(cid), 3);
  assert.equal(s.events("file.replication.scheduled").length, 1, "one asks, for all that are wanted");
  assert.equal(s.events("file.replication.completed").length, 2);
  for (const house of first.filter((house) => house !== a)) {
    assert.equal(house.test.store.stat(cid, "own")?.pinned, true);
    assert.deepEqual(await house.test.bytesOf(cid), Buffer.from(BYTES));
  }
  for (const house of first.slice(0, 2)) house.isUp = false;
  await minutes(s, 60);
  assert.equal(holding(s, cid).length, 1, "within a day they may come back");
  s.clock.advance(DAY);
  await minutes(s, 12);
  assert.equal(holding(s, cid).length, 3);
  assert.equal(sent(s), 4 * CHUNKS);
  await minutes(s, 60);
  assert.equal(sent(s), 4 * CHUNKS, "and then there is peace");
});

it("who is asked and does nothing is passed over after half an hour", async (t) => {
  const s = await street(t, 3, { desired_copies: 2 });
  const [a, b, c] = s.houses as [House, House, House];
  const { cid } = await a.test.put(BYTES, { pin: true });
  s.clock.advance(10 * MINUTE);
  await a.replicating.tick();
  const [wish] = s.events("file.replication.scheduled");
  const { candidate_holders: [asked] = [] } = { ...wish?.data } as { candidate_holders?: string[] };
  const [silent, other] = asked === b.id ? [b, c] : [c, b];
  silent.isUp = false;
  s.settle();
  await minutes(s, 29);
  assert.equal(holding(s, cid).length, 1);
  await minutes(s, 15);
  assert.deepEqual(holding(s, cid), [a, other]);
});

it("nothing private leaves, nothing unpinned is spread, and nobody takes more than they offer", async (t) => {
  const s = await street(t, 4, { replica_budget_bytes: BYTES.byteLength });
  const [a, b, c, d] = s.houses as [House, House, House, House];
  c.config.accept_replicas = "no";
  d.config.accept_replicas = "auto";
  s.clock.advance(11 * MINUTE);
  await s.tick();
  assert.deepEqual(
    s.houses.map(({ params }) => Object.values(params)),
    [[BYTES.byteLength], [BYTES.byteLength], [], []],
  );
  await a.test.put(bytesOf(CHUNK_BYTES, 1), { pin: true, visibility: "private" });
  await a.test.put(bytesOf(CHUNK_BYTES, 2));
  await minutes(s, 12);
  assert.equal(s.log.length, 0);
  const { cid } = await a.test.put(BYTES, { pin: true });
  await minutes(s, 12);
  assert.deepEqual(holding(s, cid), [a, b]);
  const { cid: more } = await a.test.put(bytesOf(CHUNK_BYTES, 3), { pin: true });
  await minutes(s, 45);
  assert.deepEqual(holding(s, more), [a], "b has no room left");
  d.level = "anchor";
  await minutes(s, 24);
  assert.deepEqual(holding(s, more), [a, d], "an anchor takes copies of itself");
});

it("a wish for more than a node takes is turned down by what is really sent", async (t) => {
  const s = await street(t, 2, { replica_budget_bytes: CHUNK_BYTES });
  const [a, b] = s.houses as [House, House];
  const { cid } = await a.test.put(BYTES, { pin: true });
  await a.replicating.announce(cid);
  const data = { cid, desired_copies: 3, current_copies: 1, candidate_holders: [b.id] };
  s.log.push({
    ...s.log[0],
    event_type: "file.replication.scheduled",
    data,
    wall_clock: new Date(s.clock.at).toISOString(),
  } as never);
  s.settle();
  await b.replicating.onRequest({ data });
  await b.replicating.idle();
  assert.ok(a.asked > 0);
  assert.equal(a.sent, 0);
  assert.deepEqual(b.told, ["replica_refused"]);
  assert.deepEqual(holding(s, cid), [a]);
});

it("whoever is asked begins as soon as the log has brought it, with the topic or without (30 §6.3, §6.4)", async (t) => {
  for (const topicFault of [null, new HnError("permission_denied")]) {
    const s = await street(t, 2, { desired_copies: 2 });
    const [a, b] = s.houses as [House, House];
    a.topicFault = topicFault;
    for (const seed of [5, 6]) {
      const { cid } = await a.test.put(bytesOf(CHUNK_BYTES, seed), { pin: true });
      s.clock.advance(10 * MINUTE);
      await a.replicating.tick();
      assert.deepEqual(a.published.splice(0), topicFault === null ? [`file.replication.request.${cid.slice(7, 11)}`] : []);
      // The log has it; nobody's minute is over.
      s.settle();
      await b.replicating.idle();
      assert.deepEqual(holding(s, cid), [a, b]);
    }
    assert.deepEqual(a.warned, []);
  }
});

it("what is wished for while another copy comes is brought right after it", async (t) => {
  const s = await street(t, 2, { desired_copies: 2 });
  const [a, b] = s.houses as [House, House];
  const first = await a.test.put(BYTES, { pin: true });
  s.clock.advance(10 * MINUTE);
  await a.replicating.tick();
  s.settle();
  const second = await a.test.put(bytesOf(CHUNK_BYTES, 8), { pin: true });
  s.clock.advance(10 * MINUTE);
  await a.replicating.tick();
  s.settle();
  await b.replicating.idle();
  assert.deepEqual([holding(s, first.cid).length, holding(s, second.cid).length], [2, 2]);
});

it("a copy comes no faster than the settings say; what somebody fetches for themselves does (30 §6.5)", async (t) => {
  const s = await street(t, 2, { desired_copies: 2, replication_bandwidth_kbps: 1024 });
  const [a, b] = s.houses as [House, House];
  const least = (BYTES.byteLength * 8) / 1024;
  const { cid } = await a.test.put(BYTES, { pin: true });
  s.clock.advance(10 * MINUTE);
  await a.replicating.tick();
  const before = s.clock.at;
  s.settle();
  await b.replicating.idle();
  assert.equal(s.clock.at - before, least);
  const { cid: own } = await a.test.put(bytesOf(CHUNKS * CHUNK_BYTES, 6));
  const { ms } = await s.fetch(b, own, [a]);
  assert.equal(ms, 0);
  assert.equal(holding(s, cid).length, 2);
});

it("on a metered link copies rest while the internet is gone, and go on where they were (30 §6.5)", async (t) => {
  const s = await street(t, 2, { desired_copies: 2 });
  const [a, b] = s.houses as [House, House];
  const online = (house: House, internet: boolean): void => {
    house.internet = internet;
    house.onInternet();
  };
  const { cid } = await a.test.put(BYTES, { pin: true });

  a.config.metered_link = true;
  online(a, false);
  await minutes(s, 12);
  assert.equal(s.events("file.replication.scheduled").length, 0, "it asks nobody");
  assert.equal((await a.replicating.facts()).resting, true);
  online(a, true);
  s.clock.advance(10 * MINUTE);
  await a.replicating.tick();

  // The other one's internet goes while the copy comes.
  b.config.metered_link = true;
  b.answer = null;
  a.answer = async function* (_input, honest) {
    const frames = honest();
    for (let sent = 0; ;) {
      const next = await frames.next();
      if (next.done === true) return next.value;
      if (next.value.event === "chunk" && ++sent > 1) {
        online(b, false);
        await new Promise((resolve) => setImmediate(resolve));
      }
      yield next.value;
    }
  };
  s.settle();
  await b.replicating.idle();
  assert.ok(!b.test.store.complete(cid) && a.sent > 0 && a.sent < CHUNKS, `${a.sent} came`);
  await minutes(s, 12);
  assert.ok(!b.test.store.complete(cid));
  assert.deepEqual(b.told, [], "a rest is no failure");
  assert.deepEqual(b.params, {}, "nobody is to ask it meanwhile");

  a.answer = null;
  const before = a.sent;
  online(b, true);
  await b.replicating.idle();
  assert.deepEqual(holding(s, cid), [a, b]);
  assert.ok(a.sent - before < CHUNKS, "what had come is not asked for again");
});

it("without the internet copies go on where the link costs nothing", async (t) => {
  const s = await street(t, 2, { desired_copies: 2 });
  const { cid } = await s.house(0).test.put(BYTES, { pin: true });
  for (const house of s.houses) house.internet = false;
  await minutes(s, 12);
  assert.equal(holding(s, cid).length, 2);
});

it("of too many copies those kept for others go after a week; the original stays", async (t) => {
  const s = await street(t, 5, { desired_copies: 5 });
  const a = s.house(0);
  const { cid } = await a.test.put(BYTES, { pin: true });
  await minutes(s, 12);
  assert.equal(a.replicating.holders(cid), 5);
  for (const house of s.houses) house.config.desired_copies = 1;
  s.clock.advance(6 * DAY);
  await minutes(s, 12);
  assert.equal(a.replicating.holders(cid), 5);
  s.clock.advance(DAY);
  await minutes(s, 24);
  assert.equal(a.replicating.holders(cid), 3);
  assert.equal(a.test.store.stat(cid, "own")?.pinned, true);
  assert.equal(s.houses.filter(({ test }) => test.store.stat(cid, "own")?.pinned === true).length, 3);
});

it("a file with too few copies is not evicted", async (t) => {
  const s = await street(t, 1);
  const a = s.house(0);
  const { cid } = await a.test.put(BYTES, { pin: true });
  await minutes(s, 12);
  a.test.store.pin(cid, false);
  a.test.bounds = { totalBytes: 1e6, freeBytes: 0 };
  s.clock.advance(2 * 60 * MINUTE);
  const rules = { threshold: 0.5, target: 0.1, partialTtlMs: 1e9 };
  assert.equal((await a.test.collect(rules)).evicted, 0);
  await minutes(s, 12);
  assert.equal((await a.test.collect(rules)).evicted, 1, "unpinned, it is not wanted any more");
});

/** Files that are found, and said, in the DHT. @source 30 §5.1, §5.5; 06 H-8 */
import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { HnError } from "@hearthnet/sdk-plugin";
import { Street, type House } from "../support/street.ts";
import { bytesOf } from "../support/test-store.ts";

const BYTES = bytesOf(300_000, 3);
const FAILED = { code: "partition", reason: "fetch_failed" };

async function street(t: TestContext, houses: number): Promise<Street> {
  const opened = await Street.open(houses);
  t.after(() => opened.close());
  return opened;
}

const put = async (house: House, seed: number, visibility: "public" | "community" | "private"): Promise<string> => {
  const { cid } = await house.test.put(bytesOf(1000, seed), { visibility });
  await house.fetching.beacon.settle();
  return cid;
};

it("a file that none of the neighbours asked has is found through the DHT alone, and without it not", async (t) => {
  const s = await street(t, 12);
  const [last, first] = [s.house(11), s.house(0)];
  const { cid } = await last.test.put(BYTES, { visibility: "public" });
  await last.fetching.beacon.settle();
  assert.deepEqual([...last.said], [cid]);

  s.dhtFault = new HnError("not_implemented", { reason: "dht_off" });
  await assert.rejects(s.fetch(first, cid), FAILED);
  assert.equal(last.asked, 0);
  assert.deepEqual([first.warned, first.whispered], [[], ["The DHT does not say who has the file."]]);

  s.dhtFault = null;
  const { sources } = await s.fetch(first, cid);
  assert.deepEqual(sources, [last.id]);
  assert.deepEqual(await first.test.bytesOf(cid), Buffer.from(BYTES));
  await first.fetching.beacon.settle();
  assert.deepEqual(first.everSaid, [], "what was fetched is the community's here, and is not said");
});

it("neighbours are asked before the DHT is", async (t) => {
  const s = await street(t, 3);
  const [a, b] = [s.house(0), s.house(1)];
  const { cid } = await a.test.put(BYTES, { visibility: "community" });
  s.dhtFault = new HnError("internal_error");
  await s.fetch(b, cid);
  assert.deepEqual(b.whispered, []);
});

it("public files are said while they are public and here, others never (H-8)", async (t) => {
  const s = await street(t, 1);
  const a = s.house(0);
  const { store } = a.test;
  const cid = await put(a, 1, "public");
  const shared = await put(a, 2, "community");
  const own = await put(a, 3, "private");
  assert.deepEqual([...a.said], [cid]);

  await store.share(shared, "public");
  await a.fetching.beacon.settle();
  assert.deepEqual([...a.said].toSorted(), [cid, shared].toSorted());
  await store.share(cid, "community");
  await a.fetching.beacon.settle();
  assert.deepEqual([...a.said], [shared]);
  await store.remove(shared);
  await a.fetching.beacon.settle();
  assert.deepEqual([...a.said], []);
  assert.ok(!a.everSaid.includes(own));
  assert.equal(a.everSaid.length, 2, "nothing is said twice");
});

it("what could not be said is said with the next minute's work; a DHT that is off is not asked again", async (t) => {
  const s = await street(t, 1);
  const a = s.house(0);
  s.dhtFault = new HnError("partition", { reason: "dht_lookup_failed" });
  const cids = [await put(a, 1, "public"), await put(a, 2, "public")];
  const tried = a.everSaid.length;
  assert.equal(tried, 4, "each look tries one file, and leaves the others for later");
  assert.deepEqual([a.warned, a.whispered.length], [[], tried]);
  s.dhtFault = null;
  await s.tick();
  await a.fetching.beacon.settle();
  assert.deepEqual([...a.said].toSorted(), cids.toSorted());

  s.dhtFault = new HnError("not_implemented", { reason: "dht_adverts_off" });
  await put(a, 3, "public");
  const asked = a.everSaid.length;
  s.dhtFault = null;
  await put(a, 4, "public");
  await s.tick();
  assert.equal(a.everSaid.length, asked);
});

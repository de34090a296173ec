import assert from "node:assert/strict";
import { test } from "node:test";
import { DhtAdverts } from "../src/dht-adverts.ts";
import { HnError } from "../src/foundation/index.ts";
import { refusal } from "./support/people.ts";

const CID = `blake3:${"1".repeat(64)}`;

/** What others would hear: set when it has been said, as the room `dht` does. */
function world(): { said: Set<string>; adverts: DhtAdverts; pending: PromiseWithResolvers<number>[] } {
  const said = new Set<string>();
  const pending: PromiseWithResolvers<number>[] = [];
  const adverts = new DhtAdverts({
    publish: async (cid) => {
      const way = Promise.withResolvers<number>();
      pending.push(way);
      const kept = await way.promise;
      said.add(cid);
      return kept;
    },
    withdraw: (cid) => void said.delete(cid),
  });
  return { said, adverts, pending };
}

test("what one withdraws is said on as long as another wants it (06 §7)", async () => {
  const { said, adverts, pending } = world();
  const [one, other] = [adverts.open(), adverts.open()];
  const both = [one.offer(CID), other.offer(CID)];
  for (const way of pending) way.resolve(3);
  assert.deepEqual(await Promise.all(both), [3, 3]);
  one.withdraw(CID);
  one.withdraw(CID);
  assert.deepEqual([[...said], one.size, other.size], [[CID], 0, 1]);
  other.close();
  assert.deepEqual([[...said], adverts.cids], [[], []]);
  await assert.rejects(other.offer(CID), refusal("plugin_gone"));
});

test("what is withdrawn while it is being said is not said afterwards", async () => {
  const { said, adverts, pending } = world();
  const one = adverts.open();
  const offered = one.offer(CID);
  one.close();
  pending[0]?.resolve(3);
  await offered;
  assert.deepEqual([...said], []);
});

test("what nobody could be told of is wanted no longer", async () => {
  const { adverts, pending } = world();
  const one = adverts.open();
  const offered = one.offer(CID);
  assert.ok(one.has(CID));
  pending[0]?.reject(new HnError("partition", { reason: "dht_lookup_failed" }));
  await assert.rejects(offered, refusal("partition", "dht_lookup_failed"));
  assert.deepEqual([one.has(CID), adverts.cids], [false, []]);
});

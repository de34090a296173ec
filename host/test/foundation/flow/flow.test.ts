import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Disposer, LruMap, TokenBucket } from "../../../src/foundation/index.ts";

describe("Disposer", () => {
  it("closes last first, goes on after a failure and names it", async () => {
    const order: string[] = [];
    const disposer = new Disposer();
    disposer.add("first", () => order.push("first"));
    disposer.add("broken", () => {
      throw new Error("no");
    });
    disposer.add("last", async () => {
      await Promise.resolve();
      order.push("last");
    });
    const failed = await disposer.close();
    assert.deepEqual(order, ["last", "first"]);
    assert.deepEqual(
      failed.map((f) => f.name),
      ["broken"],
    );
    assert.deepEqual(await disposer.close(), []);
  });
});

describe("LruMap", () => {
  it("drops what was used longest ago", () => {
    const map = new LruMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    assert.equal(map.get("a"), 1);
    map.set("c", 3);
    assert.deepEqual([map.get("a"), map.get("b"), map.get("c"), map.size], [1, undefined, 3, 2]);
    assert.ok(map.delete("a"));
  });
});

describe("LruMap.trim", () => {
  it("drops what is stale, from the least recently used one up to one that is not", () => {
    const map = new LruMap<string, number>(9);
    for (const [key, value] of [
      ["a", 1],
      ["b", 1],
      ["c", 5],
      ["d", 1],
    ] as const)
      map.set(key, value);
    map.get("a");
    map.trim((value) => value < 5);
    assert.deepEqual(
      ["a", "b", "c", "d"].filter((key) => map.get(key) !== undefined),
      ["a", "c", "d"],
    );
  });
});

describe("TokenBucket (02 T-12)", () => {
  it("holds twice the rate, then says how long to wait", () => {
    const bucket = new TokenBucket({ perSecond: 10, now: 0 });
    for (let i = 0; i < 20; i++) assert.equal(bucket.take(0), 0);
    assert.equal(bucket.take(0), 100);
    assert.ok(bucket.take(98) <= 3);
    assert.equal(bucket.take(100), 0);
  });

  it("lends tokens that are not there, and says when they have come in: all of them, not the next one", () => {
    const bucket = new TokenBucket({ perSecond: 10, capacity: 2, now: 0 });
    assert.deepEqual([bucket.borrow(0), bucket.borrow(0)], [0, 0]);
    assert.deepEqual([bucket.borrow(0), bucket.borrow(0), bucket.borrow(0)], [100, 200, 300]);
    assert.equal(bucket.borrow(300), 100);
  });

  it("gives nothing for a clock that steps back", () => {
    const bucket = new TokenBucket({ perSecond: 1, capacity: 1, now: 1000 });
    assert.equal(bucket.take(1000), 0);
    assert.ok(bucket.take(0) > 0);
    assert.equal(bucket.isFull(1500), false);
    assert.equal(bucket.isFull(2000), true);
  });
});

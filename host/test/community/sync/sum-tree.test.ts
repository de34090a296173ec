import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareEvents } from "../../../src/community/log/shape.ts";
import { type Bound, boundBetween, BEGINNING, END, SumTree } from "../../../src/community/sync/sum-tree.ts";
import type { Position } from "../../../src/contract/index.ts";
import { holds } from "../../support/property.ts";

const hashOf = (p: Position): Buffer => createHash("sha256").update(JSON.stringify(p)).digest();
const ID = (n: number): string => `01J9Z3K8V4Q2N7M5C6B1A0${String(n).padStart(4, "0")}`;
const place = fc.record(
  {
    lamport: fc.integer({ min: 1, max: 60 }),
    event_id: fc.integer({ min: 0, max: 40 }).map(ID),
    author: fc.constantFrom("ed25519:a", "ed25519:b"),
  },
  { noNullPrototype: true },
);
const keyOf = (p: Position): string => `${p.lamport}/${p.event_id}/${p.author}`;

/** The same by looking at every item. */
function slow(items: Iterable<Position>, from: Bound, to: Bound): { count: number; sum: bigint } {
  const isBefore = (p: Position, [lamport, id]: Bound): boolean =>
    p.lamport < lamport || (p.lamport === lamport && p.event_id < id);
  const inside = [...items].filter((p) => !isBefore(p, from) && isBefore(p, to));
  const sum = inside.reduce((all, p) => (all + BigInt(`0x${hashOf(p).toString("hex")}`)) % (1n << 256n), 0n);
  return { count: inside.length, sum };
}

describe("sums over the log (network.md §5)", () => {
  it("are those of the items whatever was added and removed in which order", () => {
    const step = fc.record({ place, gone: fc.boolean() });
    const bound = fc.tuple(fc.integer({ min: 0, max: 62 }), fc.integer({ min: 0, max: 41 }).map(ID));
    holds(
      fc.property(fc.array(step, { maxLength: 600 }), bound, bound, (steps, a, b) => {
        const tree = new SumTree();
        const present = new Map<string, Position>();
        for (const { place: p, gone } of steps) {
          const had = present.has(keyOf(p));
          if (gone) {
            assert.equal(tree.remove(p), had);
            present.delete(keyOf(p));
          } else {
            assert.equal(tree.add(p, hashOf(p)), !had);
            present.set(keyOf(p), p);
          }
        }
        const sorted = [...present.values()].toSorted(compareEvents);
        assert.deepEqual(
          [...tree.items()].map(({ position }) => position),
          sorted,
        );
        const [from, to] = a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]) ? [a, b] : [b, a];
        assert.deepEqual(tree.between(from, to), slow(sorted, from, to));
        assert.deepEqual(tree.total, slow(sorted, BEGINNING, END));
        assert.deepEqual(tree.last, sorted.at(-1) ?? null);
        for (const rank of [0, sorted.length >> 1, sorted.length - 1])
          if (sorted[rank] !== undefined) assert.deepEqual(tree.at(rank), sorted[rank]);
      }),
    );
  });

  it("stay right over three floors of the tree, filled in order and from behind", () => {
    for (const direction of [1, -1]) {
      const tree = new SumTree();
      const items = Array.from({ length: 9000 }, (_, i) => ({ lamport: i + 1, event_id: ID(i % 7), author: "ed25519:a" }));
      for (const item of direction === 1 ? items : items.toReversed()) tree.add(item, hashOf(item));
      assert.deepEqual(tree.total, slow(items, BEGINNING, END));
      assert.deepEqual(tree.between([4000, ""], [8001, ""]), slow(items, [4000, ""], [8001, ""]));
      for (const item of items.slice(100, 8900)) assert.ok(tree.remove(item));
      assert.deepEqual(tree.total, slow([...items.slice(0, 100), ...items.slice(8900)], BEGINNING, END));
      assert.throws(() => tree.at(200), RangeError);
    }
  });

  it("cuts between two neighbours with as few characters as it takes, and not between authors", () => {
    const at = (lamport: number, id: string, author = "ed25519:a"): Position => ({ lamport, event_id: id, author });
    assert.deepEqual(boundBetween(at(1, "AAAA"), at(3, "AAAA")), [3, ""]);
    assert.deepEqual(boundBetween(at(3, "AABA"), at(3, "AACZ")), [3, "AAC"]);
    assert.equal(boundBetween(at(3, "AA"), at(3, "AA", "ed25519:b")), null);
  });
});

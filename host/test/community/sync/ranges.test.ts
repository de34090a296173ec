import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readRangeMessage, type Range, writeRanges } from "../../../src/community/sync/range-message.ts";
import { answerRanges, fingerprint, RangeRun, RangeView } from "../../../src/community/sync/ranges.ts";
import { BEGINNING, END, SumTree } from "../../../src/community/sync/sum-tree.ts";
import type { JsonValue, Position } from "../../../src/contract/index.ts";
import { holds } from "../../support/property.ts";
import { refusal } from "../../support/people.ts";

const HOME = "ed25519:GX9rI-FshTLGq8g4-s1ep4m-DHaykgM0A5v6iz02jWE";
const ID = (n: number): string => `01J9Z3K8V4Q2N7M5C6B1A0${String(n).padStart(4, "0")}`;
const hashOf = (p: Position): Buffer => createHash("sha256").update(JSON.stringify(p)).digest();
const idOf = (p: Position): string => hashOf(p).toString("hex", 0, 16);
const place = fc.record(
  {
    lamport: fc.integer({ min: 1, max: 400 }),
    event_id: fc.integer({ min: 0, max: 9 }).map(ID),
    author: fc.constantFrom("a", "b"),
  },
  { noNullPrototype: true },
);

function treeOf(items: readonly Position[]): { tree: SumTree; items: Position[] } {
  const tree = new SumTree();
  return { tree, items: items.filter((p) => tree.add(p, hashOf(p))) };
}

const without = (all: Set<string>, some: Set<string>): Set<string> => new Set([...all].filter((id) => !some.has(id)));

/** As it goes over the wire. */
function carried(ranges: readonly Range[]): Range[] {
  const message = { community_id: HOME, floor: 0, ranges: writeRanges(ranges) };
  return readRangeMessage(JSON.parse(JSON.stringify(message)) as JsonValue, HOME).ranges;
}

/** @returns rounds that it took */
function compare(run: RangeRun, other: RangeView): number {
  for (let rounds = 0; ; rounds++) {
    const question = run.question();
    if (question.length === 0) return rounds;
    run.take(carried(answerRanges(other, carried(question))));
  }
}

describe("comparison by ranges (network.md §5)", () => {
  it("finds exactly what each side lacks, in a bounded number of rounds", () => {
    holds(
      fc.property(
        fc.array(place, { maxLength: 500 }),
        fc.array(place, { maxLength: 60 }),
        fc.array(place, { maxLength: 60 }),
        (both, a, b) => {
          const [mine, theirs] = [treeOf([...both, ...a]), treeOf([...both, ...b])];
          const run = new RangeRun(new RangeView(mine.tree, 0));
          const rounds = compare(run, new RangeView(theirs.tree, 0));
          const [here, there] = [new Set(mine.items.map(idOf)), new Set(theirs.items.map(idOf))];
          assert.deepEqual(run.missing, without(there, here));
          assert.deepEqual(run.surplus, without(here, there));
          assert.ok(rounds <= 12, `${rounds} rounds`);
        },
      ),
    );
  });

  it("leaves out what lies below the floor", () => {
    const items = Array.from({ length: 200 }, (_, i) => ({ lamport: i + 1, event_id: ID(0), author: "a" }));
    const [mine, theirs] = [treeOf(items), treeOf(items.slice(50))];
    const run = new RangeRun(new RangeView(mine.tree, 51));
    compare(run, new RangeView(theirs.tree, 51));
    assert.equal(run.surplus.size + run.missing.size, 0);
  });

  it("answers a full frame in part, and what is left is asked again", () => {
    const spread = (author: string): Position[] =>
      Array.from({ length: 20_000 }, (_, i) => ({ lamport: 2 * i + (author === "a" ? 1 : 2), event_id: ID(0), author }));
    const [mine, theirs] = [treeOf(spread("a")), treeOf(spread("b"))];
    const other = new RangeView(theirs.tree, 0);
    const run = new RangeRun(new RangeView(mine.tree, 0));
    let early = 0;
    for (let round = 0; round < 200 && run.rest !== null; round++) {
      const question = run.question();
      const said = answerRanges(other, question);
      for (const frame of [question, said]) assert.ok(JSON.stringify(writeRanges(frame)).length < 61_000);
      if (said.at(-1)?.to[0] !== question.at(-1)?.to[0]) early += 1;
      run.take(said);
    }
    assert.ok(early > 0);
    assert.equal(run.missing.size, 20_000);
    assert.equal(run.surplus.size, 20_000);
  });

  it("ends with an answer that cuts nothing, covers nothing, or speaks of what was not asked (bad_request)", () => {
    const { tree } = treeOf(Array.from({ length: 200 }, (_, i) => ({ lamport: i + 1, event_id: ID(0), author: "a" })));
    const view = new RangeView(tree, 0);
    const said = (...ranges: Range[]) => {
      const run = new RangeRun(view);
      const [first] = run.question() as [Range];
      return () => run.take(ranges.map((range) => ({ ...range, to: range.to === END ? END : first.to })));
    };
    const print = fingerprint({ count: 7, sum: 7n });
    assert.throws(said({ from: BEGINNING, to: [0, ""], mode: 1, data: print }), refusal("bad_request"));
    assert.throws(said({ from: BEGINNING, to: END, mode: 1, data: print }), refusal("bad_request"));
    const run = new RangeRun(view);
    run.question();
    assert.throws(() => run.take([]), refusal("bad_request"));
    assert.throws(() => run.take([{ from: BEGINNING, to: [1, ""], mode: 0, data: new Uint8Array() }]), refusal("bad_request"));
  });

  it("refuses malformed messages (bad_request)", () => {
    const good = { community_id: HOME, floor: 0, ranges: [{ to: [5, ""], mode: 0 }] };
    assert.equal(readRangeMessage(good, HOME).ranges.length, 1);
    const bad: unknown[] = [
      { ...good, community_id: "ed25519:other" },
      { ...good, floor: -1 },
      { ...good, ranges: [] },
      { ...good, ranges: [null] },
      { ...good, ranges: [{ to: [5], mode: 0 }] },
      { ...good, ranges: [{ to: [5, "ä"], mode: 0 }] },
      { ...good, ranges: [{ to: [5, ""], mode: 3 }] },
      { ...good, ranges: [{ to: [5, ""], mode: 1, data: "AAAA" }] },
      { ...good, ranges: [{ to: [5, ""], mode: 2, data: "A" }] },
      { ...good, ranges: [{ to: [0, ""], mode: 0 }] },
      { ...good, ranges: [...good.ranges, { to: [5, ""], mode: 0 }] },
      { ...good, ranges: Array.from({ length: 3000 }, (_, i) => ({ to: [i + 1, ""], mode: 0 })) },
      { ...good, ranges: [{ to: [5, ""], mode: 2, data: Buffer.alloc(60_000).toString("base64url") }] },
    ];
    for (const message of bad)
      assert.throws(() => readRangeMessage(message, HOME), refusal("bad_request"), JSON.stringify(message).slice(0, 80));
  });

  it("ends whatever the other side says", () => {
    const bound = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.constantFrom("", "01J", ID(3)));
    const range = fc.record({ to: bound, mode: fc.constantFrom(0, 1, 2), data: fc.uint8Array({ minLength: 16, maxLength: 16 }) });
    const { tree } = treeOf(Array.from({ length: 300 }, (_, i) => ({ lamport: i + 1, event_id: ID(i % 4), author: "a" })));
    holds(
      fc.property(fc.array(fc.array(range, { maxLength: 8 }), { minLength: 40, maxLength: 40 }), (answers) => {
        const run = new RangeRun(new RangeView(tree, 0));
        let rounds = 0;
        try {
          for (const answer of answers) {
            if (run.question().length === 0) return;
            rounds += 1;
            const ranges = answer.map(({ to, mode, data }) =>
              mode === 0 ? { to, mode } : { to, mode, data: Buffer.from(data).toString("base64url") },
            );
            run.take(readRangeMessage({ community_id: HOME, floor: 0, ranges }, HOME).ranges);
          }
        } catch (error) {
          refusal("bad_request")(error);
        }
        assert.ok(rounds < 40, "neither refused nor at an end");
      }),
    );
  });
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compareCandidates, score, type Scored } from "../../../src/bus/route/score.ts";
import { chooseBest } from "../../../src/bus/route/choose.ts";
import type { Provider } from "../../../src/bus/registry/provider.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() & 0x7fffffff);

function entry(change: Partial<Scored> & { max?: number; minor?: number } = {}): Scored {
  return {
    in_flight: 0,
    p50_latency_ms: 0,
    success_rate: 1,
    is_local: false,
    node_id: "b",
    foreignSchema: false,
    descriptor: { max_concurrent: change.max ?? 4, version: [1, change.minor ?? 0] },
    ...change,
  };
}

describe("score (03 §5)", () => {
  const table: [string, Parameters<typeof entry>[0], number][] = [
    ["an unknown remote counts as 500 ms", {}, 500],
    ["a local one is 50 ms better", { is_local: true }, 450],
    ["latency grows with load", { p50_latency_ms: 100, in_flight: 2 }, 150],
    ["failures cost up to a second", { p50_latency_ms: 100, success_rate: 0.5 }, 600],
    ["a foreign schema costs 100 ms (B-4)", { p50_latency_ms: 100, foreignSchema: true }, 200],
    ["no room at all counts as one place", { p50_latency_ms: 10, in_flight: 1, max: 0 }, 20],
  ];
  for (const [name, change, expected] of table) test(name, () => assert.equal(score(entry(change)), expected));
});

describe("ties (03 B-6)", () => {
  const table: [string, Parameters<typeof entry>[0], Parameters<typeof entry>[0]][] = [
    ["the better success rate wins", { success_rate: 1, p50_latency_ms: 600 }, { success_rate: 0.9, p50_latency_ms: 500 }],
    ["then the higher minor", { minor: 2, node_id: "z" }, { minor: 1, node_id: "a" }],
    ["then the smaller node id", { node_id: "a" }, { node_id: "b" }],
  ];
  for (const [name, better, worse] of table) {
    test(name, () => {
      assert.equal(score(entry(better)), score(entry(worse)));
      assert.ok(compareCandidates(entry(better), entry(worse)) < 0);
      assert.ok(compareCandidates(entry(worse), entry(better)) > 0);
    });
  }
});

test("the order of candidates is total and does not depend on their input order (property)", () => {
  const candidate = fc.record({
    in_flight: fc.nat(8),
    p50_latency_ms: fc.constantFrom(0, 5, 5, 40, 500),
    success_rate: fc.constantFrom(0, 0.5, 0.9, 1),
    is_local: fc.boolean(),
    foreignSchema: fc.boolean(),
    minor: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(candidate, { minLength: 1, maxLength: 8 }), fc.nat(), (rows, turn) => {
      const list = rows.map((row, i) => entry({ ...row, node_id: `n${i}` }));
      const turned = [...list.slice(turn % list.length), ...list.slice(0, turn % list.length)].reverse();
      const order = list.toSorted(compareCandidates);
      assert.deepEqual(turned.toSorted(compareCandidates), order);
      for (let i = 1; i < order.length; i++) assert.ok(score(order[i - 1] ?? entry()) <= score(order[i] ?? entry()));
    }),
    { seed: SEED },
  );
});

test("takes the local one below a load of 0.80, the best score from there on (03 §5)", () => {
  const fast = entry({ node_id: "fast", p50_latency_ms: 1 });
  const relaxed = entry({ node_id: "me", is_local: true, p50_latency_ms: 900, in_flight: 3 });
  const busy = entry({ node_id: "me", is_local: true, p50_latency_ms: 900, in_flight: 4, max: 5 });
  const best = (list: Scored[], preferLocal = true): string => chooseBest(list as Provider[], preferLocal).node_id;
  assert.equal(best([fast, relaxed]), "me");
  assert.equal(best([fast, busy]), "fast");
  assert.equal(best([fast, relaxed], false), "fast");
});

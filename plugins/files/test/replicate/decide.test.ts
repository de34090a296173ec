/** Who acts for a blob, whom it asks, and who lets go. @source 30 §6 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { openHasher } from "../../src/cid/blake3.ts";
import { ALIVE_MS, decide, PATIENCE_MS, type Decision, type Situation } from "../../src/replicate/decide.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env["HN_PROPERTY_RUNS"] ?? 200);
const NOW = 1_000 * ALIVE_MS;
const hasher = await openHasher();
const NODES = Array.from({ length: 9 }, (_, n) => `ed25519:${n}`);

interface World {
  holders: Set<string>;
  replicas: Set<string>;
  dead: Set<string>;
  takers: Situation["takers"];
  desired: number;
  scheduled: Situation["scheduled"];
  cid: string;
}

const some = fc.subarray(NODES).map((nodes) => new Set(nodes));
const world: fc.Arbitrary<World> = fc.record({
  holders: some,
  replicas: some,
  dead: some,
  takers: fc
    .subarray(NODES)
    .chain((nodes) =>
      fc.tuple(
        ...nodes.map((node) =>
          fc.record({ node: fc.constant(node), anchor: fc.boolean(), freeBytes: fc.constantFrom(5, 10, 20) }),
        ),
      ),
    ),
  desired: fc.integer({ min: 1, max: 4 }),
  scheduled: fc.array(fc.record({ candidates: fc.subarray(NODES), at: fc.integer({ min: NOW - 2 * ALIVE_MS, max: NOW }) }), {
    maxLength: 3,
  }),
  cid: fc.stringMatching(/^blake3:[0-9a-f]{64}$/),
});

function as(me: string, w: World, change: Partial<Situation> = {}): Decision {
  return decide({
    me,
    sizeBytes: 10,
    now: NOW,
    desired: w.desired,
    holders: w.holders,
    replicas: w.replicas,
    seenAt: (node) => (w.dead.has(node) ? NOW - ALIVE_MS - 1 : NOW),
    takers: w.takers,
    scheduled: w.scheduled,
    rank: (node) => hasher.hex(new TextEncoder().encode(w.cid + node)),
    heldSince: 0,
    ...change,
  });
}

const holds = (check: (w: World) => void): void => fc.assert(fc.property(world, check), { seed: SEED, numRuns: RUNS });
const alive = (w: World): string[] => [...w.holders].filter((node) => !w.dead.has(node));

describe("the decision about copies", () => {
  it("one of those that hold it acts at most, and asks only who can take it", () => {
    let asked = 0;
    holds((w) => {
      const acting = NODES.filter((node) => !w.dead.has(node))
        .map((me) => as(me, w))
        .filter((decision) => decision.do === "ask");
      assert.ok(acting.length <= 1);
      for (const { candidates, current } of acting) {
        asked += 1;
        assert.equal(current, alive(w).length);
        const waited = w.scheduled.flatMap((one) =>
          NOW - one.at < PATIENCE_MS ? one.candidates.filter((node) => !w.holders.has(node)) : [],
        );
        assert.ok(candidates.length > 0 && candidates.length <= w.desired - current - waited.length);
        assert.equal(new Set(candidates).size, candidates.length);
        for (const node of candidates) {
          assert.ok((w.takers.find((taker) => taker.node === node)?.freeBytes ?? 0) >= 10, "room");
          assert.ok(!alive(w).includes(node), "does not hold it");
          assert.ok(!waited.includes(node), "is not asked already");
        }
      }
    });
    assert.ok(asked > 0, "it happened");
  });

  it("whenever copies are wanting and somebody can take one, somebody acts", () => {
    holds((w) => {
      const fresh = { ...w, scheduled: [] };
      const able = w.takers.some(({ node, freeBytes }) => freeBytes >= 10 && !alive(w).includes(node));
      const wanted = alive(w).length > 0 && alive(w).length < w.desired && able;
      const acting = alive(w).filter((me) => as(me, fresh).do === "ask");
      assert.equal(acting.length, wanted ? 1 : 0);
    });
  });

  it("copies that go leave as many as are wanted and two more, and originals stay", () => {
    let went = 0;
    holds((w) => {
      const full = { ...w, holders: new Set(NODES) };
      const going = alive(full).filter((me) => as(me, full).do === "let go");
      went += going.length;
      assert.ok(going.every((node) => w.replicas.has(node)));
      if (going.length > 0) assert.ok(alive(full).length - going.length >= w.desired + 2);
      const young = alive(full).filter((me) => as(me, full, { heldSince: NOW - 7 * ALIVE_MS + 1 }).do === "let go");
      assert.deepEqual(young, [], "not in the first seven days");
    });
    assert.ok(went > 0, "it happened");
  });

  it("after half an hour in vain others are asked, and in the end the same again", () => {
    const w: World = {
      holders: new Set(["ed25519:0"]),
      replicas: new Set(),
      dead: new Set(),
      takers: [1, 2, 3].map((n) => ({ node: `ed25519:${n}`, anchor: n === 3, freeBytes: 10 })),
      desired: 2,
      scheduled: [],
      cid: "blake3:x",
    };
    const asked: string[] = [];
    for (let now = NOW; asked.length < 4; now += PATIENCE_MS / 2) {
      const decision = as("ed25519:0", w, { now, seenAt: () => now });
      const vain = w.scheduled.at(-1);
      if (vain !== undefined && now - vain.at < PATIENCE_MS) assert.deepEqual(decision, { do: "nothing" });
      if (decision.do !== "ask") continue;
      asked.push(...decision.candidates);
      w.scheduled = [...w.scheduled, { candidates: decision.candidates, at: now }];
    }
    assert.equal(asked[0], "ed25519:3", "anchors first");
    assert.equal(new Set(asked.slice(0, 3)).size, 3);
    assert.equal(asked[3], asked[0]);
  });

  it("a holder that was not seen for half an hour is no longer waited for, though its copy still counts", () => {
    const w: World = {
      holders: new Set(NODES.slice(0, 2)),
      replicas: new Set(),
      dead: new Set(),
      takers: [{ node: "ed25519:5", anchor: false, freeBytes: 10 }],
      desired: 3,
      scheduled: [],
      cid: "blake3:x",
    };
    const [first = "", second = ""] = NODES.slice(0, 2).toSorted((a, b) =>
      hasher.hex(new TextEncoder().encode(w.cid + a)) < hasher.hex(new TextEncoder().encode(w.cid + b)) ? -1 : 1,
    );
    assert.deepEqual(as(second, w), { do: "nothing" });
    const gone = (node: string): number => (node === first ? NOW - 31 * 60_000 : NOW);
    assert.deepEqual(as(second, w, { seenAt: gone }), { do: "ask", candidates: ["ed25519:5"], current: 2 });
  });
});

/** Sources of every kind, in every order: what is asked of whom. @source 30 §5.2 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Plan, type Ending, type Piece } from "../../src/fetch/plan.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = Number(process.env["HN_PROPERTY_RUNS"] ?? 200);

type Kind = "honest" | "liar" | "flaky" | "dead" | "lacking" | "short";
const KINDS: Kind[] = ["honest", "liar", "flaky", "dead", "lacking", "short"];

interface Told {
  requests: number;
  /** By chunk, how often it came and was right. */
  came: Map<number, number>;
  asked: { source: string; after: string | null }[];
  liars: Set<string>;
  plan: Plan;
}

/** Plays the network: which of the running requests moves next, and what its source does, follows from `chance`. */
function play(kinds: readonly Kind[], o: { chunks: number; streams: number; batch: number; chance: () => number }): Told {
  const plan = new Plan(
    Array.from({ length: o.chunks }, (_, i) => i),
    o,
  );
  const kindOf = new Map(kinds.map((kind, n) => [`${n}`, kind]));
  for (const id of kindOf.keys()) assert.equal(plan.add(id), true);
  const told: Told = { requests: 0, came: new Map(), asked: [], liars: new Set(), plan };
  const running: { piece: Piece; sent: number }[] = [];
  let now = 0;
  for (;;) {
    for (let piece = plan.take(now); piece !== null; piece = plan.take(now)) {
      told.requests += 1;
      assert.equal(told.liars.has(piece.source), false, "a liar is not asked again");
      const others = running.flatMap((one) => one.piece.chunks.slice(one.sent));
      assert.equal(
        piece.chunks.some((i) => others.includes(i)),
        false,
        "nobody else is asked meanwhile",
      );
      assert.ok(piece.chunks.length > 0 && piece.chunks.length <= o.batch);
      running.push({ piece, sent: 0 });
    }
    assert.ok(running.length <= o.streams);
    if (running.length === 0) {
      if (plan.done || plan.wakeAt === null) return told;
      assert.ok(plan.wakeAt > now, "there is something to wait for");
      now = plan.wakeAt;
      continue;
    }
    const at = Math.floor(o.chance() * running.length);
    const one = running[at];
    assert.ok(one !== undefined);
    const ending = move(one, kindOf.get(one.piece.source) ?? "dead");
    if (ending === null) continue;
    if (ending === "lied") told.liars.add(one.piece.source);
    running.splice(at, 1);
    plan.end(one.piece, ending, { now });
  }

  function move(one: { piece: Piece; sent: number }, kind: Kind): Ending | null {
    const i = one.piece.chunks[one.sent];
    if (kind === "dead") return "broken";
    if (kind === "lacking") return "lacks";
    if (kind === "flaky" && o.chance() < 0.5) return "broken";
    if (kind === "short" && o.chance() < 0.5) return "whole";
    if (i === undefined) return "whole";
    if (kind === "liar" && o.chance() < 0.3) return "lied";
    assert.equal(plan.owes(one.piece, i), true);
    plan.arrived(one.piece, i);
    assert.equal(plan.owes(one.piece, i), false, "the same once more is not owed");
    told.came.set(i, (told.came.get(i) ?? 0) + 1);
    one.sent += 1;
    return null;
  }
}

const world = fc.record({
  kinds: fc.array(fc.constantFrom(...KINDS), { maxLength: 6 }),
  chunks: fc.integer({ min: 1, max: 60 }),
  streams: fc.integer({ min: 1, max: 6 }),
  batch: fc.integer({ min: 1, max: 20 }),
  chances: fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
});

function holds(check: (told: Told, o: { kinds: readonly Kind[]; chunks: number }) => void, more: Kind[]): void {
  fc.assert(
    fc.property(world, fc.nat(), ({ kinds, chances, ...o }, place) => {
      const all = kinds.toSpliced(place % (kinds.length + 1), 0, ...more);
      const chance = (): number => Number(chances.next().value);
      check(play(all, { ...o, chance }), { kinds: all, chunks: o.chunks });
    }),
    { seed: SEED, numRuns: RUNS },
  );
}

describe("the plan of a fetch", () => {
  it("brings every chunk exactly once when some source is honest, whatever the others do", () => {
    holds(
      ({ plan, came }, { chunks }) => {
        assert.equal(plan.done, true);
        assert.equal(came.size, chunks);
        assert.ok([...came.values()].every((times) => times === 1));
      },
      ["honest"],
    );
  });

  it("comes to an end with sources of any kind, after a bounded number of requests", () => {
    holds(({ plan, requests, came }, { kinds, chunks }) => {
      assert.ok(requests <= 4 * chunks + 3 * kinds.length, `${requests} requests`);
      assert.equal(plan.left, chunks - came.size);
      assert.equal(plan.starving, !plan.done);
    }, []);
  });

  it("spreads over those who have it, and gives up on nobody who was only away for a moment", () => {
    const plan = new Plan([0, 1, 2, 3, 4, 5, 6, 7], { streams: 4, batch: 64 });
    for (const id of ["a", "b", "c"]) plan.add(id);
    const pieces = Array.from({ length: 4 }, () => plan.take(0));
    assert.deepEqual(
      pieces.map((piece) => piece?.source),
      ["a", "b", "c", "a"],
    );
    assert.deepEqual(
      pieces.flatMap((piece) => piece?.chunks),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
    const [first] = pieces;
    assert.ok(first);
    plan.end(first, "broken", { now: 0 });
    assert.equal(plan.take(0)?.source, "b", "another takes over at once");
    assert.equal(plan.starving, false);
  });

  it("leaves a source alone for as long as it asks, and drops it after three requests in vain", () => {
    const plan = new Plan([0], { streams: 4, batch: 64 });
    plan.add("a");
    const waits: (number | null)[] = [];
    for (let now = 0, waitMs = 5000; ; waitMs = 0) {
      const piece = plan.take(now);
      if (piece === null) break;
      plan.end(piece, "broken", { now, waitMs });
      waits.push(plan.wakeAt);
      if (plan.wakeAt === null) break;
      assert.equal(plan.take(plan.wakeAt - 1), null);
      now = plan.wakeAt;
    }
    assert.deepEqual(waits, [5000, 8000, null]);
    assert.equal(plan.starving, true);
    plan.add("b");
    assert.equal(plan.starving, false, "until somebody else is found");
    assert.deepEqual(plan.take(0), { source: "b", chunks: [0] });
  });
});

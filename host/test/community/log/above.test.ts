import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { compareEvents, shapeEvent, type ShapedEvent } from "../../../src/community/log/shape.ts";
import { EventStore } from "../../../src/community/log/store.ts";
import { createUlidFactory, ManualClock } from "../../../src/foundation/index.ts";
import { importSeed } from "../../../src/identity/index.ts";
import { found, type Person, seededRandom, Village } from "../../support/people.ts";
import { dice, hand, seeds, signed, sync } from "../sync/support.ts";

const AUTHORS = 9;
const PAGE = 1000;

/** A store with so many events of a few authors, some of whom write often and some hardly ever. */
function filled(
  t: TestContext,
  o: { seed: number; events: number },
): { store: EventStore; all: ShapedEvent[]; authors: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "hn-above-"));
  const store = new EventStore(join(folder, "log.db"));
  t.after(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const random = seededRandom(o.seed);
  const { below } = dice(o.seed);
  const newUlid = createUlidFactory(new ManualClock(), random);
  const authors = Array.from({ length: AUTHORS }, () => importSeed(random(32)).nodeId);
  const community_id = importSeed(random(32)).nodeId;
  const all: ShapedEvent[] = [];
  store.transaction(() => {
    for (let n = 0; n < o.events; n += 1) {
      const author = authors[Math.min(below(AUTHORS), below(AUTHORS))] ?? "";
      const shaped = shapeEvent({
        schema_version: 1,
        event_id: newUlid(),
        // Two authors may have one lamport, one author not.
        lamport: n + 1 + (author === authors[0] ? 0 : below(2)),
        wall_clock: "2026-07-01T12:00:00Z",
        community_id,
        author,
        event_type: "ext.demo.note",
        data: { n },
        signature: `ed25519:${"A".repeat(86)}`,
      });
      if (store.insert(shaped, 0) !== null) all.push(shaped);
    }
  });
  all.sort((a, b) => compareEvents(a.event, b.event));
  return { store, all, authors };
}

describe("what a neighbour lacks (04 E-13)", () => {
  for (const seed of seeds(6))
    it(`is the same whether little or much is missing, in log order and in pages (HN_SEED=${seed})`, (t) => {
      const { store, all, authors } = filled(t, { seed, events: 2600 });
      const { below } = dice(seed + 1);
      for (let round = 0; round < 12; round += 1) {
        const newest = (author: string): number =>
          Math.max(0, ...all.filter(({ event }) => event.author === author).map(({ event }) => event.lamport));
        // From a single event of one author to everything of all.
        const heads = Object.fromEntries(
          authors.flatMap((author) =>
            below(8) === 0 ? [] : [[author, below(round + 2) === 0 ? below(2600) : newest(author) - below(2)]],
          ),
        );
        const base = below(3) * 900;
        const odd = below(2) === 0 ? authors[below(AUTHORS)] : undefined;
        const counts = (place: { author: string; lamport: number }): boolean => place.author !== odd || place.lamport < 1500;
        const wanted = all
          .filter(({ event }) => event.lamport > (heads[event.author] ?? base) && counts(event))
          .map(({ event }) => event.event_id);
        const { events, more } = store.above(heads, { base, counts });
        assert.deepEqual(
          events.map(({ event_id }) => event_id),
          wanted.slice(0, PAGE),
        );
        assert.equal(more, wanted.length > PAGE);
      }
    });
});

describe("what neighbours are told of the log (04 §8)", () => {
  /** What a process says that has read nothing but the table. */
  const afresh = async (person: Person): Promise<unknown> => {
    person.reopen();
    await person.community.verifyLog();
    return [person.community.brief(0), person.community.heads()];
  };

  it("is what the table holds after every change, though it is worked out once in between", async (t) => {
    const village = new Village(t);
    const [anna, ben, carl] = [village.person("Anna"), village.person("Ben"), village.person("Carl")];
    await found(anna);
    await village.welcome(anna, ben);
    await village.welcome(anna, carl);
    await sync(village, ben, anna);
    const told = (): unknown => [anna.community.brief(0), anna.community.heads()];
    const steps: (() => unknown)[] = [
      () => anna.community.append({ type: "ext.demo.note", data: { n: 1 } }),
      () => hand(anna, ben, [signed(ben, { lamport: 50 }), signed(ben, { lamport: 60 })]),
      // Late: below what is known.
      () => hand(anna, carl, [signed(carl, { lamport: 20 })]),
      () => anna.community.revoke({ target: ben.signer.nodeId, reason: "lost" }),
    ];
    for (const step of steps) {
      const before = told();
      assert.equal(anna.community.heads(), anna.community.heads(), "worked out once");
      await step();
      const after = told();
      assert.notDeepEqual(after, before);
      assert.deepEqual(after, await afresh(anna));
    }
  });
});

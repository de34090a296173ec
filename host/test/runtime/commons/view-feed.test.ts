import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import type { Event, PlacedEvent } from "../../../src/contract/index.ts";
import { HnError, ManualClock } from "../../../src/foundation/index.ts";
import { SharedStore, ViewFeed, type ViewDoor } from "../../../src/runtime/commons/index.ts";
import { found, type Person, Village } from "../../support/people.ts";
import { until } from "../../support/until.ts";

const SEED = Number(process.env["HN_SEED"] ?? Date.now() % 2 ** 31);

/** A view that remembers everything in its order, as a plugin's process would hold it. */
class Diary implements ViewDoor {
  lines: string[] = [];
  readonly steps: string[] = [];
  /** Called before every answer; what it throws is the answer. */
  before: (step: string) => void = () => {};
  refuses: (event: Event) => boolean = () => false;

  async reset(): Promise<void> {
    this.#step("reset");
    this.lines = [];
  }
  async restore(_view: string, state: Uint8Array): Promise<void> {
    this.#step("restore");
    this.lines = JSON.parse(Buffer.from(state).toString()) as string[];
  }
  async apply(_view: string, events: PlacedEvent[]): Promise<number> {
    let faults = 0;
    for (const placed of events) {
      this.#step("apply");
      if (this.refuses(placed.event)) faults += 1;
      else this.lines.push(lineOf(placed));
    }
    return faults;
  }
  async snapshot(): Promise<Uint8Array> {
    this.#step("snapshot");
    return Buffer.from(JSON.stringify(this.lines));
  }
  #step(step: string): void {
    this.steps.push(step);
    this.before(step);
  }
}

const lineOf = ({ event, level }: PlacedEvent): string => `${event.lamport} ${event.event_id.slice(-4)} ${level}`;
const TYPES = ["note.written", "note.burnt"];

interface Stage {
  anna: Person;
  ben: Person;
  reader: Person;
  store: SharedStore;
  clock: ManualClock;
  faults: string[];
  /** What the ordered log says the view must be. */
  truth: () => string[];
  feed: (diary: Diary, o?: { mayRead?: (type: string) => boolean; release?: string; snapshot?: boolean }) => ViewFeed;
}

async function stage(t: TestContext): Promise<Stage> {
  const village = new Village(t);
  const [anna, ben, reader] = [village.person("Anna"), village.person("Ben"), village.person("Rita")];
  await found(anna);
  await village.welcome(anna, ben);
  await village.welcome(anna, reader);
  const folder = mkdtempSync(join(tmpdir(), "hn-view-"));
  const store = new SharedStore(join(folder, "shared.db"));
  const clock = new ManualClock();
  const feeds: ViewFeed[] = [];
  t.after(() => {
    for (const feed of feeds) feed.stop();
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { community } = reader;
  const faults: string[] = [];
  return {
    anna,
    ben,
    reader,
    store,
    clock,
    faults,
    truth: () => community.read({ types: TYPES, limit: 1000 }).events.map(lineOf),
    feed(diary, { mayRead = () => true, release = "r1", snapshot = true } = {}) {
      const feed = new ViewFeed({
        view: { name: "diary", types: TYPES, snapshot },
        plugin: "dev/diary",
        release,
        community,
        store,
        clock,
        door: diary,
        mayRead,
        onFed: () => {},
        onFault: (detail) => faults.push(detail),
        onWell: () => faults.push("well"),
      });
      t.after(community.onStored(() => feed.ring()));
      feeds.push(feed);
      return feed;
    },
  };
}

function note(person: Person, o: { lamport: number; id: number; type?: string }): Event {
  return person.signer.signEvent({
    schema_version: 1,
    event_id: `01J9Z3K8V4Q2N7M5C6B1A0${String(o.id).padStart(4, "0")}`,
    lamport: o.lamport,
    wall_clock: "2026-07-01T12:00:00Z",
    community_id: person.community.communityId() ?? "",
    author: person.signer.nodeId,
    event_type: o.type ?? "note.written",
    data: {},
  });
}

async function take({ community, signer }: Person, events: readonly Event[]): Promise<void> {
  const request = { community_id: community.communityId() ?? "", our_heads_by_author: {} };
  await community.exchange({ ...request, events: structuredClone(events) as Event[] }, signer.nodeId);
}

async function settled(diary: Diary, truth: () => string[]): Promise<void> {
  await until("the view is what the log says", () => JSON.stringify(diary.lines) === JSON.stringify(truth()));
}

describe("a view (04 §5, plugin-platform §2.4)", () => {
  it("begins with a reset and gets the log in order, with the authors' levels", async (t) => {
    const { anna, ben, reader, feed, truth } = await stage(t);
    await take(reader, [note(ben, { lamport: 60, id: 2 }), note(anna, { lamport: 50, id: 1 })]);
    const diary = new Diary();
    await feed(diary).caughtUp;
    assert.deepEqual(diary.lines, ["50 0001 anchor", "60 0002 member"]);
    assert.deepEqual(diary.steps, ["reset", "apply", "apply"]);
    await take(reader, [
      note(anna, { lamport: 70, id: 3, type: "note.burnt" }),
      note(anna, { lamport: 71, id: 4, type: "other.kind" }),
    ]);
    await settled(diary, truth);
    assert.equal(diary.lines.length, 3);
  });

  it("goes back to a kept state when something late arrives, and not behind it", async (t) => {
    const { anna, ben, reader, feed, truth, clock } = await stage(t);
    const diary = new Diary();
    const open = feed(diary);
    await open.caughtUp;
    await take(
      reader,
      [50, 51, 52].map((lamport) => note(anna, { lamport, id: lamport })),
    );
    await settled(diary, truth);
    clock.advance(5000);
    await until("the state is kept", () => diary.steps.includes("snapshot"));
    await take(reader, [note(anna, { lamport: 60, id: 60 })]);
    await settled(diary, truth);
    diary.steps.length = 0;
    await take(reader, [note(ben, { lamport: 55, id: 55 })]);
    await settled(diary, truth);
    assert.deepEqual(diary.steps, ["restore", "apply", "apply"], "from the state at 52");
    diary.steps.length = 0;
    await take(reader, [note(ben, { lamport: 40, id: 40 })]);
    await settled(diary, truth);
    assert.deepEqual(diary.steps, ["reset", ...truth().map(() => "apply")], "nothing kept is as old as that");
  });

  it("takes back what a level or a revocation has changed behind it (E-9)", async (t) => {
    const { anna, ben, reader, feed, truth } = await stage(t);
    await take(reader, [note(ben, { lamport: 90, id: 1 })]);
    const diary = new Diary();
    await feed(diary).caughtUp;
    assert.deepEqual(diary.lines, ["90 0001 member"]);
    await anna.community.revoke({ target: ben.signer.nodeId, reason: "compromised" });
    const { events } = await anna.community.exchange(
      { community_id: anna.community.communityId() ?? "", events: [], our_heads_by_author: {} },
      anna.signer.nodeId,
    );
    await take(reader, events ?? []);
    await settled(diary, truth);
    assert.deepEqual(diary.lines, []);
  });

  it("has nothing of what may not be read, at once when the right goes and again when it comes back (§3.4.3)", async (t) => {
    const { anna, reader, feed, truth } = await stage(t);
    await take(reader, [note(anna, { lamport: 50, id: 1 }), note(anna, { lamport: 51, id: 2, type: "note.burnt" })]);
    const diary = new Diary();
    let allowed = ["note.written"];
    const open = feed(diary, { mayRead: (type) => allowed.includes(type) });
    await open.caughtUp;
    assert.deepEqual(diary.lines, ["50 0001 anchor"]);
    allowed = [];
    open.ring();
    await until("nothing is left", () => diary.lines.length === 0);
    allowed = TYPES;
    open.ring();
    await settled(diary, truth);
    assert.equal(diary.lines.length, 2);
  });

  it("is at fault while an event had no effect, goes on with the others, and is well after a replay that works", async (t) => {
    const { anna, ben, reader, feed, truth, faults } = await stage(t);
    const diary = new Diary();
    diary.refuses = ({ lamport }) => lamport === 51;
    await feed(diary).caughtUp;
    await take(
      reader,
      [50, 51, 52].map((lamport) => note(anna, { lamport, id: lamport })),
    );
    await until("the fault is said", () => faults.length > 0);
    assert.deepEqual(diary.lines, ["50 0050 anchor", "52 0052 anchor"]);
    assert.match(faults[0] ?? "", /has refused 1 of/);
    diary.refuses = () => false;
    await take(reader, [note(ben, { lamport: 40, id: 40 })]);
    await settled(diary, truth);
    assert.equal(faults.at(-1), "well");
  });

  it("begins anew when a step was not answered: what the process has then is not known", async (t) => {
    const { anna, reader, feed, truth, clock, faults } = await stage(t);
    const diary = new Diary();
    let once = true;
    diary.before = (step) => {
      if (step !== "apply" || !once) return;
      once = false;
      throw new HnError("timeout");
    };
    const open = feed(diary);
    await take(reader, [note(anna, { lamport: 50, id: 1 })]);
    await until("the fault is said", () => faults.length > 0);
    clock.advance(5000);
    await settled(diary, truth);
    assert.deepEqual(
      diary.steps.filter((step) => step === "reset"),
      ["reset", "reset"],
    );
    await open.caughtUp;
  });

  it("of another release begins at the start, and what releases have kept is not mixed (cursors per release)", async (t) => {
    const { anna, reader, feed, truth, clock, store } = await stage(t);
    await take(reader, [note(anna, { lamport: 50, id: 1 })]);
    const one = new Diary();
    const first = feed(one);
    await first.caughtUp;
    clock.advance(5000);
    await until("the state is kept", () => store.checkpoints({ plugin: "dev/diary", release: "r1", view: "diary" }).length === 1);
    first.stop();
    const two = new Diary();
    await feed(two, { release: "r2" }).caughtUp;
    assert.deepEqual(two.steps, ["reset", "apply"]);
    const back = new Diary();
    await feed(back, { release: "r1" }).caughtUp;
    assert.deepEqual(back.steps, ["restore"]);
    assert.deepEqual(back.lines, truth());
    store.keepReleases("dev/diary", ["r2"]);
    assert.deepEqual(store.checkpoints({ plugin: "dev/diary", release: "r1", view: "diary" }), []);
  });

  it("asks for no snapshot that the manifest does not offer, and replays from the start then", async (t) => {
    const { anna, reader, feed, clock } = await stage(t);
    await take(reader, [note(anna, { lamport: 50, id: 1 })]);
    for (let life = 0; life < 2; life += 1) {
      const diary = new Diary();
      const open = feed(diary, { snapshot: false });
      await open.caughtUp;
      clock.advance(10_000);
      assert.deepEqual(diary.steps, ["reset", "apply"]);
      open.stop();
    }
  });

  it(`equals the replay of the ordered log, whatever the order of arrival and wherever the process dies (HN_SEED=${SEED})`, async (t) => {
    const { anna, ben, reader, feed, clock, truth } = await stage(t);
    let release = 0;
    let base = 1000;
    const arrival = fc.record({
      place: fc.integer({ min: 0, max: 40 }),
      who: fc.boolean(),
      next: fc.constantFrom("nothing", "keep", "die", "die in the middle"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(arrival, { minLength: 1, maxLength: 14 }), async (arrivals) => {
        release += 1;
        base += 100;
        const key = `r${release}`;
        let diary = new Diary();
        let open = feed(diary, { release: key });
        const die = (): void => {
          open.stop();
          diary = new Diary();
          open = feed(diary, { release: key });
        };
        for (const [index, { place, who, next }] of arrivals.entries()) {
          if (next === "die in the middle") {
            const dying = diary;
            dying.before = () => {
              dying.before = () => {};
              throw new HnError("plugin_gone");
            };
          }
          await take(reader, [note(who ? anna : ben, { lamport: base + place, id: release * 20 + index })]);
          if (next === "nothing") continue;
          if (next === "keep") {
            await settled(diary, truth);
            clock.advance(5000);
          } else die();
        }
        die();
        await settled(diary, truth);
        open.stop();
      }),
      { seed: SEED, numRuns: Number(process.env["HN_RUNS"] ?? 40) },
    );
  });
});

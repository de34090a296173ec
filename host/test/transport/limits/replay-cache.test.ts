import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ManualClock, silentLog, systemClock } from "../../../src/foundation/index.ts";
import { ReplayCache, type ReplayCacheOptions } from "../../../src/transport/limits/replay-cache.ts";
import { device, refused } from "../../identity/people.ts";
import { holds } from "../../support/property.ts";
import { letter, post, refusalOf, type LetterFacts } from "../support/letters.ts";
import { Street, temporaryFolder, type Scope } from "../support/street.ts";

const A = device(1).nodeId;
const B = device(2).nodeId;
const KEPT_MS = 300_000;
const BOOT = "boot-1";

function make(folder: string, o: Partial<ReplayCacheOptions> = {}): ReplayCache {
  return new ReplayCache({
    folder,
    clock: new ManualClock(),
    log: silentLog,
    bootId: BOOT,
    perSecond: 100,
    firstStart: false,
    ...o,
  });
}

type Step =
  { do: "enter"; from: string; id: string } | { do: "wait"; ms: number } | { do: "restart" } | { do: "set clock"; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("enter" as const),
      from: fc.constantFrom(A, B),
      id: fc.constantFrom("REQUEST-1", "REQUEST-2", "REQUEST-3"),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 60_000, 150_000, KEPT_MS) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("set clock" as const), ms: fc.constantFrom(-1000, -3_600_000, 400_000) }) },
);

describe("the record of received requests (T-2)", () => {
  it("knows every request for 300 s, whatever restarts and steps of the clock lie between", () => {
    const endings: (() => unknown)[] = [];
    holds(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clock = new ManualClock();
        const folder = temporaryFolder({ after: (fn) => endings.push(fn) });
        const sinceBoot = (): number => 1_000_000 + clock.monotonic();
        let cache = make(folder, { clock, sinceBoot });
        const until = new Map<string, number>();
        for (const one of steps) {
          if (one.do === "wait") clock.advance(one.ms);
          else if (one.do === "set clock") clock.setNow(clock.now() + one.ms);
          else if (one.do === "restart") {
            cache.close();
            cache = make(folder, { clock, sinceBoot });
          } else {
            const key = `${one.from} ${one.id}`;
            const now = clock.monotonic();
            const isKnown = (until.get(key) ?? -Infinity) > now;
            assert.equal(cache.enter(one.from, one.id), isKnown ? "seen" : "new");
            if (!isKnown) until.set(key, now + KEPT_MS);
          }
        }
        cache.close();
      }),
    );
    for (const end of endings) end();
  });

  it("is in memory of the system before the request is acted upon: kill -9 loses nothing", async (t) => {
    const folder = temporaryFolder(t);
    const child = spawn(
      process.execPath,
      ["--no-warnings", "--conditions=hearthnet-source", join(import.meta.dirname, "replay-writer.ts"), folder, A],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const told: string[] = [];
    for await (const id of createInterface({ input: child.stdout })) {
      told.push(id);
      if (told.length === 500) break;
    }
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    const cache = make(folder, { clock: systemClock });
    for (const id of told) assert.equal(cache.enter(A, id), "seen", id);
    assert.equal(cache.blindUntil, 0, "and a torn line is none");
    cache.close();
  });

  it("gives one caller room for what its rate allows, and others are not touched by it", (t) => {
    const clock = new ManualClock();
    const cache = make(temporaryFolder(t), { clock, perSecond: 1 });
    for (let i = 0; i < 302; i++) assert.equal(cache.enter(A, `REQUEST-${i}`), "new");
    assert.equal(cache.enter(A, "ONE-TOO-MANY"), "full");
    assert.equal(cache.enter(A, "REQUEST-0"), "seen");
    assert.equal(cache.enter(B, "ONE-TOO-MANY"), "new");
    clock.advance(KEPT_MS);
    assert.equal(cache.enter(A, "ONE-TOO-MANY"), "new");
    cache.close();
  });

  it("keeps its files small and private", (t) => {
    const clock = new ManualClock();
    const folder = temporaryFolder(t);
    const cache = make(folder, { clock });
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 50; i++) cache.enter(A, `REQUEST-${round}-${i}`);
      clock.advance(KEPT_MS);
    }
    cache.close();
    const files = readdirSync(folder).map((name) => join(folder, name));
    assert.equal(files.length, 2);
    for (const file of files) {
      assert.ok(readFileSync(file, "latin1").split("\n").length <= 52);
      assert.equal(statSync(file).mode & 0o777, 0o600);
    }
  });

  it("goes on in the former file when a new one cannot be begun, and takes nothing meanwhile", (t) => {
    const clock = new ManualClock();
    const folder = temporaryFolder(t);
    const cache = make(folder, { clock, firstStart: true });
    cache.enter(A, "REQUEST-1");
    clock.advance(KEPT_MS);
    mkdirSync(join(folder, "seen.next", "in-the-way"), { recursive: true });
    for (const id of ["REQUEST-2", "REQUEST-3"]) assert.throws(() => cache.enter(A, id), refused("capacity_exceeded"));
    rmSync(join(folder, "seen.next"), { recursive: true });
    assert.equal(cache.enter(A, "REQUEST-2"), "seen", "though it was refused: it may have been read");
    assert.equal(cache.enter(A, "REQUEST-4"), "new");
    cache.close();
    const again = make(folder, { clock });
    assert.equal(again.blindUntil, 0, "nothing was lost");
    assert.equal(again.enter(A, "REQUEST-4"), "seen");
    again.close();
  });

  it("writes what was noted together in one piece", (t) => {
    const folder = temporaryFolder(t);
    const cache = make(folder);
    for (const id of ["REQUEST-1", "REQUEST-2", "REQUEST-1"]) cache.note(A, id);
    assert.equal(text(folder).split("\n").length, 2, "only its head");
    cache.write();
    assert.deepEqual(
      text(folder)
        .split("\n")
        .slice(1, -1)
        .map((line) => line.split(" ")[2]),
      ["REQUEST-1", "REQUEST-2"],
    );
    cache.close();
  });

  const damages: [string, (folder: string) => void][] = [
    ["is missing", (folder) => rmSync(folder, { recursive: true })],
    ["lost its newest file", (folder) => rmSync(join(folder, "seen.0"))],
    ["ends in the middle of a line", (folder) => truncateSync(join(folder, "seen.0"), size(folder) - 3)],
    ["lost its first line", (folder) => writeFileSync(join(folder, "seen.0"), text(folder).split("\n").slice(1).join("\n"))],
    ["holds rubbish", (folder) => appendFileSync(join(folder, "seen.0"), "\u0000\u0000\n")],
    ["is empty", (folder) => truncateSync(join(folder, "seen.0"), 0)],
    [
      "is from an earlier start of the system",
      (folder) => writeFileSync(join(folder, "seen.0"), text(folder).replace(BOOT, "boot-0")),
    ],
  ];
  for (const [what, damage] of damages)
    it(`${what}: nothing stamped until two minutes from now is trusted to be new`, (t) => {
      const folder = join(temporaryFolder(t), "replay");
      const clock = new ManualClock();
      const first = make(folder, { clock });
      first.enter(A, "REQUEST-1");
      first.close();
      damage(folder);
      const second = make(folder, { clock });
      assert.equal(second.blindUntil, clock.now() + 120_000);
      second.close();
      clock.advance(10_000);
      const third = make(folder, { clock });
      assert.equal(third.blindUntil, second.blindUntil, "and another restart does not end that early");
      third.close();
    });

  it("of a node that has never run before is empty, not lost", (t) => {
    const folder = temporaryFolder(t);
    const clock = new ManualClock();
    const first = make(folder, { clock, firstStart: true });
    assert.equal(first.blindUntil, 0);
    first.close();
    const second = make(folder, { clock });
    assert.equal(second.blindUntil, 0);
    second.close();
  });
});

describe("a node whose record was lost (T-2)", () => {
  it("refuses for two minutes what a repeat could harm, and serves the rest", async (t: Scope) => {
    const street = new Street(t);
    const [anna, ben] = await street.neighbours();
    anna.offer({ idempotent: false });
    anna.offer({ name: "ext.demo.read", idempotent: true });
    rmSync(join(anna.dataDir, "replay"), { recursive: true });
    await anna.restart();
    const ask = async (o: LetterFacts = {}): Promise<string> => {
      const answer = await post(anna, letter(ben.signer, anna, { at: street.clock.now(), ...o }));
      return answer.status === 200 ? "200" : refusalOf(answer, anna, { from: ben.nodeId });
    };
    assert.equal(await ask(), "410 expired restart_window");
    assert.equal(await ask({ at: street.clock.now() + 120_000 }), "410 expired restart_window", "a fast clock's stamp");
    assert.equal(await ask({ capability: "ext.demo.read" }), "200");
    street.clock.advance(120_000);
    assert.equal(await ask(), "410 expired restart_window");
    street.clock.advance(1000);
    assert.equal(await ask(), "200");
  });
});

function text(folder: string): string {
  return readFileSync(join(folder, "seen.0"), "latin1");
}

function size(folder: string): number {
  return text(folder).length;
}

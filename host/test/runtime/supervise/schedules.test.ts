import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant, PluginManifest } from "../../../src/contract/index.ts";
import { ManualClock } from "../../../src/foundation/index.ts";
import { nextCronTime } from "../../../src/format/index.ts";
import { Wishes } from "../../../src/runtime/broker/index.ts";
import { GrantModes } from "../../../src/runtime/permission/index.ts";
import { Schedules } from "../../../src/runtime/supervise/index.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";
import { openNeighbourhood } from "../commons/neighbours.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
type Declared = NonNullable<PluginManifest["contributes"]["schedules"]>;

function stage(o: { clock?: ManualClock; chance?: number; fired?: Map<string, number> } = {}): {
  clock: ManualClock;
  fired: Map<string, number>;
  /** Minutes after the start at which each tick came. */
  ticks: string[];
  lines: string[];
  /** What the operator says to questions. */
  answers: { yes: boolean };
  start: (schedules: Declared, more?: { grants?: Grant[]; does?: () => Promise<void> }) => Schedules;
} {
  const { clock = new ManualClock(new Date(2026, 6, 1, 12, 0).getTime()), chance = 128, fired = new Map<string, number>() } = o;
  const [ticks, lines] = [[] as string[], [] as string[]];
  const begin = clock.now();
  const answers = { yes: false };
  return {
    answers,
    clock,
    fired,
    ticks,
    lines,
    start: (schedules, { grants = [allow("schedule")], does = async () => {} } = {}) =>
      new Schedules({
        plugin: { contributes: { schedules } } as PluginManifest,
        pluginId: "dev/clock",
        session: {
          wishes: new Wishes({
            modes: () => new GrantModes(grants, () => clock.now()),
            ask: async ({ op, denial }) => {
              lines.push(`${op}: ${denial.target}?`);
              if (!answers.yes) throw denial;
            },
            trial: () => undefined,
            onDenied: () => {},
            onSimulated: ({ op, target }) => void lines.push(`simulated ${op} ${target}`),
          }),
          schedule: async (name) => {
            ticks.push(`${name} ${(clock.now() - begin) / MINUTE}`);
            await does();
          },
        },
        environment: {
          clock,
          random: () => Uint8Array.of(chance),
          logs: { add: (_id: string, { message }: { message: string }) => void lines.push(message) } as never,
          commons: {
            store: {
              lastFired: (_plugin, id) => fired.get(id) ?? null,
              noteFired: (_plugin, id, at) => void fired.set(id, at),
            },
          },
        },
      }),
  };
}

/** In small steps, with room for what a tick does. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  const step = async (by: number): Promise<void> => {
    clock.advance(by);
    await new Promise(setImmediate);
  };
  await step(0);
  for (let left = ms; left > 0; left -= MINUTE) await step(Math.min(MINUTE, left));
}

test("every so often, and the next tick is counted from the end of the last", async () => {
  const { clock, ticks, start } = stage();
  const schedules = start([{ id: "a", every: "10m" }]);
  await pass(clock, 35 * MINUTE);
  assert.deepEqual(ticks, ["a 10", "a 20", "a 30"]);
  schedules.stop();
  await pass(clock, 35 * MINUTE);
  assert.equal(ticks.length, 3);
});

test("by the calendar, in the machine's time zone, also after the clock was set", async () => {
  const { clock, ticks, start } = stage();
  start([{ id: "b", cron: "30 13 * * *" }]);
  await pass(clock, 26 * HOUR);
  assert.deepEqual(ticks, ["b 90", "b 1530"]);
  clock.setNow(new Date(2026, 6, 3, 13, 29).getTime());
  await pass(clock, 2 * MINUTE);
  assert.equal(ticks.length, 3, "set forward, it comes when it is time by the new clock");
});

test("jitter moves a rhythm to both sides and a time by the calendar only back", async () => {
  const early = stage({ chance: 0 });
  early.start([
    { id: "a", every: "10m", jitter: 0.2 },
    { id: "b", cron: "0 * * * *", jitter: 0.2 },
  ]);
  await pass(early.clock, 80 * MINUTE);
  assert.deepEqual(early.ticks.slice(0, 2), ["a 8", "a 16"]);
  assert.ok(early.ticks.includes("b 72"), JSON.stringify(early.ticks));
  const late = stage({ chance: 255 });
  late.start([{ id: "a", every: "10m", jitter: 0.5 }]);
  await pass(late.clock, 20 * MINUTE);
  assert.ok(Number(late.ticks[0]?.slice(2)) > 14);
});

test("catchUp makes up once for what passed while nothing ran; without it nothing is", async () => {
  const first = stage();
  first
    .start([
      { id: "day", cron: "0 13 * * *", catchUp: true },
      { id: "night", cron: "0 13 * * *" },
    ])
    .stop();
  first.clock.advance(50 * HOUR);
  const second = stage({ clock: first.clock, fired: first.fired });
  second
    .start([
      { id: "day", cron: "0 13 * * *", catchUp: true },
      { id: "night", cron: "0 13 * * *" },
    ])
    .stop();
  await pass(second.clock, MINUTE);
  assert.deepEqual(second.ticks, [], "stopped before its turn");
  second.start([
    { id: "day", cron: "0 13 * * *", catchUp: true },
    { id: "night", cron: "0 13 * * *" },
  ]);
  await pass(second.clock, MINUTE);
  assert.deepEqual(second.ticks, ["day 1"]);
  const third = stage({ clock: second.clock, fired: second.fired });
  third.start([{ id: "day", cron: "0 13 * * *", catchUp: true }]);
  await pass(third.clock, MINUTE);
  assert.deepEqual(third.ticks, [], "it was made up for already");
});

test("a plugin that was just installed has missed nothing", async () => {
  const { clock, ticks, start } = stage();
  start([{ id: "a", every: "1h", catchUp: true }]);
  await pass(clock, 59 * MINUTE);
  assert.deepEqual(ticks, []);
});

test("a tick asks the operator where its grant says so, and in a trial run it is noted and does not come (§3.4.1, §3.4.5)", async () => {
  const asked = stage();
  asked.start([{ id: "a", every: "10m" }], { grants: [{ ...allow("schedule"), mode: "ask" }] });
  await pass(asked.clock, 11 * MINUTE);
  assert.deepEqual([asked.lines, asked.ticks], [["schedule: a?"], []]);
  asked.answers.yes = true;
  await pass(asked.clock, 10 * MINUTE);
  assert.deepEqual(asked.lines, ["schedule: a?", "schedule: a?"]);
  assert.equal(asked.ticks.length, 1, "one yes is one tick");
  const tried = stage();
  tried.start([{ id: "a", every: "10m" }], { grants: [{ ...allow("schedule"), mode: "audit" }] });
  await pass(tried.clock, 11 * MINUTE);
  assert.deepEqual([tried.lines, tried.ticks], [["simulated schedule a"], []]);
});

test("nothing fires without the right, and a failing tick is a line in the log", async () => {
  const { clock, ticks, lines, start } = stage();
  start([{ id: "a", every: "10m" }], { grants: [] });
  await pass(clock, 30 * MINUTE);
  assert.deepEqual(ticks, []);
  start([{ id: "b", every: "10m" }], { does: () => Promise.reject(new Error("no")) });
  await pass(clock, 21 * MINUTE);
  assert.equal(ticks.length, 2, "the next comes all the same");
  assert.match(lines[0] ?? "", /^The schedule b failed/);
});

test("only five fields that name a day which comes are a pattern", () => {
  const now = new Date(2026, 6, 1, 12, 0).getTime();
  assert.equal(nextCronTime("0 0 29 2 *", now), new Date(2028, 1, 29).getTime());
  for (const bad of ["* * * * * *", "@daily", "61 * * * *", "* * * *", "a b c d e", "0 0 30 2 *", ""])
    assert.equal(nextCronTime(bad, now), null, bad);
});

test(
  "of two releases side by side only the active one fires (§2.1)",
  { skip: hasBubblewrap() ? false : "needs bubblewrap" },
  async (t) => {
    const clock = new ManualClock();
    const { install, ask } = await openNeighbourhood(t, { clock });
    const release = (version: string): Parameters<typeof install>[0] => ({
      name: "beat",
      version,
      does: `return { beats: (await ctx.kv.list()).items.map(({ key, value }) => key + " " + value) };`,
      more: `schedules: { beat: async (ctx) => void (await ctx.kv.increment(ctx.plugin.version)) },`,
      grants: [allow("storage.kv"), allow("schedule")],
      contributes: { schedules: [{ id: "beat", every: "10s" }] },
    });
    /** A second at a time: pings want their answers. */
    const seconds = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        clock.advance(1000);
        await ask("beat");
      }
    };
    await install(release("1.0.0"));
    await seconds(11);
    assert.deepEqual((await ask("beat"))["beats"], ["1.0.0 1"]);
    await install(release("1.1.0"));
    await seconds(22);
    assert.deepEqual((await ask("beat"))["beats"], ["1.0.0 1", "1.1.0 2"]);
  },
);

/** Plugins that crash again and again, on a clock that the test moves. The control is started anew for ever. @source plugin-platform §6.3, §10 A17 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { ManualClock } from "../../../host/src/foundation/index.ts";
import { allow, hasBubblewrap, openWorld, writePackage, type World } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { reportAttack } from "./report.ts";

const PROVIDE = allow("bus.provide", { prefixes: ["dev."] });
const DELAYS_MS = [0, 1000, 4000, 15_000];
/** For real processes on a machine with other work. */
const PATIENCE_MS = 30_000;
const id = "lab/crasher";

/** Two bytes decide the jitter of ± 20 %: in the middle there is none. */
const withoutJitter = (n: number): Uint8Array => (n === 2 ? Uint8Array.of(0x7f, 0xff) : randomBytes(n));

async function openCrashWorld(
  t: TestContext,
  parts: { main: string; config?: boolean },
): Promise<{ world: World; clock: ManualClock }> {
  const clock = new ManualClock();
  const world = await openWorld({ clock, random: withoutJitter });
  t.after(() => world.close());
  const schema = { type: "object", additionalProperties: false, properties: { mode: { type: "string" } } };
  const release = writePackage(world.folder, {
    id,
    main: `${parts.main}
exports.setup ??= async (ctx) => { await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} }); };`,
    capabilities: [{ name: "dev.do" }],
    ...(parts.config === true ? { manifest: { config: { schema, secrets: [] } } } : {}),
  });
  await world.runtime.stage(release, [PROVIDE]);
  return { world, clock };
}

const state = (world: World): string | undefined => world.runtime.get(id)?.state;

/** @throws Error with what stopped it, where it is not started */
async function runs(world: World): Promise<void> {
  await until("it runs", () => state(world) === "active", PATIENCE_MS).catch((error: unknown) => {
    const said = world.runtime.logs(id, { limit: 5 }).map(({ message }) => message);
    throw new Error(`It is ${state(world)}: ${said.join(" | ")}`, { cause: error });
  });
}

/** It waits for exactly this time, then it is started. */
async function startsAfter(world: World, clock: ManualClock, delayMs: number): Promise<void> {
  await until("it waits", () => state(world) === "backoff", PATIENCE_MS);
  if (delayMs > 0) clock.advance(delayMs - 1);
  if (delayMs > 0) assert.equal(state(world), "backoff", `not a millisecond before ${delayMs}`);
  clock.advance(delayMs > 0 ? 1 : 0);
  assert.equal(state(world), "starting", `after ${delayMs} ms`);
}

/** What a supervisor without such rules does with the same program. */
async function endlesslyRestarted(): Promise<string> {
  const started = performance.now();
  let starts = 0;
  while (performance.now() - started < 2000 && starts < 20) {
    starts += 1;
    await once(spawn(process.execPath, ["-e", "process.exit(1)"], { stdio: "ignore" }), "exit");
  }
  assert.ok(starts > 5, "the control must go on");
  return `started ${starts} times in ${Math.round(performance.now() - started)} ms, without an end`;
}

/** Neither time nor a new daemon starts it again; the operator does. */
async function staysAlone(world: World, clock: ManualClock): Promise<void> {
  await until("it is left alone", () => state(world) === "crash_looped", PATIENCE_MS);
  clock.advance(300_000);
  assert.equal(state(world), "crash_looped");
  const runtime = await world.reopen();
  await runtime.startAll();
  assert.equal(state(world), "crash_looped", "also after a restart of the node");
  assert.equal(runtime.get(id)?.reason?.reason, "crash_looped");
}

const report = (world: World, title: string, o: { confined: string; control: string }): void =>
  reportAttack({
    row: "A17",
    title,
    ...o,
    record: `journal: ${world.runtime.get(id)?.reason?.reason ?? "-"}`,
  });

test("A17: a plugin that ends at its start is tried after 0 and 1 s, then left alone, over a restart of the node as well", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const { world, clock } = await openCrashWorld(t, { main: "process.exit(1);" });
  for (const delay of DELAYS_MS.slice(0, 2)) await startsAfter(world, clock, delay);
  await staysAlone(world, clock);
  report(world, "end at the start", {
    confined: "tried after 0, 1000 ms, then crash_looped",
    control: await endlesslyRestarted(),
  });
  assert.equal((await world.runtime.enable(id)).state, "backoff", "the operator's act lets it try again");
});

for (const [title, calls] of [
  ["a crash while it is ready", 1],
  ["a crash under load", 5],
] as const)
  test(`A17: after ${title} a plugin is started after 0, 1, 4 and 15 s, then left alone; calls under way fail as plugin_gone`, async (t) => {
    if (!hasBubblewrap()) return t.skip("needs bubblewrap");
    const main = `let n = 0; exports.capabilities = { "dev.do@1.0": async () => { n += 1; if (n === ${calls}) process.exit(9); await new Promise(() => {}); } };`;
    const { world, clock } = await openCrashWorld(t, { main });
    const crash = async (): Promise<void> => {
      await runs(world);
      const all = await Promise.allSettled(Array.from({ length: calls }, () => world.bus.call("dev.do")));
      assert.deepEqual(
        all.map((one) => (one.status === "rejected" ? (one.reason as { code: string }).code : "answered")),
        Array.from({ length: calls }, () => "plugin_gone"),
      );
    };
    for (const delay of DELAYS_MS) {
      await crash();
      await startsAfter(world, clock, delay);
    }
    await crash();
    await staysAlone(world, clock);
    report(world, title, {
      confined: `started after ${DELAYS_MS.join(", ")} ms, then crash_looped; ${calls} calls under way: plugin_gone`,
      control: await endlesslyRestarted(),
    });
  });

test("A17: a plugin that crashes over its new settings gets the former ones back", async (t) => {
  if (!hasBubblewrap()) return t.skip("needs bubblewrap");
  const main = `
    exports.onConfig = async (config) => { if (config.mode === "deadly") process.exit(9); return "applied"; };
    exports.setup = async (ctx) => {
      if (ctx.facts.config.mode === "deadly") process.exit(9);
      await ctx.op("capabilities.register", { ref: "dev.do@1.0", params: {} });
    };
    exports.capabilities = { "dev.do@1.0": async (_, ctx) => ({ output: { mode: ctx.facts.config.mode } }) };`;
  const { world } = await openCrashWorld(t, { main, config: true });
  await world.runtime.setConfig(id, { mode: "kind" }, {});
  const { result } = await world.runtime.setConfig(id, { mode: "deadly" }, {});
  assert.equal(result, "restored");
  await until("it runs", () => state(world) === "active", PATIENCE_MS);
  assert.equal((await world.bus.call("dev.do")).output["mode"], "kind");
  assert.equal(world.runtime.config(id).value["mode"], "kind");
  report(world, "crash in onConfig", { confined: "runs on with the former settings", control: await endlesslyRestarted() });
});

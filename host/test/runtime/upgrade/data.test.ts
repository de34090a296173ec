import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test, type TestContext } from "node:test";
import { systemClock } from "../../../src/foundation/index.ts";
import type { RuntimeOptions } from "../../../src/runtime/index.ts";
import { until } from "../../support/until.ts";
import { GRANTS, ID, openUpgradeWorld, SAY, type UpgradeWorld } from "../fixtures/upgrade-world.ts";
import { keeping } from "../fixtures/keeping-plugin.ts";
import { allow, hasBubblewrap } from "../fixtures/world.ts";

const confined = hasBubblewrap();
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RIGHTS = [...GRANTS, allow("fs.data")];
let world: UpgradeWorld;
let offset = 0;
const notices: string[] = [];
const OPTIONS: Partial<RuntimeOptions> = {
  clock: {
    ...systemClock,
    now: () => Date.now() + offset,
    monotonic: () => systemClock.monotonic(),
    setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms),
  },
  upgradeTimes: { drainMs: 0, probationMs: HOUR, fenceMs: HOUR },
  onNotice: ({ title }) => void notices.push(title),
};
before(async () => {
  if (confined) world = await openUpgradeWorld(OPTIONS);
});
after(async () => {
  if (confined) await world.close();
});
afterEach(async () => {
  offset = 0;
  notices.length = 0;
  if (confined && world.runtime.get(ID) !== undefined) await world.runtime.remove(ID, { keepData: false });
});
const skip = (t: TestContext): boolean => {
  if (!confined) t.skip("needs bubblewrap");
  return !confined;
};

const keeper = (
  version: string,
  data: Parameters<typeof keeping>[2],
  o: Parameters<typeof keeping>[3] = {},
): ReturnType<typeof keeping> => keeping(world.folder, version, data, o);

const say = async (input: object = {}): Promise<string> => {
  const { version, notes } = (await world.call(SAY, { ...input })) as { version: string; notes: string };
  return `${version}: ${notes}`;
};
const folders = (): string[] =>
  readdirSync(join(world.folder, "node", "runtime", "plugins", ...ID.split("/"))).filter((name) =>
    /^(data|copy)(-|$)/.test(name),
  );
const worsen = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) await world.call(SAY, {}).catch(() => {});
};

test("a new layout is made from a copy, and the data of the version before stay as they were (§6.4.2 c)", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  await runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
  assert.equal(await say({ add: "a" }), "1.0.0: 1.0.0,a");
  const setup = `const fs = require("fs"); ctx.log("found " + fs.readdirSync("/data").length); if (fs.readdirSync("/data").length === 0) fs.writeFileSync("/data/notes", "too early");`;
  await runtime.stage(keeper("2.0.0", { schemaVersion: 2 }, { setup }), RIGHTS);
  assert.equal(await say({ add: "b" }), "2.0.0: 1.0.0,a,1>2,b");
  const lines = runtime.logs(ID, { limit: 50 }).map(({ message }) => message);
  assert.ok(lines.includes("found 0"), "in setup it has no data yet");
  assert.ok(lines.some((line) => /Its data were copied for 2\.0\.0: 1 files/.test(line)));
  await runtime.restart(ID);
  assert.equal(await say(), "2.0.0: 1.0.0,a,1>2,b", "they are its own from now on");
  const [kept] = runtime.kept(ID);
  assert.ok(Math.abs(Date.now() - (kept?.losesSince ?? 0)) < HOUR, "that something would be lost is known before");
  const back = await runtime.rollback(ID, {});
  assert.equal(back.version, "1.0.0");
  assert.equal(await say(), "1.0.0: 1.0.0,a", "going back is going back to the data of then");
  assert.equal(runtime.kept(ID)[0]?.losesSince, null, "forward again nothing is");
});

for (const [what, o] of [
  ["throws", { open: `throw new Error("no room in the ark");` }],
  ["dies", { open: `process.exit(9);` }],
] as const) {
  for (const update of [undefined, "stop-first"] as const)
    test(`a migration that ${what} leaves the version before serving with its data${update === undefined ? "" : ", also after it has stopped first"} (§6.2)`, async (t) => {
      if (skip(t)) return;
      const { runtime } = world;
      await runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
      await say({ add: "a" });
      await assert.rejects(runtime.stage(keeper("2.0.0", { schemaVersion: 2 }, { ...o, ...(update && { update }) }), RIGHTS), {
        code: "plugin_gone",
        reason: "migration_failed",
        message: /1\.0\.0 runs on.*layout 1 to 2/,
      });
      assert.equal(await say(), "1.0.0: 1.0.0,a");
      assert.deepEqual(folders(), ["data"], "what came of the copy is deleted");
      assert.deepEqual(runtime.kept(ID), []);
    });
}

test("while it migrates a plugin has nothing but its data (§6.4.8)", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  await runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
  const open = `const denied = await ctx.op("kv.increment", { key: "n" }).then(() => "allowed", ({ code }) => code); await ctx.log(from + ">" + to + " " + denied);`;
  await runtime.stage(keeper("2.0.0", { schemaVersion: 2 }, { open }), RIGHTS);
  await runtime.restart(ID);
  const lines = runtime.logs(ID, { limit: 50 }).map(({ message }) => message);
  await until("it has logged", () => lines.includes("1>2 permission_denied"));
  assert.ok(lines.includes("2>2 allowed"), "afterwards it has what it was granted");
});

for (const update of [undefined, "stop-first"] as const)
  for (const [what, second] of [
    ["in the same layout", { schemaVersion: 1 }],
    ["in one that the former version can read", { schemaVersion: 2, downgradable: true }],
  ] as const)
    test(`a version that is worse goes back by itself with the data of now when they are ${what}${update === undefined ? "" : ", also where one stops first"} (§6.4.5)`, async (t) => {
      if (skip(t)) return;
      const { runtime } = world;
      await runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
      const bad = `if (!input.add) throw new Error("worse");`;
      await runtime.stage(keeper("2.0.0", second, { bad, ...(update && { update }) }), RIGHTS);
      const notes = second.schemaVersion === 1 ? "1.0.0,b" : "1.0.0,1>2,b";
      assert.equal(await say({ add: "b" }), `2.0.0: ${notes}`);
      await worsen();
      await until("the former one is back", () => runtime.get(ID)?.version === "1.0.0" && runtime.get(ID)?.state === "active");
      assert.equal(await say(), `1.0.0: ${notes}`);
      assert.deepEqual(notices, ["An update was taken back"]);
      const { rows } = runtime.ledger(50);
      assert.ok(
        rows.some(
          ({ op, verdict, target, release }) =>
            op === "return" && verdict === "allow" && target === "1.0.0" && release === "2.0.0",
        ),
      );
      await until("what nobody refers to is deleted", () => folders().length === 1);
    });

test("two versions whose authors vouch for two writers share one folder, side by side and back (§6.4.2 b)", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  const shared = { schemaVersion: 1, shared: true };
  await runtime.stage(keeper("1.0.0", shared), RIGHTS);
  await say({ add: "a" });
  const first = world.pid();
  await runtime.stage(keeper("2.0.0", shared, { bad: `if (!input.add) throw new Error("worse");` }), RIGHTS);
  assert.equal(await say({ add: "b" }), "2.0.0: 1.0.0,a,b");
  assert.deepEqual(folders(), ["data"], "nothing is copied");
  await worsen();
  assert.deepEqual([runtime.get(ID)?.version, world.pid()], ["1.0.0", first], "it was at hand all the time");
  assert.equal(await say(), "1.0.0: 1.0.0,a,b");
  await runtime.restart(ID);
  assert.equal(await say(), "1.0.0: 1.0.0,a,b");
  assert.deepEqual(folders(), ["data"]);
});

for (const [choice, expected] of [
  ["rollback", "1.0.0: 1.0.0,a"],
  ["restart", "2.0.0: 1.0.0,a,1>2,b"],
] as const)
  test(`where going back would lose what was written, the version is stopped and the operator asked, also after a restart of the node; ${choice} decides (§6.4.5)`, async (t) => {
    if (skip(t)) return;
    await world.runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
    await say({ add: "a" });
    await world.runtime.stage(
      keeper("2.0.0", { schemaVersion: 2 }, { bad: `if (!input.add && !input.fine) throw new Error("worse");` }),
      RIGHTS,
    );
    await say({ add: "b" });
    offset = 3 * HOUR;
    await worsen();
    const waits = (): boolean => world.runtime.get(ID)?.reason?.reason === "return_waits";
    await until("the operator is asked", waits);
    const look = (): unknown[] => [world.runtime.get(ID)?.version, world.runtime.get(ID)?.state];
    assert.deepEqual(look(), ["2.0.0", "stopped"]);
    assert.match(
      world.runtime.get(ID)?.reason?.message ?? "",
      /2\.0\.0 was stopped: .* 1\.0\.0 can come back with its data of 3 hours ago/,
    );
    assert.match(world.runtime.get(ID)?.reason?.action ?? "", /plugin rollback dev\/change/);
    assert.deepEqual(notices, ["An update needs you"]);
    assert.ok(world.runtime.ledger(50).rows.some(({ op, verdict }) => op === "return" && verdict === "deny"));
    const again = await world.reopen();
    await again.startAll();
    assert.ok(waits());
    assert.deepEqual(look(), ["2.0.0", "stopped"]);
    if (choice === "rollback") await again.rollback(ID, {});
    else await again.restart(ID);
    assert.equal(await say({ fine: true }), expected);
    assert.equal(again.get(ID)?.reason, null);
  });

test("a version that dies on probation behind a fence gives way as well (§6.4.5)", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  await runtime.stage(keeper("1.0.0", null), RIGHTS);
  await runtime.stage(keeper("2.0.0", null, { bad: `if (input.die) process.exit(7);` }), RIGHTS);
  await say({ add: "b" });
  await world.call(SAY, { die: true }).catch(() => {});
  await until("the former one is back", () => runtime.get(ID)?.version === "1.0.0" && runtime.get(ID)?.state === "active");
  assert.equal(await say(), "1.0.0: 1.0.0,b");
});

test("snapshots are kept as their versions are: the last two, older ones for 30 days (§6.4.6)", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  for (const n of [1, 2, 3, 4]) await runtime.stage(keeper(`${n}.0.0`, { schemaVersion: n }), RIGHTS);
  assert.equal(folders().length, 4);
  offset = 31 * DAY;
  await runtime.stage(keeper("5.0.0", { schemaVersion: 5 }), RIGHTS);
  assert.deepEqual(
    runtime.kept(ID).map(({ release }) => release.version),
    ["4.0.0", "3.0.0"],
  );
  assert.equal(folders().length, 3);
  assert.equal((await runtime.rollback(ID, { version: "3.0.0" })).version, "3.0.0");
  assert.equal(await say(), "3.0.0: 1.0.0,1>2,2>3");
});

test("data that wait for the plugin to be installed again are found by it; an older version that cannot read them is refused", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  await runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
  await runtime.stage(keeper("2.0.0", { schemaVersion: 2 }), RIGHTS);
  await runtime.remove(ID, { keepData: true });
  assert.equal(folders().length, 1, "only those of the last one wait");
  await assert.rejects(runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS), {
    code: "bad_request",
    reason: "data_too_new",
  });
  assert.equal(runtime.get(ID), undefined);
  await runtime.stage(keeper("3.0.0", { schemaVersion: 3 }), RIGHTS);
  assert.equal(await say(), "3.0.0: 1.0.0,1>2,2>3");
});

test("an update without room for the copy is refused, and the version before runs on", async (t) => {
  if (skip(t)) return;
  const { runtime } = world;
  await runtime.stage(keeper("1.0.0", { schemaVersion: 1 }), RIGHTS);
  await world.call(SAY, { add: "x" });
  const holes = `for (const n of [1, 2, 3]) { require("fs").writeFileSync("/data/" + n, ""); require("fs").truncateSync("/data/" + n, 60e6); }`;
  await runtime.stage(keeper("1.1.0", { schemaVersion: 1 }, { open: holes }), RIGHTS);
  await assert.rejects(runtime.stage(keeper("2.0.0", { schemaVersion: 2 }), RIGHTS), {
    reason: "data_copy_failed",
    message: /1\.1\.0 runs on.*more than/s,
  });
  assert.match(await say(), /^1\.1\.0: 1\.0\.0,x/);
});

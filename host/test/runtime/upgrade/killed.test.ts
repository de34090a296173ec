import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { until } from "../../support/until.ts";
import { ID, openUpgradeWorld, SAY, type UpgradeWorld } from "../fixtures/upgrade-world.ts";
import { bundleRunner, hasBubblewrap, temporaryFolder } from "../fixtures/world.ts";

const SCRIPT = join(import.meta.dirname, "upgrading-process.ts");
const NODE = ["--no-warnings", "--conditions=hearthnet-source", SCRIPT];

/** Processes that were started from this folder, by what their command line says: a plugin is bubblewrap and node, twice each. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${folder}/store/`);
    } catch {
      return false;
    }
  });
}

/** What the journal says now: the active releases, and what is neither done nor given up. */
function journalOf(folder: string): { active: unknown[]; open: unknown[] } {
  const db = new DatabaseSync(join(folder, "node", "runtime", "journal.db"), { readOnly: true });
  try {
    const plain = (sql: string): unknown[] =>
      db
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }));
    return {
      active: plain(
        "SELECT version, active_release = sha256 AS same FROM release JOIN plugin ON id = plugin_id WHERE state = 'active'",
      ),
      open: [
        ...plain("SELECT version FROM release WHERE state = 'staged'"),
        ...plain("SELECT kind, step FROM op WHERE phase = 'intent' AND step <> 'probation'"),
      ],
    };
  } finally {
    db.close();
  }
}

/** What a release finds where it kept notes, and nothing of a half-made copy. */
const dataOf = (story: string): Record<string, RegExp> =>
  story === "worse-data"
    ? { "1.0.0": /^1\.0\.0,a,b$/, "2.0.0": /^1\.0\.0,a,b$/ }
    : { "1.0.0": /^1\.0\.0,a$/, "2.0.0": /^1\.0\.0,a,1>2(,b)?$/ };
/** The operator decides: also then the data of the former release are as it left them. */
async function goBack(world: UpgradeWorld, said: string): Promise<void> {
  await world.runtime.rollback(ID, {});
  const { version, notes } = (await world.call(SAY)) as { version: string; notes: string };
  assert.deepEqual([version, notes], ["1.0.0", "1.0.0,a"], said);
}
/** One that keeps nothing has no folder at all. */
function foldersOf(folder: string): number {
  const own = join(folder, "node", "runtime", "plugins", ...ID.split("/"));
  return existsSync(own) ? readdirSync(own).filter((name) => /^(data|copy)(-|$)/.test(name)).length : 0;
}

/** What each story passes through at least. */
const STEPS = {
  "by-hand": ["update start", "update flip", "update probation", "rollback start", "rollback flip", "drain stop"],
  fenced:
    "update start|update fence|data snapshot|data migrate|update flip|update probation|rollback start|rollback fence|rollback flip".split(
      "|",
    ),
  "stop-first": ["update fence", "update start", "data snapshot", "data migrate", "update flip"],
  worse: ["return flip"],
  "worse-data": ["return start", "return fence", "data snapshot", "return flip"],
  asked: ["return ask"],
};
/** What may come of a release that is worse: it goes on being watched, the former is back, or the operator is asked. */
const isWorse = (story: string): boolean => story.startsWith("worse") || story === "asked";

for (const [story, what] of [
  ["by-hand", "an upgrade and a rollback"],
  ["fenced", "an upgrade and a rollback of a plugin with data"],
  ["stop-first", "an upgrade of a plugin with data that stops first"],
  ["worse", "a return that nobody asked for"],
  ["worse-data", "such a return of a plugin with data"],
  ["asked", "a return that waits for the operator"],
] as const) {
  test(`a daemon killed at any point of ${what} has one release afterwards, which serves, and no process is left over (A25)`, async (t) => {
    if (!hasBubblewrap()) return t.skip("needs bubblewrap");
    const tools = temporaryFolder();
    t.after(() => rmSync(tools, { recursive: true, force: true }));
    const runnerPath = await bundleRunner(tools);
    const seen: string[] = [];
    for (let point = 1; ; point += 1) {
      const folder = temporaryFolder();
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const args = [...NODE, folder, runnerPath, story, String(point)];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const [said, [code, signal]] = await Promise.all([
        text(child.stdout),
        once(child, "exit") as Promise<[number | null, string | null]>,
      ]);
      if (signal === null) {
        assert.equal(code, 0);
        break;
      }
      seen.push(said);
      const world = await openUpgradeWorld({ upgradeTimes: { drainMs: 0, probationMs: 3_600_000 } }, { folder, runnerPath });
      try {
        assert.deepEqual(processesOf(folder), [], `orphans after: ${said}`);
        await world.runtime.startAll();
        const status = world.runtime.get(ID);
        const waits = story === "asked" && status?.reason?.reason === "return_waits";
        assert.equal(status?.state, waits ? "stopped" : "active", said);
        const answer: { version?: string; notes?: string } = await world.call(SAY).catch((error: unknown) => {
          if (!isWorse(story)) throw error;
          return { version: status?.version ?? "" };
        });
        const { version, notes } = answer;
        if (notes !== undefined) assert.match(notes, dataOf(story)[version ?? ""] ?? /^$/, said);
        if (story === "asked") await goBack(world, said);
        assert.ok(foldersOf(folder) <= 2, `${said}: what came to nothing is deleted`);
        assert.deepEqual(
          journalOf(folder),
          { active: [{ version: story === "asked" ? "1.0.0" : version, same: 1 }], open: [] },
          said,
        );
        assert.equal(world.real.entries({ name: SAY }).length, 1, said);
      } finally {
        await world.close();
      }
      await until("nothing is left", () => processesOf(folder).length === 0);
    }
    t.diagnostic(`${seen.length} points: ${seen.join(", ")}`);
    const wanted = STEPS[story];
    const phases = ["intent", "before done", ...(story === "by-hand" || story === "worse" ? ["done"] : [])];
    for (const step of wanted) for (const phase of phases) assert.ok(seen.includes(`${phase} ${step}`), `${phase} ${step}`);
  });
}

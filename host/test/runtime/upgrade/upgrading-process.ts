/**
 * A daemon that upgrades a plugin, goes back by hand or by itself, and ends itself the hard way at one point of the journal:
 * argv = folder, runner, one of the stories of `killed.test.ts`, number of the point. Each intent is one point, and each done one before it is written and, in the stories without data, one after.
 * Exits with 0 when there is no such point. Run by `killed.test.ts`.
 */
import type { StoredRelease } from "../../../src/contract/index.ts";
import { Journal } from "../../../src/runtime/journal/index.ts";
import { until } from "../../support/until.ts";
import { GRANTS, ID, openUpgradeWorld, SAY, versioned } from "../fixtures/upgrade-world.ts";
import { keeping } from "../fixtures/keeping-plugin.ts";
import { allow } from "../fixtures/world.ts";

const [folder = "", runnerPath = "", story = "", stop = ""] = process.argv.slice(2);
let counting = false;
let point = 0;
const pass = (what: string): void => {
  if (!counting || (point += 1) !== Number(stop)) return;
  process.stdout.write(what);
  process.kill(process.pid, "SIGKILL");
};
const { intent, done } = Journal.prototype;
const steps = new Map<string, string>();
Journal.prototype.intent = function (this: Journal, op) {
  const id = intent.call(this, op);
  steps.set(id, `${op.kind} ${op.step}`);
  pass(`intent ${op.kind} ${op.step}`);
  return id;
};
Journal.prototype.done = function (this: Journal, id) {
  pass(`before done ${steps.get(id) ?? ""}`);
  done.call(this, id);
  // Until the next intent nothing else happens; one story is enough to see that.
  if (story === "by-hand" || story === "worse") pass(`done ${steps.get(id) ?? ""}`);
};

/** Stories in which the new release proves worse, and how its data are laid out. */
const LAYOUTS: Record<string, number> = { worse: 1, "worse-data": 1, asked: 2 };
const isWorse = LAYOUTS[story] !== undefined;
const probationMs = isWorse ? 3_600_000 : 0;
const withData = story !== "by-hand" && story !== "worse";
const grants = withData ? [...GRANTS, allow("fs.data")] : GRANTS;
const make = (version: string, bad = ""): StoredRelease =>
  withData
    ? keeping(
        folder,
        version,
        { schemaVersion: version === "1.0.0" ? 1 : (LAYOUTS[story] ?? 2) },
        { bad, ...(story === "stop-first" ? { update: story } : {}) },
      )
    : versioned(folder, version, { bad });
const world = await openUpgradeWorld({ upgradeTimes: { drainMs: 0, probationMs } }, { folder, runnerPath });
await world.runtime.stage(make("1.0.0"), grants);
if (withData) await world.call(SAY, { add: "a" });
if (!isWorse) counting = true;
await world.runtime.stage(make("2.0.0", isWorse ? `if (!input.add) throw new Error("worse");` : ""), grants);
if (withData) await world.call(SAY, { add: "b" });
counting = true;
for (let n = 0; isWorse && n < 20; n += 1) await world.call(SAY).catch(() => {});
const asked = (): boolean => world.runtime.get(ID)?.reason?.reason === "return_waits";
const back = (): boolean => world.runtime.get(ID)?.version === "1.0.0" && world.runtime.get(ID)?.state === "active";
if (isWorse) await until("what comes of it has come", () => (story === "asked" ? asked() : back()));
const drained = (): boolean => world.runtime.logs(ID, { limit: 50 }).some(({ message }) => message.startsWith("Stopped."));
await until("one of the two is gone", drained);
const goesBack = story === "by-hand" || story === "fenced";
if (goesBack) await world.runtime.rollback(ID, {});
const stopped = (): number =>
  world.runtime.logs(ID, { limit: 50 }).filter(({ message }) => message.startsWith("Stopped.")).length;
await until("the other one is gone", () => !goesBack || stopped() === 2);
await world.runtime.restart(ID);
process.exit(0);

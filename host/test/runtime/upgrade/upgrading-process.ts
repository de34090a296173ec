/**
 * A daemon that upgrades a plugin, goes back by hand and, with `worse`, by itself, and ends itself the hard way at one point of the journal:
 * argv = folder, runner, `by-hand`, `fenced` or `worse`, number of the point. Each intent is one point, each done two: before and after it is written.
 * Exits with 0 when there is no such point. Run by `killed.test.ts`.
 */
import { Journal } from "../../../src/runtime/journal/index.ts";
import { until } from "../../support/until.ts";
import { GRANTS, ID, openUpgradeWorld, SAY, versioned } from "../fixtures/upgrade-world.ts";
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
  pass(`done ${steps.get(id) ?? ""}`);
};

const probationMs = story === "worse" ? 3_600_000 : 0;
const grants = story === "fenced" ? [...GRANTS, allow("fs.data")] : GRANTS;
const world = await openUpgradeWorld({ upgradeTimes: { drainMs: 0, probationMs } }, { folder, runnerPath });
await world.runtime.stage(versioned(folder, "1.0.0"), grants);
if (story !== "worse") counting = true;
await world.runtime.stage(versioned(folder, "2.0.0", story === "worse" ? { bad: `throw new Error("worse");` } : {}), grants);
counting = true;
if (story === "worse") for (let n = 0; n < 20; n += 1) await world.call(SAY);
const drained = (): boolean => world.runtime.logs(ID, { limit: 50 }).some(({ message }) => message.startsWith("Stopped."));
await until("one of the two is gone", drained);
if (story !== "worse") await world.runtime.rollback(ID, {});
const stopped = (): number =>
  world.runtime.logs(ID, { limit: 50 }).filter(({ message }) => message.startsWith("Stopped.")).length;
await until("the other one is gone", () => story === "worse" || stopped() === 2);
await world.runtime.restart(ID);
process.exit(0);

/**
 * Limits by the kernel's control groups, version 2: a node that stands alone in a group of its own sets hard limits for its plugins. Runs on a machine
 * of its own (`npm run vm`), since most others have version 1, or have given the controllers to somebody else. @source plugin-platform §7
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { systemClock } from "../../../host/src/foundation/index.ts";
import { kernelFiles, openCgroups, withinGroup } from "../../../host/src/runtime/confine/index.ts";
import { temporaryFolder } from "../../../host/test/runtime/fixtures/world.ts";
import { until } from "../../../host/test/support/until.ts";
import { Daemon } from "../../security/attacks/daemon.ts";
import { HOSTILE } from "../../security/attacks/hostile.ts";

const MOUNT = "/sys/fs/cgroup";
const PATIENT_MS = 120_000;
const MEMORY_MB = 128;
/** All at once: the node, which looks four times a second, would see it grow otherwise. */
const WASTE = "return { kept: Buffer.alloc(1024 * 1024 * 1024, 1).length };";

let daemon: Daemon;
before(async () => void (daemon = await Daemon.open(temporaryFolder())));
after(() => daemon.close());

/** Folder of the group that this process stands in. */
const ownGroup = (): string => join(MOUNT, (kernelFiles.read("/proc/self/cgroup") ?? "").trim().slice("0::".length));
const base = (): string => dirname(ownGroup());
const groups = (): string[] => readdirSync(base()).filter((name) => name.startsWith("plugin-"));
const say = (text: string): void => void process.stdout.write(`figure: ${text}\n`);

/** @returns the folder of its group */
async function install(id: string, limits: { memoryMb: number; cpu?: number }): Promise<string> {
  const { evidence } = await daemon.install({
    ...HOSTILE,
    id,
    manifest: { limits: { ...limits, maxBlockMs: 30_000, startTimeoutMs: 60_000 } },
  });
  assert.equal(evidence?.label, "os+cgroup");
  const folder = join(MOUNT, evidence.cgroup ?? "");
  assert.equal(dirname(folder), base(), "beside the group that the node has moved into");
  return folder;
}

test("the node moves into a group of its own inside the one that it was given, and hands the controllers on", () => {
  assert.match(ownGroup(), /\/hearthnet-node$/);
  assert.equal(readFileSync(join(ownGroup(), "cgroup.procs"), "utf8").trim(), String(process.pid));
  assert.deepEqual(readFileSync(join(base(), "cgroup.subtree_control"), "utf8").trim().split(" ").toSorted(), [
    "cpu",
    "memory",
    "pids",
  ]);
});

test("a plugin that takes too much memory is ended, its group never holds more than it may, and the reason is told", async () => {
  const id = "lab/hog";
  const folder = await install(id, { memoryMb: MEMORY_MB });
  assert.equal(readFileSync(join(folder, "memory.max"), "utf8").trim(), String(MEMORY_MB * 1_048_576));
  let most = 0;
  let ended = false;
  const watched = until(
    "it has ended",
    () => {
      most = Math.max(most, Number(kernelFiles.read(join(folder, "memory.current")) ?? 0));
      return ended;
    },
    PATIENT_MS,
  );
  const before = process.memoryUsage.rss();
  await assert.rejects(daemon.call(HOSTILE.capability, { code: WASTE }, { timeoutMs: PATIENT_MS }), { code: "plugin_gone" });
  ended = true;
  await watched;
  const told = await until(
    "the log says why",
    () =>
      daemon.runtime
        .logs(id, { limit: 1000 })
        .map(({ message }) => message)
        .find((line) => /memory/.test(line)),
    PATIENT_MS,
  );
  say(
    `memory: at most ${(most / 1_048_576).toFixed(1)} of ${MEMORY_MB} MB, the daemon ${((process.memoryUsage.rss() - before) / 1_048_576).toFixed(1)} MB more; "${told}"`,
  );
  assert.ok(most > 0 && most <= MEMORY_MB * 1_048_576, `${most} bytes`);
  await daemon.runtime.remove(id, { keepData: false });
});

test("a plugin that takes the processor for itself gets its share of it and no more", async () => {
  const id = "lab/busy";
  const share = 0.5;
  const folder = await install(id, { memoryMb: MEMORY_MB, cpu: share });
  const used = (): number => Number(/^usage_usec (\d+)/m.exec(readFileSync(join(folder, "cpu.stat"), "utf8"))?.[1]);
  const [from, at] = [used(), performance.now()];
  await daemon.call(
    HOSTILE.capability,
    { code: "const end = Date.now() + 8000; while (Date.now() < end);" },
    { timeoutMs: PATIENT_MS },
  );
  const got = (used() - from) / 1000 / (performance.now() - at);
  say(`processor: ${got.toFixed(3)} of one, allowed ${share}`);
  assert.ok(got <= share * 1.1, `${got} of a processor`);
  assert.match(readFileSync(join(folder, "cpu.stat"), "utf8"), /^nr_throttled [1-9]/m);
  await daemon.runtime.remove(id, { keepData: false });
});

test("what the node does not see in time is ended by the kernel, which says so", async () => {
  const group = openCgroups(systemClock)?.create({ memoryMb: 64, pids: 32 });
  assert.ok(group !== undefined);
  const [program, args] = withinGroup(group, process.execPath, ["-e", "Buffer.alloc(512 * 1024 * 1024, 1)"]);
  const child = spawn(program, args, { stdio: "ignore" });
  await until("it has ended", () => child.exitCode !== null || child.signalCode !== null, PATIENT_MS);
  assert.equal(child.signalCode, "SIGKILL");
  assert.ok(group.outOfMemory());
  group.remove();
});

test("no more tasks than allowed begin in a group, and all of them end at once", async () => {
  const pids = 10;
  const made = openCgroups(systemClock);
  assert.ok(made !== null, "a second runtime of this process finds the place prepared");
  const group = made.create({ memoryMb: 64, pids });
  const [program, args] = withinGroup(group, "/bin/sh", [
    "-c",
    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 600 & done; wait",
  ]);
  const child = spawn(program, args, { stdio: "ignore" });
  const folder = dirname(group.procs);
  const refused = (): boolean => /^max [1-9]/m.test(readFileSync(join(folder, "pids.events"), "utf8"));
  await until("the kernel refuses another one", refused, PATIENT_MS);
  const tasks = Number(readFileSync(join(folder, "pids.current"), "utf8"));
  say(`tasks: ${tasks} at most, allowed ${pids} and two that start it`);
  assert.ok(tasks <= pids + 2, `${tasks} tasks`);
  group.kill();
  await until("all have ended", () => child.exitCode !== null || child.signalCode !== null, PATIENT_MS);
  await until("the group is empty", () => readFileSync(group.procs, "utf8") === "", PATIENT_MS);
  group.remove();
  assert.ok(!existsSync(folder));
});

test("groups of plugins that have ended are gone", async () => {
  await until("no group is left", () => groups().length === 0, PATIENT_MS);
});

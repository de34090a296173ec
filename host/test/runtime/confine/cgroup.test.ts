import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../../src/foundation/index.ts";
import { cgroupFolder, openCgroups, withinGroup, type CgroupFiles } from "../../../src/runtime/confine/index.ts";

const PID = 4711;
const OWN = "/sys/fs/cgroup/system.slice/hearthnet.service";

/** A kernel as far as groups go. `refuse`: paths that may not be written. */
class FakeKernel implements CgroupFiles {
  readonly files: Map<string, string>;
  readonly folders = new Set<string>();
  /** Groups that something still runs in. */
  readonly busy = new Set<string>();
  tries = 0;
  readonly refuse: RegExp;

  constructor(o: { controllers?: string; procs?: string; group?: string; mount?: string; refuse?: RegExp } = {}) {
    const { controllers = "cpuset cpu io memory pids", procs = `${PID}\n`, group = "/system.slice/hearthnet.service" } = o;
    this.refuse = o.refuse ?? /^$/;
    this.files = new Map([
      ["/proc/self/cgroup", `0::${group}\n`],
      ["/proc/self/mountinfo", o.mount ?? "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"],
      [`${OWN}/cgroup.controllers`, controllers],
      [`${OWN}/cgroup.procs`, procs],
    ]);
  }

  read(path: string): string | null {
    return this.files.get(path) ?? null;
  }

  write(path: string, text: string): void {
    if (this.refuse.test(path)) throw Object.assign(new Error("EACCES"), { code: "EACCES" });
    this.files.set(path, text);
  }

  makeFolder(path: string): void {
    if (this.refuse.test(path)) throw new Error("EACCES");
    this.folders.add(path);
  }

  removeFolder(path: string): void {
    this.tries += 1;
    if (this.busy.has(path)) throw Object.assign(new Error("EBUSY"), { code: "EBUSY" });
    this.folders.delete(path);
  }
}

test("a service with a delegated group sets hard limits for memory, tasks and processors, and none may be swapped out (§7)", () => {
  const kernel = new FakeKernel();
  const groups = openCgroups(new ManualClock(), PID, kernel);
  assert.ok(groups !== null);
  assert.equal(kernel.read(`${OWN}/hearthnet-node/cgroup.procs`), String(PID), "the node itself stands below");
  assert.equal(kernel.read(`${OWN}/cgroup.subtree_control`), "+memory +pids +cpu");
  const group = groups.create({ memoryMb: 256, pids: 32, cpu: 1.5 });
  const folder = `${OWN}/plugin-${PID}-1`;
  assert.equal(group.procs, `${folder}/cgroup.procs`);
  assert.deepEqual(
    ["memory.max", "memory.swap.max", "memory.oom.group", "pids.max", "cpu.max"].map((name) => kernel.read(`${folder}/${name}`)),
    ["268435456", "0", "1", "34", "150000 100000"],
  );
  assert.ok(!group.outOfMemory());
  kernel.files.set(`${folder}/memory.events`, "low 0\nmax 12\noom 1\noom_kill 1\n");
  assert.ok(group.outOfMemory());
  group.kill();
  assert.equal(kernel.read(`${folder}/cgroup.kill`), "1");
  group.remove();
  assert.ok(!kernel.folders.has(folder));
  assert.notEqual(groups.create({ memoryMb: 64, pids: 16 }).procs, group.procs);
});

const without: [name: string, kernel: FakeKernel][] = [
  ["version 1 alone", new FakeKernel({ mount: "30 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" })],
  ["version 2 without controllers, as beside version 1", new FakeKernel({ controllers: "" })],
  ["no controller for tasks", new FakeKernel({ controllers: "cpu memory" })],
  ["others in the group, as in a terminal", new FakeKernel({ procs: `${PID}\n4712\n` })],
  ["no right to make groups", new FakeKernel({ refuse: /hearthnet-node$/ })],
  ["no right to divide it", new FakeKernel({ refuse: /subtree_control$/ })],
];
for (const [name, kernel] of without)
  test(`where nothing was delegated nothing is taken, and nothing stays behind: ${name} (§7)`, () => {
    assert.equal(openCgroups(new ManualClock(), PID, kernel), null);
    assert.deepEqual([...kernel.folders], []);
  });

test("a second runtime in the same process finds the place prepared", () => {
  const kernel = new FakeKernel({ group: "/system.slice/hearthnet.service/hearthnet-node" });
  assert.equal(openCgroups(new ManualClock(), PID, kernel), null, "unless nobody prepared it");
  kernel.files.set(`${OWN}/cgroup.subtree_control`, "memory pids");
  assert.ok(openCgroups(new ManualClock(), PID, kernel) !== null);
});

test("a group lies below the mount that shows it, also inside a container", () => {
  const container = "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
  assert.equal(cgroupFolder(container, "/docker/abc/plugin"), "/sys/fs/cgroup/plugin");
  assert.equal(cgroupFolder(container, "/docker/abcd"), null);
  assert.equal(cgroupFolder(null, "/"), null);
});

test("a group is removed as soon as the kernel has taken its last process apart, and what is left in it is ended", () => {
  const kernel = new FakeKernel();
  const clock = new ManualClock();
  const group = openCgroups(clock, PID, kernel)?.create({ memoryMb: 64, pids: 8 });
  const folder = dirname(group?.procs ?? "");
  kernel.busy.add(folder);
  group?.remove();
  assert.equal(kernel.files.get(`${folder}/cgroup.kill`), "1");
  clock.advance(500);
  assert.ok(kernel.folders.has(folder), "it is not empty yet");
  kernel.busy.clear();
  clock.advance(100);
  assert.ok(!kernel.folders.has(folder));
  kernel.tries = 0;
  clock.advance(600_000);
  assert.equal(kernel.tries, 0, "nobody looks any more");
});

test("two runtimes of one process make groups of different names", () => {
  const kernel = new FakeKernel();
  const groups = [1, 2].map(() => openCgroups(new ManualClock(), PID, kernel));
  kernel.files.set(`${OWN}/cgroup.procs`, `${PID}\n`);
  const made = groups.map((one) => one?.create({ memoryMb: 64, pids: 8 }).procs);
  assert.equal(new Set(made).size, 2, made.join());
});

test("a program stands in its group before its first instruction, with its arguments as they are", () => {
  const folder = mkdtempSync(join(tmpdir(), "hn-group-"));
  try {
    const procs = join(folder, "cgroup procs");
    const [program, args] = withinGroup({ procs }, "/bin/sh", ["-c", 'echo $$ "$@"', "x", "a b", "$HOME"]);
    const [pid, ...rest] = execFileSync(program, args, { encoding: "utf8" }).trim().split(" ");
    assert.equal(readFileSync(procs, "utf8").trim(), pid);
    assert.equal(rest.join(" "), "a b $HOME");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

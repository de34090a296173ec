/** Control groups, version 2, where the node was given a part of the tree: hard limits by the kernel. @source plugin-platform §7 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../../contract/index.ts";

/** The file system of the kernel; another one in tests. */
export interface CgroupFiles {
  read(path: string): string | null;
  /** @throws when it may not */
  write(path: string, text: string): void;
  makeFolder(path: string): void;
  removeFolder(path: string): void;
}

export interface CgroupLimits {
  memoryMb: number;
  pids: number;
  /** Processors; undefined: as many as it gets. */
  cpu?: number | undefined;
}

/** One group for one plugin or worker. */
export interface Cgroup {
  /** Whoever writes its pid here is in the group, and so is everything it starts from then on. */
  procs: string;
  memoryMb: number;
  outOfMemory(): boolean;
  /** Ends everything in it. */
  kill(): void;
  /** Ends what is left in it, and removes it as soon as the kernel lets it go. */
  remove(): void;
}

const LEAF = "hearthnet-node";
const NEEDED = ["memory", "pids"];
/** bwrap stands twice before the plugin's own process. */
const LAUNCHER_TASKS = 2;
const CPU_PERIOD = 100_000;
/** A process that was ended still counts until the kernel has taken it apart. */
const LEAVING = { tries: 100, everyMs: 100 };
/** Groups that this process has made; two of its runtimes may share a place. */
let made = 0;

export const kernelFiles: CgroupFiles = {
  read(path) {
    try {
      return readFileSync(path, "latin1");
    } catch {
      return null;
    }
  },
  write: (path, text) => writeFileSync(path, text),
  makeFolder: (path) => mkdirSync(path),
  removeFolder: (path) => rmdirSync(path),
};

/** Folder of a group below the mount of version 2, or null where there is none. */
export function cgroupFolder(mountinfo: string | null, group: string): string | null {
  for (const line of (mountinfo ?? "").split("\n")) {
    const [, , , root, mount] = line.split(" ");
    if (!line.includes(" - cgroup2 ") || root === undefined || mount === undefined) continue;
    if (root === "/") return join(mount, group);
    if (group === root || group.startsWith(`${root}/`)) return join(mount, group.slice(root.length));
  }
  return null;
}

/** The group that a process stands in, as `/proc/<pid>/cgroup` says it. */
export function groupOf(text: string | null): string | null {
  return /^0::(\/.*)$/m.exec(text ?? "")?.[1] ?? null;
}

/** Groups that this node makes. */
export class Cgroups {
  readonly #base: string;
  readonly #files: CgroupFiles;
  readonly #hasCpu: boolean;
  readonly #prefix: string;
  readonly #clock: Clock;

  constructor(o: { base: string; files: CgroupFiles; hasCpu: boolean; pid: number; clock: Clock }) {
    this.#clock = o.clock;
    this.#base = o.base;
    this.#files = o.files;
    this.#hasCpu = o.hasCpu;
    this.#prefix = `plugin-${o.pid}`;
  }

  /** @throws when the kernel refuses; nothing is left behind then */
  create({ memoryMb, pids, cpu }: CgroupLimits): Cgroup {
    const files = this.#files;
    made += 1;
    const folder = join(this.#base, `${this.#prefix}-${made}`);
    files.makeFolder(folder);
    try {
      files.write(join(folder, "memory.max"), String(memoryMb * 1_048_576));
      files.write(join(folder, "pids.max"), String(pids + LAUNCHER_TASKS));
      if (cpu !== undefined && this.#hasCpu)
        files.write(join(folder, "cpu.max"), `${Math.round(cpu * CPU_PERIOD)} ${CPU_PERIOD}`);
    } catch (error) {
      files.removeFolder(folder);
      throw error;
    }
    // A kernel without swap has no such file, and ends one process instead of all where it does not know the other.
    attempt(() => files.write(join(folder, "memory.swap.max"), "0"));
    attempt(() => files.write(join(folder, "memory.oom.group"), "1"));
    const kill = (): void => void attempt(() => files.write(join(folder, "cgroup.kill"), "1"));
    return {
      procs: join(folder, "cgroup.procs"),
      memoryMb,
      outOfMemory: () => /^oom_kill [1-9]/m.test(files.read(join(folder, "memory.events")) ?? ""),
      kill,
      remove: () => {
        kill();
        this.#removeFolder(folder, LEAVING.tries);
      },
    };
  }

  #removeFolder(folder: string, tries: number): void {
    if (attempt(() => this.#files.removeFolder(folder)) || tries === 0) return;
    this.#clock.setTimeout(() => this.#removeFolder(folder, tries - 1), LEAVING.everyMs);
  }
}

/**
 * Takes the part of the tree that this process was given, if it was given one: it is alone in its group, and may divide it. The node then stands in
 * a group of its own inside, because the kernel lets limits be set only where no process stands.
 * @returns null where there is none; nothing has changed then
 */
export function openCgroups(clock: Clock, pid: number = process.pid, files: CgroupFiles = kernelFiles): Cgroups | null {
  const group = groupOf(files.read("/proc/self/cgroup"));
  const own = group === null ? null : cgroupFolder(files.read("/proc/self/mountinfo"), group);
  if (own === null) return null;
  // A second runtime of the same process finds the place prepared.
  const base = basename(own) === LEAF ? dirname(own) : own;
  const controllers = words(files.read(join(base, "cgroup.controllers")));
  if (!NEEDED.every((name) => controllers.includes(name))) return null;
  const wanted = [...NEEDED, ...(controllers.includes("cpu") ? ["cpu"] : [])];
  const found = new Cgroups({ base, files, hasCpu: wanted.includes("cpu"), pid, clock });
  if (base !== own)
    return NEEDED.every((name) => words(files.read(join(base, "cgroup.subtree_control"))).includes(name)) ? found : null;
  // Others in the group were not given to this node.
  if (words(files.read(join(own, "cgroup.procs"))).join() !== String(pid)) return null;
  const leaf = join(own, LEAF);
  if (!attempt(() => files.makeFolder(leaf))) return null;
  const taken = attempt(() => {
    files.write(join(leaf, "cgroup.procs"), String(pid));
    files.write(join(own, "cgroup.subtree_control"), wanted.map((name) => `+${name}`).join(" "));
  });
  if (taken) return found;
  attempt(() => files.write(join(own, "cgroup.procs"), String(pid)));
  attempt(() => files.removeFolder(leaf));
  return null;
}

/** The program's command line, after it has put itself into the group: what it starts is in it from the first instant. */
export function withinGroup({ procs }: Pick<Cgroup, "procs">, program: string, args: readonly string[]): [string, string[]] {
  return ["/bin/sh", ["-c", 'echo $$ > "$0" && exec "$@"', procs, program, ...args]];
}

const words = (text: string | null): string[] => (text ?? "").split(/\s+/).filter((word) => word !== "");

function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

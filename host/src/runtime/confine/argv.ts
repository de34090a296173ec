/** Command lines of the sandbox. Pure: what a plugin may is decided here cell by cell and tested the same way. @source plugin-platform §1.3 */

/** Programs and files of this machine, found once at boot. */
export interface SandboxTools {
  bwrap: string;
  prlimit: string;
  setpriv: string | null;
  node: string;
  /** The runner's one file. */
  runner: string;
  /** Shared libraries and loader of the programs above, by the path under which the loader looks for them. */
  libraries: readonly string[];
  asRoot: boolean;
}

export interface SandboxSpec {
  /** Name of the declared worker that runs; absent: the plugin itself, or the host's own helper. */
  worker?: string;
  /** A program that runs in place of Node; it has no fd 3, its link is what it reads on fd 0. */
  program?: {
    /** In the package; of an asset's program below `/assets`. */
    path: string;
    args: readonly string[];
    cpuSeconds?: number;
    /** The executable copy of an asset's program, which is bound over its place there. */
    copy?: string;
  };
  packageDir: string;
  /** Folder with the plugin's assets, or null when it has none. */
  assetsDir: string | null;
  /** Folder behind `/data`, or null without `fs.data`. */
  dataDir: string | null;
  memoryMb: number;
  pids: number;
  /** Processors, where a control group can hold it to them. */
  cpu?: number;
  /** Largest file the plugin may write, bytes. */
  maxFileBytes: number;
  sqlite: boolean;
  threads: boolean;
  native: boolean;
  mounts: readonly { name: string; source: string; writable: boolean }[];
  devices: readonly string[];
  /** Set for an isolate host, which gets its plugins' bundles over fd 3: the engine's addon and the script that runs first in every isolate. */
  isolates?: { addon: string; guest: string };
}

/** Where things are for the process that runs: inside the sandbox, or, with the seat belt only, on the machine. */
export interface NodePaths {
  packageDir: string;
  runner: string;
  assetsDir: string | null;
  dataDir: string | null;
  mounts: readonly { path: string; writable: boolean }[];
}

/** The unprivileged user of every plugin when the daemon is root, and the id that a plugin sees as its own otherwise. */
export const NOBODY = 65_534;
const TMP_BYTES = 16_777_216;
/** Tasks of all plugins together where they share one user. */
const ALL_TASKS = 2048;
/** What the C library reads before anything of Node runs: 0.1 MB less for each idle plugin. */
const ONE_ARENA = ["MALLOC_ARENA_MAX", "1"];
/**
 * One helper for compiling and collecting instead of four: an idle plugin is 0.1 MB smaller, an isolate host 0.2 MB, and a busy one answers 5 % more calls
 * where it shares two processors with the daemon. What has workers or native code, and is large for that, keeps them all.
 */
const ONE_HELPER = "--v8-pool-size=1";
/** Names beside the runner of an isolate host. */
const ADDON = "isolated-vm.node";
const GUEST = "guest.js";

export function insidePaths(spec: SandboxSpec): NodePaths {
  return {
    packageDir: "/plugin",
    runner: "/runner/runner.cjs",
    assetsDir: spec.assetsDir === null ? null : "/assets",
    dataDir: spec.dataDir === null ? null : "/data",
    mounts: spec.mounts.map(({ name, writable }) => ({ path: `/mnt/${name}`, writable })),
  };
}

/** What JavaScript's own heap may have of a process's memory; the rest is for buffers and Node itself. */
export function heapMb(memoryMb: number): number {
  return Math.max(32, Math.floor(memoryMb / 2));
}

/** Node's own flags and the runner; what comes after `node`. The package never adds one. */
export function nodeArguments(spec: SandboxSpec, paths: NodePaths): string[] {
  const runnerDir = paths.runner.slice(0, paths.runner.lastIndexOf("/"));
  const { isolates } = spec;
  const packageDir = isolates === undefined ? paths.packageDir : null;
  const reads = [packageDir, runnerDir, paths.assetsDir, paths.dataDir].filter((path) => path !== null);
  const writes = paths.dataDir === null ? [] : [paths.dataDir];
  for (const mount of paths.mounts) {
    reads.push(mount.path);
    if (mount.writable) writes.push(mount.path);
  }
  return [
    "--permission",
    ...reads.map((path) => `--allow-fs-read=${path}/*`),
    ...writes.map((path) => `--allow-fs-write=${path}/*`),
    ...(spec.sqlite ? [] : ["--no-experimental-sqlite"]),
    spec.native || isolates !== undefined ? "--allow-addons" : "--no-addons",
    ...(isolates === undefined ? [] : ["--no-node-snapshot", "--disable-warning=PERM0001", "--optimize-for-size"]),
    ...(isolates !== undefined || isSmall(spec) ? [ONE_HELPER] : []),
    ...(spec.threads ? ["--allow-worker"] : []),
    "--disable-proto=delete",
    `--max-old-space-size=${heapMb(spec.memoryMb)}`,
    paths.runner,
    ...(isolates === undefined ? [] : [`${runnerDir}/${ADDON}`, `${runnerDir}/${GUEST}`]),
  ];
}

/** Everything after `bwrap`. The filter is read from fd 4, the plugin's link is fd 3. */
export function sandboxArguments(tools: SandboxTools, spec: SandboxSpec): string[] {
  return [
    isolation(tools),
    ["--die-with-parent", "--new-session", "--clearenv", "--setenv", "HOME", spec.dataDir === null ? "/tmp" : "/data"],
    isSmall(spec) ? ["--setenv", ...ONE_ARENA] : [],
    ["--cap-drop", "ALL"],
    tools.asRoot ? capabilitiesToDropRoot() : ["--uid", `${NOBODY}`, "--gid", `${NOBODY}`],
    ["--hostname", "plugin"],
    folders(tools, spec).flatMap((folder) => ["--perms", "0755", "--dir", folder]),
    tools.libraries.flatMap((library) => ["--ro-bind", library, library]),
    ["--ro-bind", tools.prlimit, "/prlimit", "--ro-bind", tools.node, "/node"],
    tools.asRoot && tools.setpriv !== null ? ["--ro-bind", tools.setpriv, "/setpriv"] : [],
    ["--ro-bind", tools.runner, "/runner/runner.cjs"],
    spec.isolates === undefined
      ? ["--ro-bind", spec.packageDir, "/plugin"]
      : ["--ro-bind", spec.isolates.addon, `/runner/${ADDON}`, "--ro-bind", spec.isolates.guest, `/runner/${GUEST}`],
    spec.assetsDir === null ? [] : ["--ro-bind", spec.assetsDir, "/assets"],
    spec.program?.copy === undefined ? [] : ["--ro-bind", spec.program.copy, `/assets/${spec.program.path}`],
    spec.dataDir === null ? [] : ["--bind", spec.dataDir, "/data"],
    spec.mounts.flatMap(({ name, source, writable }) => [writable ? "--bind" : "--ro-bind", source, `/mnt/${name}`]),
    ["--perms", "1777", "--size", `${TMP_BYTES}`, "--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev"],
    spec.devices.flatMap((device) => ["--dev-bind", device, device]),
    ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", spec.isolates === undefined ? "/plugin" : "/runner"],
    ["--seccomp", "4", "--"],
    tools.asRoot ? leaveRoot() : [],
    ["/prlimit", "--core=0", "--nofile=256"],
    // As root, one count holds for the tasks of all plugins together: it saves the machine, and the meter ends whoever has too many.
    [`--nproc=${tools.asRoot ? ALL_TASKS : spec.pids}`],
    spec.program?.cpuSeconds === undefined ? [] : [`--cpu=${spec.program.cpuSeconds}:${spec.program.cpuSeconds + 1}`],
    [`--fsize=${spec.maxFileBytes}`, "--"],
    spec.program === undefined
      ? ["/node", ...nodeArguments(spec, insidePaths(spec))]
      : [`${spec.program.copy === undefined ? "/plugin" : "/assets"}/${spec.program.path}`, ...spec.program.args],
  ].flat();
}

/** Runs on one thread of its own: each further thread of Node's would otherwise keep memory to itself that it hardly ever needs. */
function isSmall(spec: SandboxSpec): boolean {
  return spec.program === undefined && spec.isolates === undefined && !spec.threads && !spec.native;
}

/** bwrap makes the folders above a bound file for its own user alone (0700); a daemon that is root runs the plugin as another one. */
function folders(tools: SandboxTools, spec: SandboxSpec): string[] {
  const found = new Set(["/usr", "/runner"]);
  for (const library of tools.libraries) {
    const steps = library.split("/").slice(1, -1);
    for (let depth = 1; depth <= steps.length; depth += 1) found.add(`/${steps.slice(0, depth).join("/")}`);
  }
  if (spec.mounts.length > 0) found.add("/mnt");
  return [...found].toSorted();
}

/** A user namespace started by root would map back to the host's uid 0, so root gives that one up and changes its uid for real. */
function isolation({ asRoot }: SandboxTools): string[] {
  return asRoot
    ? ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    : ["--unshare-all", "--unshare-user", "--disable-userns"];
}

function capabilitiesToDropRoot(): string[] {
  return ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"].flatMap((name) => ["--cap-add", name]);
}

function leaveRoot(): string[] {
  return [
    "/setpriv",
    "--reuid",
    `${NOBODY}`,
    "--regid",
    `${NOBODY}`,
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--",
  ];
}

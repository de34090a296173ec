/** The attacks of plugin-platform §10 that run here, each with what must come of it in every setting. */

import type { PermissionName } from "../../../host/src/contract/index.ts";

export interface Stage {
  /** Temporary folder that scratch users may enter. */
  folder: string;
  daemonDir: string;
  neighbourData: string;
  /** Pids of the daemon and of another plugin's node. */
  daemonPid: number;
  neighbourPid: number;
  /** Port with TCP, UDP and HTTP behind it; also the name of an abstract socket. */
  port: number;
  unixPath: string;
  /** What stands in the environment of the daemon and of an unconfined process. */
  secret: string;
  /** Processes that only the control may hit. */
  victims: { name: string; pid: number }[];
}

export interface Expectation {
  /** By the attempt's name, or for all of them. */
  [attempt: string]: RegExp;
}

export interface Attack {
  id: string;
  title: string;
  payload: string;
  /** Rights the plugin has beside offering its capability; the attack must fail all the same. */
  permissions?: readonly PermissionName[];
  confinedFacts: (stage: Stage) => object;
  controlFacts: (stage: Stage) => object;
  /** As an installed plugin, all layers on. */
  plugin: Expectation;
  /** In the same sandbox without Node's permission model: what the operating system refuses by itself. Left out where it is Node's affair. */
  system?: Expectation;
  /** Unconfined under a scratch user: the attack must work. */
  control: Expectation;
  /** Where it would have left something on this machine. */
  plants?: (stage: Stage) => string[];
}

const REFUSED_BY_NODE = /^ERR_ACCESS_DENIED$/;
const ABSENT = /^ENOENT$/;
const READ_ONLY = /^EROFS$/;
const NO_SOCKET = /^EPERM$/;
const DONE = /^done$/;
const CLEAN = /^clean$/;

export const ATTACKS: readonly Attack[] = [
  {
    id: "A01",
    title: "read /etc/shadow, home, the daemon's state, another plugin's data",
    payload: "A01-read.cjs",
    confinedFacts: ({ daemonDir, neighbourData }) => ({
      files: [
        { name: "/etc/shadow", path: "/etc/shadow" },
        { name: "/etc/passwd", path: "/etc/passwd" },
        { name: "the journal", path: `${daemonDir}/runtime/journal.db` },
        { name: "a neighbour's file", path: `${neighbourData}/private` },
      ],
      folders: [
        { name: "/root", path: "/root" },
        { name: "/home", path: "/home" },
        { name: "the daemon's folder", path: daemonDir },
      ],
    }),
    controlFacts: ({ folder }) => ({
      files: [
        { name: "/etc/passwd", path: "/etc/passwd" },
        { name: "a stranger's file", path: `${folder}/control/secret` },
      ],
      folders: [{ name: "/home", path: "/home" }],
    }),
    plugin: { "": REFUSED_BY_NODE },
    system: { "": ABSENT },
    control: { "": DONE },
  },
  {
    id: "A02",
    title: "write to /, /usr, /dev, its own package and its runner",
    payload: "A02-write.cjs",
    confinedFacts: () => ({
      folders: ["/", "/usr", "/dev", "/lib", "/plugin", "/runner"].map((path) => ({ name: path, path })),
    }),
    controlFacts: ({ folder }) => ({ folders: [{ name: "its own folder", path: `${folder}/control/own` }] }),
    plants: () =>
      ["/", "/usr", "/dev", "/lib", "/plugin", "/runner"].flatMap((path) => [`${path}/planted`, `${path}/planted-folder`]),
    plugin: { "": REFUSED_BY_NODE },
    system: { "": READ_ONLY },
    control: { "": DONE },
  },
  {
    id: "A03",
    title: "plant links in its data folder and reach files of the host through them",
    payload: "A03-links.cjs",
    permissions: ["fs.data"],
    confinedFacts: ({ daemonDir }) => ({ dir: "/data", file: `${daemonDir}/runtime/journal.db`, folder: daemonDir }),
    controlFacts: ({ folder }) => ({
      dir: `${folder}/control/own`,
      file: `${folder}/control/secret`,
      folder: `${folder}/control`,
    }),
    plugin: {
      "plant a link to a file": REFUSED_BY_NODE,
      "plant a link to a folder": REFUSED_BY_NODE,
      "give a file a second name": REFUSED_BY_NODE,
      "": ABSENT,
    },
    system: { "plant a link to a file": DONE, "plant a link to a folder": DONE, "": ABSENT },
    control: { "": DONE },
  },
  {
    id: "A04",
    title: "open, attach and vacuum through node:sqlite without the permission",
    payload: "A04-sqlite.cjs",
    confinedFacts: ({ daemonDir }) => ({ outside: `${daemonDir}/runtime/journal.db`, target: "/plugin/stolen.db", home: "/tmp" }),
    controlFacts: ({ folder }) => ({
      outside: `${folder}/control/secret.db`,
      target: `${folder}/control/stolen.db`,
      home: `${folder}/control`,
    }),
    plugin: { "": /^ERR_UNKNOWN_BUILTIN_MODULE$/ },
    control: { "": DONE },
  },
  {
    id: "A04",
    title: "open, attach and vacuum foreign files with storage.sqlite granted",
    payload: "A04-sqlite.cjs",
    permissions: ["fs.data", "storage.sqlite"],
    confinedFacts: ({ daemonDir }) => ({
      outside: `${daemonDir}/runtime/journal.db`,
      target: "/plugin/stolen.db",
      home: "/data",
    }),
    controlFacts: ({ folder }) => ({
      outside: `${folder}/control/secret.db`,
      target: `${folder}/control/stolen2.db`,
      home: `${folder}/control`,
    }),
    plugin: { load: DONE, "": /^SQLITE_CANTOPEN$/ },
    system: { load: DONE, "": /^SQLITE_CANTOPEN$/ },
    control: { "": DONE },
  },
  {
    id: "A05",
    title: "reach anything by TCP, UDP, Unix or abstract socket, fetch, or listen; loopback, LAN, internet, cloud metadata",
    payload: "A05-network.cjs",
    confinedFacts: ({ port, unixPath }) => ({ port, unixPath, addresses: ["192.168.0.1", "169.254.169.254", "1.1.1.1", "::1"] }),
    controlFacts: ({ port, unixPath }) => ({ port, unixPath, addresses: [] }),
    plugin: { "": REFUSED_BY_NODE },
    // Resolving a name needs a socket as well, so it fails as "not found" or "try again".
    system: { "tcp to localhost by name": /^(EAI_AGAIN|ENOTFOUND)$/, "": NO_SOCKET },
    control: { "": DONE },
  },
  {
    id: "A07",
    title: "start programs, a user namespace, a mount, a nested sandbox",
    payload: "A07-processes.cjs",
    confinedFacts: () => ({ bin: "/plugin/bin", lib: "/plugin/lib", shell: "/bin/sh", scratch: "/tmp" }),
    controlFacts: ({ folder }) => ({
      bin: `${folder}/control/bin`,
      lib: `${folder}/control/lib`,
      shell: "/bin/sh",
      scratch: `${folder}/control/mount`,
    }),
    plugin: { "": REFUSED_BY_NODE },
    system: { "spawn a shell": ABSENT, "spawn node": DONE, "": /^EPERM$/ },
    control: { "": DONE },
  },
  {
    id: "A08",
    title: "start processes and threads without end",
    payload: "A08-bomb.cjs",
    confinedFacts: () => ({ bin: "/plugin/bin", lib: "/plugin/lib", most: 4000, threads: 20 }),
    controlFacts: ({ folder }) => ({ bin: `${folder}/control/bin`, lib: `${folder}/control/lib`, most: 300, threads: 20 }),
    plugin: { "": REFUSED_BY_NODE },
    // Threads beyond the count make V8 give up altogether, so there the processes speak for both.
    system: { processes: /^EAGAIN$/, threads: DONE },
    control: { "": DONE },
  },
  {
    id: "A09",
    title: "see, slow down and end the daemon and another plugin",
    payload: "A09-signals.cjs",
    confinedFacts: ({ daemonPid, neighbourPid }) => ({
      victims: [
        { name: "the daemon", pid: daemonPid },
        { name: "a neighbour", pid: neighbourPid },
      ],
    }),
    controlFacts: ({ victims }) => ({ victims }),
    // In a process space of its own the numbers of others mean nothing.
    plugin: { "": /^ESRCH$/ },
    system: { "": /^ESRCH$/ },
    control: { "": DONE },
  },
  {
    id: "A10",
    title: "find secrets in environment, open files and parents through /proc",
    payload: "A10-look-around.cjs",
    confinedFacts: ({ secret, daemonPid }) => ({
      secret,
      processes: [
        { name: "the first process", pid: 1 },
        { name: "itself", pid: "self" },
        { name: "the daemon", pid: daemonPid },
      ],
    }),
    controlFacts: ({ secret }) => ({ secret, processes: [{ name: "itself", pid: "self" }] }),
    plugin: { "own environment": CLEAN, "": REFUSED_BY_NODE },
    system: {
      "own environment": CLEAN,
      // Below a root daemon bubblewrap itself is another user's; otherwise it may be looked at, and has nothing.
      "environment of the first process": /^(EACCES|clean)$/,
      "arguments of the first process": CLEAN,
      "files of the first process": /^(EACCES|clean)$/,
      "environment of itself": CLEAN,
      "arguments of itself": CLEAN,
      "files of itself": CLEAN,
      "": ABSENT,
    },
    control: { "": DONE },
  },
  {
    id: "A11",
    title: "load a native addon, internal bindings, a thread or the inspector",
    payload: "A11-engine.cjs",
    confinedFacts: () => ({ addon: "/plugin/addon.node" }),
    controlFacts: ({ folder }) => ({ addon: `${folder}/control/addon.node` }),
    plugin: {
      dlopen: /^ERR_DLOPEN_DISABLED$/,
      "require .node": /^ERR_DLOPEN_DISABLED$/,
      "internal binding": REFUSED_BY_NODE,
      worker: REFUSED_BY_NODE,
      inspector: REFUSED_BY_NODE,
    },
    control: { "": DONE },
  },
  {
    id: "A14",
    title: "fill the disk with one huge file, or through /tmp",
    payload: "A14-fill.cjs",
    permissions: ["fs.data"],
    confinedFacts: () => ({
      places: [
        { name: "one file in /data", dir: "/data", mebibytes: 80, single: true },
        { name: "many in /tmp", dir: "/tmp", mebibytes: 32 },
      ],
    }),
    controlFacts: ({ folder }) => ({
      places: [
        { name: "one file", dir: `${folder}/control/own`, mebibytes: 80, single: true },
        { name: "many", dir: `${folder}/control/own`, mebibytes: 32 },
      ],
    }),
    plugin: { "one file in /data": /^EFBIG$/, "": REFUSED_BY_NODE },
    system: { "one file in /data": /^EFBIG$/, "": /^ENOSPC$/ },
    control: { "": DONE },
  },
];

/** Attempts that came out differently from what was expected; empty when all is well. An attack without attempts proves nothing. */
export function deviations(outcome: Readonly<Record<string, string>>, expected: Expectation): string[] {
  const attempts = Object.entries(outcome);
  if (attempts.length === 0) return ["nothing was attempted"];
  return attempts.flatMap(([name, result]) => {
    const pattern = expected[name] ?? expected[""];
    return pattern?.test(result) === true ? [] : [`${name}: ${result}, expected ${String(pattern)}`];
  });
}

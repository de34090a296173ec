import assert from "node:assert/strict";
import { test } from "node:test";
import {
  insidePaths,
  nodeArguments,
  sandboxArguments,
  type SandboxSpec,
  type SandboxTools,
} from "../../../src/runtime/confine/index.ts";

const TOOLS: SandboxTools = {
  bwrap: "/usr/bin/bwrap",
  prlimit: "/usr/bin/prlimit",
  setpriv: null,
  node: "/opt/node",
  runner: "/opt/runner.cjs",
  libraries: ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"],
  asRoot: false,
};
const ROOT: SandboxTools = { ...TOOLS, setpriv: "/usr/bin/setpriv", asRoot: true };
const SPEC: SandboxSpec = {
  packageDir: "/store/p",
  assetsDir: null,
  dataDir: null,
  memoryMb: 256,
  pids: 32,
  maxFileBytes: 1000,
  sqlite: false,
  threads: false,
  native: false,
  mounts: [],
  devices: [],
};
const text = (tools: SandboxTools, spec: Partial<SandboxSpec> = {}): string =>
  ` ${sandboxArguments(tools, { ...SPEC, ...spec }).join(" ")} `;

/** One row for each cell of §1.3's variants: what must stand on the line, what must not. */
const ROWS: [name: string, tools: SandboxTools, spec: Partial<SandboxSpec>, has: string[], hasNot: string[]][] = [
  [
    "ordinary user",
    TOOLS,
    {},
    ["--unshare-all --unshare-user --disable-userns", "--uid 65534 --gid 65534", "--nproc=32", "--cap-drop ALL"],
    ["/setpriv", "--cap-add"],
  ],
  [
    "daemon is root",
    ROOT,
    {},
    [
      "--unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try",
      "--cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP",
      "-- /setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all -- /prlimit",
      "--nproc=2048",
    ],
    ["--unshare-user", "--disable-userns", "--uid", "--nproc=32"],
  ],
  ["one thread of its own", TOOLS, {}, ["--setenv MALLOC_ARENA_MAX 1", "--v8-pool-size=1"], []],
  ["threads", TOOLS, { threads: true }, [], ["MALLOC", "--v8-pool-size=1"]],
  ["code of the machine", TOOLS, { native: true }, [], ["MALLOC", "--v8-pool-size=1"]],
  [
    "always",
    TOOLS,
    {},
    [
      "--die-with-parent",
      "--new-session",
      "--clearenv",
      "--remount-ro /dev --remount-ro /",
      "--seccomp 4",
      "--size 16777216 --tmpfs /tmp",
      "--core=0",
      "--nofile=256",
      "--fsize=1000",
      "--permission",
      "--disable-proto=delete",
      "--max-old-space-size=128",
    ],
    ["--share-net", "--dev-bind", "--allow-net", "--allow-child-process", "--allow-wasi"],
  ],
  ["no fs.data", TOOLS, {}, ["--setenv HOME /tmp"], ["/data"]],
  [
    "fs.data",
    TOOLS,
    { dataDir: "/d/p" },
    ["--setenv HOME /data", "--bind /d/p /data", "--allow-fs-read=/data/*", "--allow-fs-write=/data/*"],
    [],
  ],
  ["assets", TOOLS, { assetsDir: "/a" }, ["--ro-bind /a /assets", "--allow-fs-read=/assets/*"], ["--allow-fs-write"]],
  [
    "a program of the package",
    TOOLS,
    { program: { path: "bin/tool", args: ["-q"] }, assetsDir: "/a" },
    ["--ro-bind /a /assets", "-- /plugin/bin/tool -q"],
    ["--ro-bind /a/", "/node --permission", "--cpu"],
  ],
  [
    "a program that came as an asset",
    TOOLS,
    { program: { path: "tools/bin/tool", args: ["-q"], copy: "/run/c", cpuSeconds: 3 }, assetsDir: "/a" },
    // Bound after what it lies over.
    ["--ro-bind /a /assets --ro-bind /run/c /assets/tools/bin/tool", "-- /assets/tools/bin/tool -q", "--cpu=3:4"],
    ["--bind /run/c", "/plugin/tools", "/node --permission"],
  ],
  ["no storage.sqlite", TOOLS, {}, ["--no-experimental-sqlite"], []],
  ["storage.sqlite", TOOLS, { sqlite: true }, [], ["--no-experimental-sqlite"]],
  ["no native", TOOLS, {}, ["--no-addons"], ["--allow-addons"]],
  ["native", TOOLS, { native: true }, ["--allow-addons"], ["--no-addons"]],
  ["no threads", TOOLS, {}, [], ["--allow-worker"]],
  ["threads", TOOLS, { threads: true }, ["--allow-worker"], []],
  [
    "mount, read-only",
    TOOLS,
    { mounts: [{ name: "photos", source: "/home/x", writable: false }] },
    ["--ro-bind /home/x /mnt/photos", "--allow-fs-read=/mnt/photos/*", "--dir /mnt"],
    ["--allow-fs-write"],
  ],
  [
    "mount, writable",
    TOOLS,
    { mounts: [{ name: "photos", source: "/home/x", writable: true }] },
    ["--bind /home/x /mnt/photos", "--allow-fs-write=/mnt/photos/*"],
    ["--ro-bind /home/x"],
  ],
  [
    "isolate host",
    TOOLS,
    { isolates: { addon: "/npm/engine.node", guest: "/opt/guest.js" } },
    [
      "--allow-addons --no-node-snapshot",
      "--ro-bind /npm/engine.node /runner/isolated-vm.node --ro-bind /opt/guest.js /runner/guest.js",
      "--allow-fs-read=/runner/*",
      "--chdir /runner",
      "/runner/runner.cjs /runner/isolated-vm.node /runner/guest.js",
    ],
    ["/plugin", "--no-addons", "--allow-fs-write", "/store/p"],
  ],
  ["no isolate host", TOOLS, {}, ["--ro-bind /store/p /plugin", "--chdir /plugin"], ["--no-node-snapshot", "isolated-vm"]],
  ["devices", TOOLS, { devices: ["/dev/dri"] }, ["--dev-bind /dev/dri /dev/dri --remount-ro /dev"], []],
];

for (const [name, tools, spec, has, hasNot] of ROWS) {
  test(`arguments, ${name} (§1.3)`, () => {
    const line = text(tools, spec);
    for (const part of has) assert.ok(line.includes(` ${part} `), `missing: ${part}\n${line}`);
    for (const part of hasNot) assert.ok(!line.includes(part), `must not be there: ${part}\n${line}`);
  });
}

test("the runner is the last argument: a package never adds one, nor the first file executed (§1.3.3)", () => {
  for (const tools of [TOOLS, ROOT]) assert.equal(sandboxArguments(tools, SPEC).at(-1), "/runner/runner.cjs");
});

test("a program of the package takes Node's place, behind the same limits (§4.4)", () => {
  const program = { path: "bin/tool", args: ["-w", "0"], cpuSeconds: 5 };
  const argv = sandboxArguments(TOOLS, { ...SPEC, program });
  const from = argv.indexOf("/prlimit", argv.lastIndexOf("--seccomp"));
  assert.deepEqual(argv.slice(from), [
    "/prlimit",
    "--core=0",
    "--nofile=256",
    "--nproc=32",
    "--cpu=5:6",
    "--fsize=1000",
    "--",
    "/plugin/bin/tool",
    "-w",
    "0",
  ]);
  // Whoever may have threads is a process like it, with memory for each of them.
  assert.deepEqual(argv.slice(0, from), sandboxArguments(TOOLS, { ...SPEC, threads: true }).slice(0, from));
});

test("folders above bound files are open to the plugin's user", () => {
  const line = text(ROOT);
  for (const folder of ["/usr", "/runner", "/lib", "/lib/x86_64-linux-gnu", "/lib64"])
    assert.ok(line.includes(` --perms 0755 --dir ${folder} `), folder);
});

test("with the seat belt alone the same flags name the real folders", () => {
  const args = nodeArguments(SPEC, { ...insidePaths(SPEC), packageDir: "/store/p", runner: "/opt/run/runner.cjs" });
  assert.deepEqual(args.slice(0, 3), ["--permission", "--allow-fs-read=/store/p/*", "--allow-fs-read=/opt/run/*"]);
});

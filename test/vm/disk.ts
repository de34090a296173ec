/** The disk of an emulated machine: this repository, the programs that it needs, and what they need. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");
const HOME = "/hearthnet";
const SIZE = "2G";
const PROGRAMS = [
  "bash",
  "sh",
  "cat",
  "ls",
  "mkdir",
  "mount",
  "sleep",
  "head",
  "grep",
  "env",
  "id",
  "ldd",
  "ip",
  "bwrap",
  "prlimit",
  "setpriv",
];
const MERGED = ["bin", "sbin", "lib", "lib64"];
/** What a repository that was built consists of. */
const PARTS = ["host", "sdk-plugin", "plugins", "registry", "test", "node_modules", "package.json", ".hearthnet-dev"];

/** @returns the path of its image */
export function buildDisk(folder: string, tests: readonly string[]): string {
  const root = join(folder, "root");
  for (const name of ["proc", "sys", "dev", "tmp", "run", "root", "var/tmp", "etc", ...MERGED.map((name) => `usr/${name}`)])
    mkdirSync(join(root, name), { recursive: true });
  mkdirSync(join(root, HOME));
  for (const name of MERGED) symlinkSync(`usr/${name}`, join(root, name));
  for (const name of ["passwd", "group", "nsswitch.conf"]) copyFileSync(join("/etc", name), join(root, "etc", name));
  for (const name of PARTS)
    if (existsSync(join(ROOT, name))) execFileSync("cp", ["-a", join(ROOT, name), join(root, HOME, name)]);
  for (const name of PROGRAMS) put(root, where(name), join("usr/bin", name));
  const loaded = [
    ...PROGRAMS.map(where),
    join(ROOT, "node_modules/node/bin/node"),
    ...globSync(join(ROOT, "node_modules/*/prebuilds/linux-x64/*.node")),
  ];
  for (const library of new Set(loaded.flatMap(librariesOf))) put(root, library, library.replace(/^\/(lib\w*)\//, "usr/$1/"));
  const begin = join(root, "usr/sbin/begin");
  writeFileSync(begin, script(tests));
  chmodSync(begin, 0o755);
  const image = join(folder, "disk.img");
  execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", root, image, SIZE]);
  return image;
}

function where(program: string): string {
  return realpathSync(execFileSync("sh", ["-c", 'command -v "$1"', "sh", program], { encoding: "utf8" }).trim());
}

function librariesOf(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return stdout.match(/\/\S+(?= \()/g) ?? [];
}

function put(root: string, from: string, to: string): void {
  const target = join(root, to);
  mkdirSync(dirname(target), { recursive: true });
  if (!existsSync(target)) copyFileSync(from, target);
}

/** The first process: gives each test a group of its own, as a service manager does with `Delegate=yes`, and switches the machine off. */
function script(tests: readonly string[]): string {
  return `#!/bin/bash
export PATH=/usr/bin:/usr/sbin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc 2> /dev/null
mount -t tmpfs tmp /tmp; mount -t cgroup2 none /sys/fs/cgroup; ip link set lo up
echo "+memory +pids +cpu" > /sys/fs/cgroup/cgroup.subtree_control
cd ${HOME}
for file in ${tests.join(" ")}; do
  group=/sys/fs/cgroup/\${file##*/}
  mkdir $group
  bash -c 'echo $$ > $0/cgroup.procs; exec node_modules/node/bin/node --no-warnings --conditions=hearthnet-source --test-reporter=spec $1' $group $file &&
    echo "vm: passed $file"
done
echo o > /proc/sysrq-trigger
sleep 60
`;
}

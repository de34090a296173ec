/**
 * `npm run vm`: runs what stands in `inside` on a machine of its own, emulated, with Debian's kernel and control groups of version 2, whatever this
 * machine has. Nothing of this machine is changed, and no rights are needed. Takes a few minutes.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDisk } from "./disk.ts";

const BOOT = "/boot";
const LIMIT_MS = 900_000;
const MEMORY_MB = 3072;
const NEEDED = { "qemu-system-x86_64": "qemu-system-x86", mke2fs: "e2fsprogs", bwrap: "bubblewrap", ldd: "libc-bin" };

const tests = readdirSync(join(import.meta.dirname, "inside"));
const kernel = existsSync(BOOT) ? readdirSync(BOOT).find((name) => /^vmlinuz-.*-cloud-amd64$/.test(name)) : undefined;
const lacking = Object.entries(NEEDED).flatMap(([program, name]) => (isThere(program) ? [] : [name]));
if (kernel === undefined) lacking.push("linux-image-cloud-amd64");
if (lacking.length > 0 || kernel === undefined) {
  process.stderr.write(
    `An emulated machine needs these packages of Debian: ${lacking.join(" ")}. Install them, then try again.\n`,
  );
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), "hearthnet-vm-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const version = kernel.slice("vmlinuz-".length);
process.stdout.write(`a machine with ${version} is built …\n`);
const disk = buildDisk(
  folder,
  tests.map((name) => `test/vm/inside/${name}`),
);
const failed = await boot(disk, version);
process.exit(failed === 0 ? 0 : 1);

function isThere(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0;
}

/** @returns how many test files failed; what was not run has failed */
function boot(disk: string, release: string): Promise<number> {
  const machine = ["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-m", String(MEMORY_MB), "-smp", "2"];
  const emulation = ["-accel", "tcg,thread=multi", "-cpu", "max", "-drive", `file=${disk},format=raw,if=virtio`];
  const words = "console=ttyS0 root=/dev/vda rw init=/sbin/begin quiet panic=-1";
  const system = ["-kernel", join(BOOT, `vmlinuz-${release}`), "-initrd", join(BOOT, `initrd.img-${release}`), "-append", words];
  const child = spawn("qemu-system-x86_64", [...machine, ...emulation, ...system], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text);
    said += text;
  });
  return new Promise((resolve) => {
    child.on("close", () => {
      const passed = said.match(/^vm: passed /gm)?.length ?? 0;
      process.stdout.write(`\n${passed} passed, ${tests.length - passed} failed\n`);
      resolve(tests.length - passed);
    });
  });
}

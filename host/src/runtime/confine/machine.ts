/** What this machine has for confining plugins, found once at boot. @source plugin-platform §1.3, §1.4 */
import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Repair } from "../../contract/index.ts";
import type { Cgroups } from "./cgroup.ts";
import type { SandboxTools } from "./argv.ts";
import { libraryClosure } from "./libraries.ts";
import { seccompProgram, type Architecture } from "./seccomp.ts";

const run = promisify(execFile);

export interface Machine {
  asRoot: boolean;
  bwrapVersion: string | null;
  /** Null when no sandbox can be built; `missing` says why. */
  tools: SandboxTools | null;
  /** The filter on disk; opened anew for every start because bwrap reads it to its end. */
  seccompFile: string | null;
  missing: Repair[];
  /** Where the kernel sets hard limits; absent without a delegated group. */
  cgroups?: Cgroups | null;
  node: string;
  runner: string;
}

export interface MachineOptions {
  nodePath: string;
  runnerPath: string;
  /** Folder of the daemon for the filter's file. */
  runDir: string;
  /** Search path; the process's own by default. */
  path?: string;
  /** Also look in the system's own folders, which a stripped search path may leave out; true by default. */
  systemPath?: boolean;
  platform?: NodeJS.Platform;
}

const SYSTEM_PATH = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/** First executable of that name on the search path, links resolved. */
export function findProgram(name: string, path: string, systemPath: boolean = true): string | null {
  for (const folder of [...path.split(delimiter), ...(systemPath ? SYSTEM_PATH : [])]) {
    if (folder === "") continue;
    try {
      const candidate = join(folder, name);
      accessSync(candidate, constants.X_OK);
      return realpathSync(candidate);
    } catch {
      continue;
    }
  }
  return null;
}

/** `bubblewrap 0.8.0` → `0.8.0`; null when it is something else. */
export function parseBwrapVersion(output: string): string | null {
  return /^bubblewrap (\d+\.\d+(?:\.\d+)?)/.exec(output.trim())?.[1] ?? null;
}

/** `--disable-userns` came with 0.8.0. */
export function isBwrapNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 0 || minor >= 8;
}

export async function inspectMachine(options: MachineOptions): Promise<Machine> {
  const platform = options.platform ?? process.platform;
  const asRoot = platform !== "win32" && process.getuid?.() === 0;
  const node = realpathSync(options.nodePath);
  const runner = realpathSync(options.runnerPath);
  const machine: Machine = { asRoot, bwrapVersion: null, tools: null, seccompFile: null, missing: [], node, runner };
  if (platform !== "linux") {
    machine.missing.push({ id: "platform", found: platform });
    return machine;
  }
  const architecture = process.arch;
  if (architecture !== "x64" && architecture !== "arm64") {
    machine.missing.push({ id: "architecture", found: architecture });
  }
  const path = options.path ?? process.env["PATH"] ?? "";
  const find = (name: string): string | null => findProgram(name, path, options.systemPath ?? true);
  const bwrap = find("bwrap");
  const prlimit = find("prlimit");
  const setpriv = asRoot ? find("setpriv") : null;
  if (bwrap === null) machine.missing.push({ id: "bwrap", found: "" });
  else machine.bwrapVersion = await bwrapVersion(bwrap);
  if (machine.bwrapVersion !== null && !isBwrapNewEnough(machine.bwrapVersion)) {
    machine.missing.push({ id: "bwrap_version", found: machine.bwrapVersion });
  }
  if (bwrap !== null && machine.bwrapVersion === null) {
    machine.missing.push({ id: "bwrap_version", found: "" });
  }
  if (prlimit === null) machine.missing.push({ id: "prlimit", found: "" });
  if (asRoot && setpriv === null) machine.missing.push({ id: "setpriv", found: "" });
  if (machine.missing.length > 0 || bwrap === null || prlimit === null) return machine;
  const programs = [node, prlimit, ...(setpriv === null ? [] : [setpriv])];
  machine.tools = { bwrap, prlimit, setpriv, node, runner, libraries: await libraryClosure(programs), asRoot };
  machine.seccompFile = join(options.runDir, "seccomp.bpf");
  writeFileSync(machine.seccompFile, seccompProgram(architecture as Architecture), { mode: 0o600 });
  return machine;
}

async function bwrapVersion(bwrap: string): Promise<string | null> {
  try {
    const { stdout } = await run(bwrap, ["--version"], { timeout: 5000, env: {} });
    return parseBwrapVersion(stdout);
  } catch {
    return null;
  }
}

/** Ubuntu 23.10 and later keep user namespaces from programs without an AppArmor profile. */
export function isUserNamespaceRestricted(): boolean {
  try {
    return readFileSync("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "utf8").trim() === "1";
  } catch {
    return false;
  }
}

export function areUserNamespacesOff(): boolean {
  for (const [file, off] of [
    ["/proc/sys/user/max_user_namespaces", "0"],
    ["/proc/sys/kernel/unprivileged_userns_clone", "0"],
  ] as const) {
    try {
      if (readFileSync(file, "utf8").trim() === off) return true;
    } catch {
      continue;
    }
  }
  return false;
}

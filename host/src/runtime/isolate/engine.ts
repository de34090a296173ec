/** The isolate engine of this installation: looked up, never loaded here. @source plugin-platform §1.2.1, §1.2.2 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PLATFORM } from "../../foundation/index.ts";
import { compareVersions } from "../../format/index.ts";
import { libraryClosure, type Machine } from "../confine/index.ts";

/** 7.0.0 and older let a guest out (GHSA-864f-rcv7-6rh4). */
const OLDEST_SAFE = "7.0.1";
const PACKAGE = "isolated-vm";

/** Files that an isolate host is started from. */
export interface IsolateEngine {
  addon: string;
  /** The isolate host's program. */
  program: string;
  /** What runs first in every isolate. */
  guest: string;
  /** Shared libraries of node and the addon. */
  libraries: readonly string[];
}

export type EngineVerdict = { engine: IsolateEngine } | { missing: string };

/** The two files of the isolate host lie beside the plugin runner. */
export interface EngineOptions {
  /** Folder of the package `isolated-vm`; where npm put it by default, null when it is not there. */
  packageDir?: string | null;
}

/** Whether this installation has an engine that may be used, and in one sentence why not. */
export async function findEngine(machine: Machine, options: EngineOptions = {}): Promise<EngineVerdict> {
  const { tools } = machine;
  if (tools === null) return { missing: "This machine cannot confine an isolate host." };
  const packageDir = options.packageDir === undefined ? installedPackage() : options.packageDir;
  if (packageDir === null) return { missing: `The package ${PACKAGE} is not installed.` };
  const version = versionOf(packageDir);
  if (version === null || compareVersions(version, OLDEST_SAFE) < 0)
    return {
      missing: `${PACKAGE} ${version ?? "of unknown version"} is installed; anything below ${OLDEST_SAFE} lets code escape.`,
    };
  const musl = tools.libraries.some((library) => library.includes("musl"));
  const addon = join(packageDir, "prebuilds", PLATFORM, addonName(musl));
  if (!existsSync(addon))
    return {
      missing: `${PACKAGE} has no prebuilt part for ${PLATFORM}, ABI ${process.versions.modules}.`,
    };
  const beside = dirname(machine.runner);
  const [program, guest] = [join(beside, "isolate-host.cjs"), join(beside, "isolate-guest.js")];
  if (!existsSync(program) || !existsSync(guest)) return { missing: "The isolate host is not built." };
  const libraries = await libraryClosure([tools.node, tools.prlimit, addon, ...(tools.setpriv === null ? [] : [tools.setpriv])]);
  return { engine: { addon, program, guest, libraries } };
}

function addonName(musl: boolean): string {
  const libc = process.platform === "linux" ? `.${musl ? "musl" : "glibc"}` : "";
  return `${PACKAGE}.abi${process.versions.modules}${libc}.node`;
}

function installedPackage(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  } catch {
    return null;
  }
}

function versionOf(packageDir: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(packageDir, "package.json"), "utf8")) as { version?: unknown };
    return typeof version === "string" && /^\d+\.\d+\.\d+$/.test(version) ? version : null;
  } catch {
    return null;
  }
}

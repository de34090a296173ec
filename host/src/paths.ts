import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout or installation: the folder above this file, in `host/src` or somewhere in `host/dist`, that has the host's entry. */
const ROOT: string = (() => {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let at = start; at !== dirname(at); at = dirname(at)) if (existsSync(join(at, "host", "bin", "hearthnet.mjs"))) return at;
  throw new Error(`The installation around ${start} is not complete. Install HearthNet anew.`);
})();

/** Where the built parts lie that the host uses but does not contain. */
export const PATHS: Record<
  "config" | "page" | "runner" | "embeddedRegistry" | "pluginTools" | "registryTools" | "signatureWorker",
  string
> = {
  config: join(ROOT, "hearthnet.config.ts"),
  page: join(ROOT, "admin-ui", "build"),
  runner: join(ROOT, "sdk-plugin", "dist", "runner.cjs"),
  embeddedRegistry: join(ROOT, "host", "dist", "registry-embedded"),
  pluginTools: join(ROOT, "sdk-plugin", "dist", "cli.mjs"),
  registryTools: join(ROOT, "registry", "dist", "cli.mjs"),
  // From source it runs as the rest does; a bundle has it as a file of its own.
  signatureWorker: import.meta.url.endsWith(".ts")
    ? join(ROOT, "host", "src", "identity", "pool", "signature-worker.ts")
    : join(ROOT, "host", "dist", "signature-worker.mjs"),
};

export interface BuildFacts {
  /** Unix milliseconds; the clock is wrong when it stands before this. @source marketplace §2.3 */
  time: number;
  profile: "development" | "release";
}

/** What the build wrote about itself; running from source counts as a development build of no age. */
export function readBuildFacts(): BuildFacts {
  const path = join(ROOT, "host", "dist", "build.json");
  if (!existsSync(path)) return { time: 0, profile: "development" };
  return JSON.parse(readFileSync(path, "utf8")) as BuildFacts;
}

/** The platform's folder for a program's data. @source 01 §1 */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "hearthnet");
  if (process.platform === "win32") return join(env["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"), "hearthnet");
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), "hearthnet");
}

// Plain JavaScript for whatever Node a person has installed: finds the pinned runtime and hands over to it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
export const PINNED_NODE = join(ROOT, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
const PINNED_MAJOR = 26;

/**
 * Runs `script` under the pinned Node with these flags: in this process when it is that already, else in its place, or where the system cannot do
 * that, in a child whose signals and exit code are ours.
 * @param {string} script absolute path of a built module
 * @param {string[]} flags of Node
 * @param {Record<string, string>} environment what must be set when a process begins, where nobody has set it otherwise
 */
export async function runPinned(script, flags = [], environment = {}) {
  if (!existsSync(script)) stop("HearthNet is not built yet. Run `npm start`, or `npm run build` for the build alone.");
  const isPinned = Number(process.versions.node.split(".")[0]) === PINNED_MAJOR;
  const missing = flags.filter((flag) => !process.execArgv.includes(flag));
  const unset = Object.entries(environment).filter(([name]) => process.env[name] === undefined);
  if (isPinned && missing.length === 0 && (unset.length === 0 || process.platform === "win32")) {
    // Beside the code itself, under the same hands; where it cannot be written nothing is lost but a moment at each start.
    module.enableCompileCache(join(ROOT, "node_modules", ".cache", "hearthnet-compiled"));
    await import(new URL(`file://${script}`).href);
    return;
  }
  if (!isPinned && !existsSync(PINNED_NODE))
    stop(`HearthNet needs Node ${PINNED_MAJOR}, which it brings along: run \`npm ci\` in its folder.`);
  const program = isPinned ? process.execPath : PINNED_NODE;
  const words = [...(isPinned ? process.execArgv : []), ...missing, process.argv[1], ...process.argv.slice(2)];
  const env = { ...Object.fromEntries(unset), ...process.env };
  if (process.platform !== "win32") process.execve?.(program, [program, ...words], env);
  const child = spawn(program, words, { stdio: "inherit", env });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => stop(`The runtime could not be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal) process.exit(128 + ({ SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }[signal] ?? 0));
    process.exit(code ?? 1);
  });
}

/** @param {string} message */
export function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs a plugin in the test's own process: the real runner over the real frames, only the process boundary is missing. @source plugin-platform §4.7 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable, type Duplex } from "node:stream";
import { pathToFileURL } from "node:url";
import type { JsonObject } from "@hearthnet/host/contract";
import type { ExitFacts, Launched, Launcher, NodePaths, SandboxSpec } from "@hearthnet/host/plugin-host";
import { processSide } from "../runner/process-side.ts";
import { serve } from "../runner/serve.ts";
import { linkPair } from "./link.ts";

const FLUSH_MS = 500;
const KILLED: ExitFacts = { code: null, signal: "SIGKILL" };

/**
 * The plugin runs here; its workers run as child processes without a sandbox, because a worker is ended by ending its process, whatever it is
 * doing, and nothing inside a process can be ended that way.
 */
export function inProcessLauncher(runnerPath: string): Launcher {
  let lives = 0;
  return {
    launch(spec) {
      if (spec.worker !== undefined) return childProcess(spec, runnerPath);
      lives += 1;
      return runHere(spec, { runnerPath, life: lives });
    },
  };
}

function runHere(spec: SandboxSpec, { runnerPath, life }: { runnerPath: string; life: number }): Launched {
  const [link, plugin] = linkPair();
  const { promise: exited, resolve } = Promise.withResolvers<ExitFacts>();
  void exited.then(watchExit());
  serve({
    ...processSide(plugin),
    // Each life gets modules of its own, as each process would.
    load: (entry) => import(`${pathToFileURL(entry).href}?life=${life}`) as Promise<unknown>,
    manifest: async () => JSON.parse(await readFile(join(spec.packageDir, "hearthnet.plugin.json"), "utf8")) as JsonObject,
    exit(code) {
      const leave = (): void => {
        resolve({ code, signal: null });
        plugin.destroy();
      };
      setTimeout(leave, FLUSH_MS).unref();
      plugin.end(leave);
    },
  });
  return {
    sandboxed: false,
    pid: 0,
    paths: pathsHere(spec, runnerPath),
    link,
    // What the plugin prints stands among what the test prints.
    stdout: Readable.from([]),
    stderr: Readable.from([]),
    exited,
    nodePid: () => null,
    tree: () => [],
    kill() {
      resolve(KILLED);
      plugin.destroy();
    },
  };
}

/** `process.exit(0)` in a plugin would end its test as if it had passed. @returns a function that ends the watch */
function watchExit(): () => void {
  let byItself = false;
  const onIdle = (): void => void (byItself = true);
  const onExit = (): void => {
    if (byItself) return;
    process.exitCode = 1;
    process.stderr.write("process.exit was called while a plugin ran inside this process. Test that in the mode confined.\n");
  };
  process.once("beforeExit", onIdle).once("exit", onExit);
  return () => process.off("beforeExit", onIdle).off("exit", onExit);
}

function childProcess(spec: SandboxSpec, runnerPath: string): Launched {
  const { program, packageDir: cwd } = spec;
  const child =
    program === undefined
      ? spawn(process.execPath, [runnerPath], { stdio: ["ignore", "pipe", "pipe", "pipe"], cwd })
      : spawn(program.copy ?? join(cwd, program.path), program.args, { stdio: ["pipe", "pipe", "pipe"], cwd, env: {} });
  const { pid, stdout, stderr } = child;
  const link = child.stdio[3] ?? child.stdin;
  if (pid === undefined || stdout === null || stderr === null || !link) throw new Error("The worker could not be started.");
  for (const stream of [stdout, stderr, link]) stream.on("error", () => {});
  return {
    sandboxed: false,
    pid,
    paths: pathsHere(spec, runnerPath),
    link: link as Duplex,
    stdout,
    stderr,
    exited: new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", () => resolve({ code: null, signal: null }));
    }),
    nodePid: () => pid,
    tree: () => [pid],
    kill: () => void child.kill("SIGKILL"),
  };
}

function pathsHere(spec: SandboxSpec, runner: string): NodePaths {
  return {
    packageDir: spec.packageDir,
    runner,
    assetsDir: spec.assetsDir,
    dataDir: spec.dataDir,
    mounts: spec.mounts.map(({ source, writable }) => ({ path: source, writable })),
  };
}

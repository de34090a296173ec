/** Starts one process in the sandbox, or with the seat belt alone. @source plugin-platform §1.3, §1.4 */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import type { Duplex, Readable } from "node:stream";
import { HnError } from "../../foundation/index.ts";
import type { ByteSocket } from "../../format/index.ts";
import {
  insidePaths,
  nodeArguments,
  NOBODY,
  sandboxArguments,
  type NodePaths,
  type SandboxSpec,
  type SandboxTools,
} from "./argv.ts";
import { withinGroup, type Cgroup, type CgroupLimits } from "./cgroup.ts";
import { findNodeProcess } from "./evidence.ts";
import type { Machine } from "./machine.ts";
import { endWithChildren, processTree } from "./process-tree.ts";
import type { SeatBelt } from "./seat-belt.ts";

export interface ExitFacts {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What is known beyond that, of an isolate. */
  end?: { cause: "exited" | "hung" | "over_quota"; detail: string };
}

/** A started process, or an isolate in a shared one, and its ends of the pipes. */
export interface Launched<Link extends ByteSocket = Duplex> {
  sandboxed: boolean;
  /** Process that the daemon started: bwrap, or node itself. */
  pid: number;
  /** Where the package, assets and data are for the process. */
  paths: NodePaths;
  link: Link;
  stdout: Readable;
  stderr: Readable;
  exited: Promise<ExitFacts>;
  /** Host pid of node; null until it runs. */
  nodePid(): number | null;
  /** All processes that belong to it. */
  tree(): number[];
  kill(): void;
}

export interface Launcher<Link extends ByteSocket = Duplex> {
  launch(spec: SandboxSpec): Launched<Link>;
}

/** @throws Error when the operating system cannot start the program */
export function sandboxLauncher(machine: Machine): Launcher {
  const { tools, seccompFile } = machine;
  if (tools === null || seccompFile === null) throw new Error("This machine has no sandbox.");
  return {
    launch: (spec) =>
      spawnSandbox(
        { tools, seccompFile, group: groupFor(machine, spec), reads: spec.program !== undefined },
        sandboxArguments(tools, spec),
        insidePaths(spec),
      ),
  };
}

/** Without a group the meter is the limit; the label that the evidence gives says so. */
export function groupFor({ cgroups }: Machine, limits: CgroupLimits): Cgroup | null {
  try {
    return cgroups?.create(limits) ?? null;
  } catch {
    return null;
  }
}

/** Runs bwrap with these arguments: link on fd 3, or on fd 0 where it `reads`, filter on fd 4, nothing else inherited. */
export function spawnSandbox(
  { tools, seccompFile, group = null, reads = false }: SandboxParts,
  argv: readonly string[],
  paths: NodePaths,
): Launched {
  const filter = openSync(seccompFile, "r");
  try {
    const [program, args] = group === null ? [tools.bwrap, argv] : withinGroup(group, tools.bwrap, argv);
    const child = spawnMasked(program, args, {
      stdio: reads ? ["pipe", "pipe", "pipe", "ignore", filter] : ["ignore", "pipe", "pipe", "pipe", filter],
      env: {},
      cwd: "/",
    });
    return group === null ? launched(child, paths, true) : grouped(launched(child, paths, true), group);
  } finally {
    closeSync(filter);
  }
}

interface SandboxParts {
  tools: SandboxTools;
  seccompFile: string;
  group?: Cgroup | null;
  reads?: boolean;
}

/** Node's permission model alone: what runs where no sandbox can be built. As root, at least under another user. */
export function seatBeltLauncher(machine: Machine, belt: SeatBelt): Launcher {
  return {
    launch(spec) {
      if (spec.program !== undefined)
        throw new HnError("confinement", {
          message: "A program of a plugin runs in a sandbox alone, and this machine has none.",
        });
      const { node, paths } = belt.prepare(spec);
      const child = spawnMasked(node, nodeArguments(spec, paths), {
        stdio: ["ignore", "pipe", "pipe", "pipe"],
        env: paths.dataDir === null ? {} : { HOME: paths.dataDir },
        cwd: paths.packageDir,
        ...(machine.asRoot ? { uid: NOBODY, gid: NOBODY } : {}),
      });
      return launched(child, paths, false);
    },
  };
}

/** What a plugin writes is its own: a launcher that masked nothing must not open it to others. */
const MASK = 0o077;

function spawnMasked(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const former = process.umask(MASK);
  try {
    return spawn(program, args, options);
  } finally {
    process.umask(former);
  }
}

/** Also ends, and tells of, what only the group knows. */
function grouped(process: Launched, group: Cgroup): Launched {
  const exited = process.exited.then((facts): ExitFacts => {
    const detail = `The system ended it: it needed more than its ${group.memoryMb} MB of memory.`;
    const end = group.outOfMemory() ? { end: { cause: "over_quota" as const, detail } } : {};
    group.remove();
    return { ...facts, ...end };
  });
  return {
    ...process,
    exited,
    kill: () => {
      group.kill();
      process.kill();
    },
  };
}

function launched(child: ChildProcess, paths: NodePaths, sandboxed: boolean): Launched {
  const { pid, stdout, stderr } = child;
  const link = child.stdio[3] ?? child.stdin;
  const exited = new Promise<ExitFacts>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
  if (pid === undefined || stdout === null || stderr === null || !link) throw new Error("The process could not be started.");
  // Pipes of a killed process may report an error nobody waits for.
  for (const stream of [stdout, stderr, link]) stream.on("error", () => {});
  return {
    sandboxed,
    pid,
    paths,
    link: link as Duplex,
    stdout,
    stderr,
    exited,
    nodePid: () => findNodeProcess(pid, sandboxed),
    tree: () => processTree(pid),
    kill: () => {
      // Once it was waited for, its number may be somebody else's.
      if (child.exitCode === null && child.signalCode === null) endWithChildren(pid);
    },
  };
}
